import type { Backend } from './backend.ts'
import type { PendingEnds } from './pending-ends.ts'
import { afterWrite, type Key, type SessionRecord } from './record.ts'

/**
 * Moves a record to another key: adds a copy, then removes the old record. Of several concurrent callers, the one that
 * removes the old record succeeds. The copy is removed again for the other callers and after an error.
 * @param ends removes the copy, or retries its removal later
 * @param old the record as it was read last
 * @param newKey the new key
 * @param now milliseconds since 1970
 * @returns the record under its new key; undefined if the old record was removed by another caller
 * @throws StoreError if the backend fails; the old record remains unless only the reply to its removal was lost
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
    // The new token is not sent to any client.
    if (moved === undefined) await ends.remove(newKey).catch(() => undefined)
  }
}

/** Applies writes of other processes since the old record was read to the copy. */
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
