import type { Pages } from './pages.ts'
import type { Change, Key, SessionRecord } from './record.ts'

/**
 * The storage of records: the part that differs between kinds of stores. What records mean, when they expire and how
 * data is merged is the same for every kind and is in `SessionStore`.
 *
 * A method that cannot reach its server rejects with a `StoreError` `unavailable` within a few seconds, and works again
 * once the server does. Expired records may be returned or left out: the store checks for itself.
 */
export interface Backend {
  /** Adds a record under a new key. Rejects with a `StoreError` `full` when the store is full. */
  insert(record: SessionRecord): Promise<void>
  /** Resolves with the record of a key, undefined if there is none. */
  find(key: Key): Promise<SessionRecord | undefined>
  /**
   * Applies a read (`afterRead`) to an unexpired record of this app; concurrent reads must all be counted. Resolves
   * with the record before the read, undefined if there is none. One round trip if the server supports it.
   */
  touch(app: string, key: Key, now: number): Promise<SessionRecord | undefined>
  /**
   * Applies a write (`afterWrite`) if the record still has this revision; resolves with whether it did. Reads counted
   * in the meantime are kept.
   */
  update(key: Key, revision: number, change: Change, now: number): Promise<boolean>
  /** Removes a record and resolves with it; of several concurrent callers only one gets it. */
  remove(key: Key): Promise<SessionRecord | undefined>
  /** Removes expired records, possibly not all of them in one call; does nothing if the server expires them itself. */
  sweep(now: number): Promise<void>
  /** Undefined if the kind of store cannot list records. */
  readonly lists: Lists | undefined
  /** Whether the server may evict records when it needs the memory. */
  readonly evicts?: boolean
  /** Whether no other process uses the store. In such a store a missing record was removed on purpose. */
  readonly isPrivate?: boolean
  /** Resolves with the server's time, milliseconds since 1970; absent if there is no server with a clock of its own. */
  readonly time?: (() => Promise<number>) | undefined
  /** Number of lost connections to the server since the start. After each, records may have been lost. */
  readonly interruptions: number
  /** Closes the connections to the server. */
  close(): Promise<void>
}

/**
 * Lists of records. Time and memory are proportional to the result, not to the number of stored records. Records that
 * are expired at `now` are left out. Records come in pages, most recently active first, as of the start of the list;
 * records that end or change meanwhile may be left out.
 */
export interface Lists {
  /** Lists the records of a user. */
  byUser(app: string, user: string, now: number): Pages
  /** Lists the records of an app that were active at `since` or later, at most `limit`. */
  activeSince(app: string, since: number, now: number, limit: number): Pages
  /**
   * Counts the users of an app with a record that was active at `since` or later; anonymous records (`''`) do not
   * count.
   */
  countUsers(app: string, since: number, now: number): Promise<number>
}
