import type { Backend } from './backend.ts'
import { EndNotes } from './end-notes.ts'
import { StoreError } from './errors.ts'
import type { Key, SessionRecord } from './record.ts'

/** Options of `SessionEnder`. */
export interface EnderOptions {
  /** returns the time, milliseconds since 1970 */
  clock: () => number
  /** whether another process may hold the live session of a record */
  isElsewhere: (record: SessionRecord) => boolean
  /** called once for each session that is ended */
  onEnd: (record: SessionRecord) => void
}

/**
 * Ends sessions by removing their records, and restores records that were lost or have expired. The process with the
 * live session distinguishes the two cases by the end notes.
 */
export class SessionEnder {
  readonly #backend: Backend
  readonly #notes: EndNotes
  readonly #options: EnderOptions

  constructor(backend: Backend, options: EnderOptions) {
    this.#backend = backend
    this.#notes = new EndNotes(backend, options.clock)
    this.#options = options
  }

  /**
   * Ends a session.
   * @returns its record, undefined if it was removed in the meantime
   * @throws StoreError if the backend fails; `full` if the process that holds the session cannot be notified, and so will
   *   write the record again
   */
  async end(record: SessionRecord): Promise<SessionRecord | undefined> {
    const { isElsewhere, onEnd } = this.#options
    const { key } = record
    // The note is added first, so that the record is not restored in between. In a full store only the removal frees
    // the space for the note.
    const isNoted = !isElsewhere(record) || (await this.#notes.add(record))
    const removed = await this.#backend.remove(key)
    if (removed !== undefined) onEnd(removed)
    if (!isNoted && !(await this.#notes.add(record))) {
      throw new StoreError('full', 'the store is full: it has no space for the note that the session was ended')
    }
    return removed
  }

  /**
   * Ends sessions.
   * @returns the number of sessions that this call has ended
   * @throws StoreError if the backend fails
   */
  async endAll(records: readonly SessionRecord[]): Promise<number> {
    const ended = await Promise.all(records.map((record) => this.end(record)))
    return ended.filter((record) => record !== undefined).length
  }

  /**
   * Replaces the record of a live session unless the session was ended.
   * @param key key of the session
   * @param mayBeLost whether a missing record may have been lost; otherwise it counts as ended
   * @param create adds the new record; `old` is the removed record, undefined if it was missing
   * @returns false if the session was ended; no record is left then
   * @throws StoreError if the backend fails
   */
  async restore(
    key: Key,
    mayBeLost: boolean,
    create: (old: SessionRecord | undefined) => Promise<unknown>,
  ): Promise<boolean> {
    const old = await this.#backend.remove(key)
    if ((old === undefined && !mayBeLost) || (await this.#notes.remove(key))) return false
    await create(old)
    // A note is added before the record is removed, so an end without a note yet will remove the new record.
    if (!(await this.#notes.remove(key))) return true
    await this.#backend.remove(key)
    return false
  }
}
