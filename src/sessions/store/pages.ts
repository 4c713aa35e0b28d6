import { setImmediate } from 'node:timers/promises'
import type { Key, SessionRecord } from './record.ts'

/** Records in one page of a list: with 64 kB of data each, parsing them holds the event loop for less than 50 ms. */
export const PAGE = 50

/** Records in pages, so that a list of any length neither holds the event loop nor is in memory as a whole. */
export type Pages = AsyncGenerator<SessionRecord[], void, undefined>

/**
 * Reads the records of keys a page at a time, in the order of the keys, and yields to the event loop in between.
 * @param read gives the records of some keys in any order, without those that are gone
 */
export async function* pagesOf(keys: readonly Key[], read: (keys: Key[]) => Promise<SessionRecord[]>): Pages {
  for (let from = 0; from < keys.length; from += PAGE) {
    if (from > 0) await setImmediate()
    const some = keys.slice(from, from + PAGE)
    const records = new Map((await read(some)).map((record) => [record.key, record]))
    yield some.flatMap((key) => records.get(key) ?? [])
  }
}
