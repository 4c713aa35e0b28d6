import type { Backend } from './backend.ts'
import type { Pages } from './pages.ts'
import type { SessionRecord } from './record.ts'
import type { SessionEnder } from './session-ender.ts'

/**
 * Adds a record and ends all other sessions with the same app, user and name. If several processes do this at the same
 * time, the newest session remains.
 * @param list returns the sessions of the record's user
 * @throws StoreError if the store is unavailable, full or cannot list
 */
export async function insertUnique(
  record: SessionRecord,
  backend: Backend,
  ender: SessionEnder,
  list: () => Pages,
): Promise<void> {
  const others = await named(record.name, list())
  await backend.insert(record)
  await ender.endAll(others)
  // Every process keeps the newest of the concurrently created sessions, so the order of their checks does not matter.
  const all = await named(record.name, list())
  await ender.endAll(all.sort(byAge).slice(0, -1))
}

async function named(name: string, pages: Pages): Promise<SessionRecord[]> {
  const records: SessionRecord[] = []
  for await (const page of pages) records.push(...page.filter((record) => record.name === name))
  return records
}

/** Orders records by age, oldest first; records of the same age by key, so that the order is equal in every process. */
function byAge(a: SessionRecord, b: SessionRecord): number {
  return a.created - b.created || (a.key < b.key ? -1 : 1)
}
