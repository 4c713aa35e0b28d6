import type { Pages } from './pages.ts'
import type { Change, Key, SessionRecord } from './record.ts'

/**
 * Where records are kept: all that a kind of store has to do itself. What records mean, when they are over, and how data
 * is merged is the same for every kind, and in `SessionStore`.
 *
 * A method that cannot reach its server rejects with a `StoreError` `unavailable`, within some seconds; it works again
 * when the server does. Records that are over may be given out or left out: the store looks for itself.
 */
export interface Backend {
  /** Adds a record under a key that is new. Rejects with a `StoreError` `full` when there is no room. */
  insert(record: SessionRecord): Promise<void>
  find(key: Key): Promise<SessionRecord | undefined>
  /**
   * Notes a read (`afterRead`) of a record of this app that is not over; none of several at the same time may be lost.
   * Resolves with the record as it was before. One round trip where the server allows it.
   */
  touch(app: string, key: Key, now: number): Promise<SessionRecord | undefined>
  /**
   * Notes a write (`afterWrite`), if the record is still of that revision; resolves with whether it was. Reads noted in
   * the meantime are kept.
   */
  update(key: Key, revision: number, change: Change, now: number): Promise<boolean>
  /** Takes a record out; of several who try, one is given it. */
  remove(key: Key): Promise<SessionRecord | undefined>
  /** Takes out what is over, perhaps not all at once; nothing to do where the server does so by itself. */
  sweep(now: number): Promise<void>
  /** Undefined where records cannot be listed. */
  readonly lists: Lists | undefined
  /** Whether it may drop a record by itself, when it needs the room. */
  readonly forgets?: boolean
  /** Whether no other process can see it. Then a record that is not there was removed on purpose. */
  readonly isPrivate?: boolean
  /** Asks the server for its time, milliseconds since 1970; absent where there is no server with a clock of its own. */
  readonly time?: (() => Promise<number>) | undefined
  /** How often the line to the server was lost since the start: what was there may be gone. */
  readonly interruptions: number
  close(): Promise<void>
}

/**
 * Each takes time and memory for its answer, not for all that is stored. What is over at `now` is left out. Records come
 * in pages, the last active first, as of the moment the list begins; what ends or changes meanwhile may be left out.
 */
export interface Lists {
  /** A user's records. */
  byUser(app: string, user: string, now: number): Pages
  /** The records of an app that were active at `since` or later, at most `limit`. */
  activeSince(app: string, since: number, now: number, limit: number): Pages
  /** How many users of an app have a record that was active at `since` or later; nobody (`''`) is not counted. */
  countUsers(app: string, since: number, now: number): Promise<number>
}
