import { setImmediate } from 'node:timers/promises'
import type { Key, SessionRecord } from './record.ts'

/** Records per page. Parsing a page takes less than 50 ms even with 64 kB of data in each record. */
export const PAGE = 50

/** A list of records in pages, so that a long list does not block the event loop and is not in memory as a whole. */
export type Pages = AsyncGenerator<SessionRecord[], void, undefined>

/**
 * Yields the records of keys in pages, in the order of the keys, and yields to the event loop between pages.
 * @param read returns the records of some keys in any order, without missing records
 */
export async function* pagesOf(keys: readonly Key[], read: (keys: Key[]) => Promise<SessionRecord[]>): Pages {
  for (let from = 0; from < keys.length; from += PAGE) {
    if (from > 0) await setImmediate()
    const some = keys.slice(from, from + PAGE)
    const records = new Map((await read(some)).map((record) => [record.key, record]))
    yield some.flatMap((key) => records.get(key) ?? [])
  }
}
