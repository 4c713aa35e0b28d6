import type { Backend } from './backend.ts'
import type { PendingEnds } from './pending-ends.ts'
import { afterWrite, type Key, type SessionRecord } from './record.ts'

/**
 * Moves a record to another key: adds a copy, then removes the old record. The caller that removes it succeeds; of other
 * callers, and when the backend fails, the copy is removed.
 * @param old the record as it was read last
 * @param now milliseconds since 1970
 * @returns the record under its new key; undefined when the old one is gone
 * @throws StoreError when the backend fails; the old record is still there unless only the reply to its removal was lost
 */
export async function changeKey(
  backend: Backend,
  ends: PendingEnds,
  old: SessionRecord,
  newKey: Key,
  now: number,
): Promise<SessionRecord | undefined> {
  let moved: SessionRecord | undefined
  try {
    const copy = { ...afterWrite(old, {}, now), key: newKey }
    await backend.insert(copy)
    const removed = await backend.remove(old.key)
    moved = removed && (await withLaterWrites(backend, copy, old, removed, now))
    return moved
  } finally {
    // No client gets the new id.
    if (moved === undefined) await ends.remove(newKey).catch(() => undefined)
  }
}

/** Repeats on the copy what another process wrote after the old record was read. */
async function withLaterWrites(
  backend: Backend,
  copy: SessionRecord,
  old: SessionRecord,
  { revision, user, name, endsAt, data }: SessionRecord,
  now: number,
): Promise<SessionRecord | undefined> {
  if (revision === old.revision) return copy
  const change = { user, name, endsAt, data }
  return (await backend.update(copy.key, copy.revision, change, now)) ? afterWrite(copy, change, now) : undefined
}
