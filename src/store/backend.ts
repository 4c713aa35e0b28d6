import type { Pages } from './pages.ts'
import type { Change, Key, SessionRecord } from './record.ts'

/**
 * Stores the records of one kind of store. `SessionStore` implements what is the same for every kind: the meaning of
 * records, their expiry and the merging of data.
 *
 * Every method throws a `StoreError` `unavailable` within a few seconds if it cannot reach the server, and succeeds
 * again as soon as it can. A method may return expired records or leave them out, since the store checks the expiry.
 * The parameter `now` is the store's time, milliseconds since 1970. It need not be the present time, and neither need the
 * times of a record. A server that expires records must therefore get durations from `now`, or, for `insert`, from the
 * last activity of the record.
 */
export interface Backend {
  /**
   * Adds a record under a new key. The caller checks that the key is new.
   * @throws StoreError `full` if the store is full
   */
  insert(record: SessionRecord): Promise<void>
  /** Returns the record of a key, undefined if there is none. */
  find(key: Key): Promise<SessionRecord | undefined>
  /**
   * Applies a read (`afterRead`) to an unexpired record of an app. Counts all concurrent reads. One round trip if the
   * server supports it.
   * @returns the record before the read, undefined if there is none
   */
  touch(app: string, key: Key, now: number): Promise<SessionRecord | undefined>
  /**
   * Applies a write (`afterWrite`) if the revision of the record is unchanged. Keeps the counts of concurrent reads.
   * @param revision the expected revision
   * @returns whether the write was applied
   */
  update(key: Key, revision: number, change: Change, now: number): Promise<boolean>
  /**
   * Removes a record.
   * @returns the record, undefined if there is none; only one of several concurrent callers gets the record
   */
  remove(key: Key): Promise<SessionRecord | undefined>
  /** Removes expired records, not necessarily all in one call. Does nothing if the server expires records itself. */
  sweep(now: number): Promise<void>
  /** the lists of records; undefined if the kind of store cannot list */
  readonly lists: Lists | undefined
  /** whether the server may evict records at its memory limit; default: false */
  readonly evicts?: boolean
  /** whether no other process uses the store, so that a missing record was removed on purpose; default: false */
  readonly isPrivate?: boolean
  /** returns the server's time, milliseconds since 1970; undefined if there is no server with a clock of its own */
  readonly time?: (() => Promise<number>) | undefined
  /** number of lost connections to the server since the start; records may be lost after each */
  readonly interruptions: number
  /** Closes the connections to the server. */
  close(): Promise<void>
}

/**
 * Lists records in pages, most recently active first, as of the start of the list. Time and memory are proportional to
 * the result, not to the number of stored records. Records that are expired at `now` are left out; records that end or
 * change during the list may be left out. `since` and `now` are milliseconds since 1970.
 */
export interface Lists {
  /** Lists the records of a user. */
  byUser(app: string, user: string, now: number): Pages
  /** Lists at most `limit` records of an app that were active at `since` or later. */
  activeSince(app: string, since: number, now: number, limit: number): Pages
  /**
   * Counts the users of an app with a record that was active at `since` or later. Anonymous records, with the user
   * `''`, do not count.
   */
  countUsers(app: string, since: number, now: number): Promise<number>
}
