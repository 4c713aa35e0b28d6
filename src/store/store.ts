import { EventEmitter } from 'node:events'
import type { Backend, Lists } from './backend.ts'
import { changeKey } from './change-key.ts'
import { StoreClock } from './clock.ts'
import { isUnavailable, StoreError } from './errors.ts'
import { KeyedMutex } from './keyed-mutex.ts'
import { MonitoredBackend } from './monitored-backend.ts'
import { checkLengths, checkSize, merged, type NewSession, newRecord } from './new-session.ts'
import { openBackend } from './open.ts'
import type { Pages } from './pages.ts'
import { PendingEnds } from './pending-ends.ts'
import { type Change, type Data, isExpired, type Key, keyOf, type SessionRecord } from './record.ts'
import { SessionEnder } from './session-ender.ts'
import { insertUnique } from './unique-session.ts'
import { writeRecord } from './write-record.ts'

export type { NewSession } from './new-session.ts'

/** Options of `SessionStore`. */
export interface StoreOptions {
  /** returns the time, milliseconds since 1970; default: a `StoreClock` */
  clock?: () => number
  /** maximum size of the data of a record, bytes of JSON; default: 65,536 */
  maxDataBytes?: number
  /**
   * whether another process may hold the live session of a record, and needs a note when it is ended; default: never
   */
  isElsewhere?: (record: SessionRecord) => boolean
}

interface StoreEvents {
  /** a session was ended; emitted once per session, not for sessions that expire */
  ended: [record: SessionRecord]
  /** a call to the backend failed; emitted once per outage and kind of error */
  failing: [error: unknown]
  /** an outage has ended */
  recovered: []
}

const MAX_DATA_BYTES = 65_536
/** Number of sessions that `endApp` lists at a time. */
const LIST_LIMIT = 1000
/** Timeout for pending removals on close, milliseconds. */
const CLOSE_MS = 1000

/**
 * Stores the sessions of all applications: their users, times and data. A session is identified by its app and the key
 * of its token (`keyOf`). Every method that returns a promise throws a `StoreError` `unavailable` if the backend cannot
 * be reached.
 */
export class SessionStore extends EventEmitter<StoreEvents> {
  /** whether the backend may evict records at its memory limit */
  readonly evicts: boolean
  readonly #backend: MonitoredBackend
  readonly #ends: PendingEnds
  readonly #ender: SessionEnder
  readonly #ownClock: StoreClock | undefined
  readonly #clock: () => number
  readonly #maxDataBytes: number
  readonly #isPrivate: boolean
  /** Serializes the writes of this process by key, so that they do not conflict. */
  readonly #mutex = new KeyedMutex()

  /** @param backend is closed with the store */
  constructor(
    backend: Backend,
    { clock, maxDataBytes = MAX_DATA_BYTES, isElsewhere = () => false }: StoreOptions = {},
  ) {
    super()
    const ownClock = new StoreClock(backend.time?.bind(backend))
    this.#ownClock = clock === undefined ? ownClock : undefined
    this.#clock = clock ?? (() => ownClock.now())
    this.#backend = new MonitoredBackend(backend, this.#clock, {
      onFailure: (error) => this.emit('failing', error),
      onRecovery: () => {
        this.emit('recovered')
        void this.#ends.flush().catch(() => undefined)
      },
    })
    this.#ends = new PendingEnds((key) => this.#backend.remove(key))
    this.#ender = new SessionEnder(this.#backend, {
      clock: this.#clock,
      isElsewhere,
      onEnd: (record) => this.emit('ended', record),
    })
    this.#maxDataBytes = maxDataBytes
    this.evicts = backend.evicts === true
    this.#isPrivate = backend.isPrivate === true
  }

  /**
   * Opens a store and synchronizes its clock.
   * @param where the store URL, such as `memory:` or `redis://host:6379/0`, or a backend
   * @throws StoreError if the server cannot be reached or used
   * @throws TypeError for an invalid URL, or if the driver is not installed
   */
  static async open(where: string | Backend, options?: StoreOptions): Promise<SessionStore> {
    const store = new SessionStore(typeof where === 'string' ? await openBackend(where) : where, options)
    await store.#ownClock?.sync()
    return store
  }

  /** Returns the time by which records expire, milliseconds since 1970. */
  now(): number {
    return this.#clock()
  }

  /**
   * Creates a session.
   * @returns its record
   * @throws StoreError `too-large` for text or data that is too long, `full` if the store is full
   */
  async create(session: NewSession): Promise<SessionRecord> {
    const record = newRecord(session, this.#clock(), this.#maxDataBytes)
    const { app, user, name } = record
    const insert = () => insertUnique(record, this.#backend, this.#ender, () => this.listUser(app, user))
    if (!session.unique) await this.#backend.insert(record)
    else await this.#runExclusive(JSON.stringify([app, user, name]), insert)
    return record
  }

  /** Returns a session without counting a read; undefined if there is none or it is expired. */
  async find(app: string, key: Key): Promise<SessionRecord | undefined> {
    const record = await this.#backend.find(key)
    return record?.app === app && !isExpired(record, this.#clock()) ? record : undefined
  }

  /**
   * Reads a session, counts the read and restarts the idle timeout. While the store is full, it only reads.
   * @returns the record before the read, undefined if there is none
   */
  async touch(app: string, key: Key): Promise<SessionRecord | undefined> {
    try {
      return await this.#backend.touch(app, key, this.#clock())
    } catch (error) {
      if (error instanceof StoreError && error.code === 'full') return await this.find(app, key)
      throw error
    }
  }

  /**
   * Merges a patch into the data of a session.
   * @param patch keys to set; null deletes a key
   * @param maxBytes maximum size of the merged data, bytes of JSON; default: `maxDataBytes`
   * @returns the record after the write, undefined if there is none
   * @throws StoreError `too-large` if the merged data exceeds `maxBytes`, `contended` after too many conflicts
   */
  async merge(app: string, key: Key, patch: Data, maxBytes = this.#maxDataBytes): Promise<SessionRecord | undefined> {
    return await this.#write(app, key, ({ data }) => {
      const after = merged(data, patch)
      checkSize(after, maxBytes)
      return { data: after }
    })
  }

  /**
   * Changes fields of a session.
   * @returns the record after the write, undefined if there is none
   * @throws StoreError `too-large` for text or data that is too long, `contended` after too many conflicts
   */
  async change(app: string, key: Key, change: Change): Promise<SessionRecord | undefined> {
    if (change.data !== undefined) checkSize(change.data, this.#maxDataBytes)
    checkLengths(change)
    return await this.#write(app, key, () => change)
  }

  /**
   * Replaces the key of a session; the old key becomes invalid. Only one of several concurrent callers succeeds.
   * @returns the record under its new key, undefined if there is none
   * @throws StoreError if the backend fails; the old key then stays valid
   */
  async changeKey(app: string, key: Key, newKey: Key): Promise<SessionRecord | undefined> {
    return await this.#runExclusive(key, async () => {
      const old = await this.find(app, key)
      return old && (await changeKey(this.#backend, this.#ends, old, newKey, this.#clock()))
    })
  }

  /**
   * Lists the sessions of a user in pages, most recently active first.
   * @throws StoreError `cannot-list` if the store cannot list
   */
  async *listUser(app: string, user: string): Pages {
    const lists = await this.#lists()
    for await (const page of lists.byUser(app, user, this.#clock())) {
      // The user of a session may have changed since the list began.
      yield page.filter((record) => record.user === user && !isExpired(record, this.#clock()))
    }
  }

  /**
   * Lists at most `limit` sessions of an app that were active in the last `withinMs` milliseconds, in pages, most
   * recently active first.
   * @throws StoreError `cannot-list` if the store cannot list
   */
  async *listActive(app: string, withinMs: number, limit: number): Pages {
    const lists = await this.#lists()
    const now = this.#clock()
    yield* lists.activeSince(app, now - withinMs, now, limit)
  }

  /**
   * Counts the users of an app with a session that was active in the last `withinMs` milliseconds.
   * @throws StoreError `cannot-list` if the store cannot list
   */
  async countActiveUsers(app: string, withinMs: number): Promise<number> {
    const lists = await this.#lists()
    const now = this.#clock()
    return await lists.countUsers(app, now - withinMs, now)
  }

  /**
   * Ends a session.
   * @returns its record, undefined if there is none
   * @throws StoreError `full` if another process may hold the session and the store has no space to notify it
   */
  async end(app: string, key: Key): Promise<SessionRecord | undefined> {
    const record = await this.find(app, key)
    return record && (await this.#ender.end(record))
  }

  /**
   * Ends sessions of a user.
   * @param chosen returns whether to end a session; default: all
   * @returns the number of ended sessions
   * @throws StoreError `cannot-list` if the store cannot list, `full` as `end` does
   */
  async endUser(app: string, user: string, chosen: (record: SessionRecord) => boolean = () => true): Promise<number> {
    let ended = 0
    for await (const page of this.listUser(app, user)) ended += await this.#ender.endAll(page.filter(chosen))
    return ended
  }

  /**
   * Ends all sessions of an app.
   * @returns the number of ended sessions
   * @throws StoreError `cannot-list` if the store cannot list, `full` as `end` does
   */
  async endApp(app: string): Promise<number> {
    let ended = 0
    for (;;) {
      let listed = 0
      for await (const page of this.listActive(app, Number.POSITIVE_INFINITY, LIST_LIMIT)) {
        listed += page.length
        ended += await this.#ender.endAll(page)
      }
      if (listed === 0) return ended
    }
  }

  /**
   * Removes the record of a session that has ended in this process.
   * @throws StoreError if the backend fails; the removal is retried when it is available again
   */
  async remove(key: Key): Promise<void> {
    await this.#ends.remove(key)
  }

  /**
   * Writes the missing or expired record of a live session again, and keeps its data if the record exists.
   * @param mayBeLost whether the backend may have lost records
   * @returns false if `end`, `endUser` or `endApp` has ended the session, in this or another process; it then has no
   *   record
   */
  async restore(session: NewSession, mayBeLost: boolean): Promise<boolean> {
    const { key, app } = session
    const create = (old?: SessionRecord) => this.create(old?.app === app ? { data: old.data, ...session } : session)
    return await this.#runExclusive(key, () => this.#ender.restore(key, mayBeLost || !this.#isPrivate, create))
  }

  /** Removes expired records, retries pending removals, and synchronizes the clock. */
  async sweep(): Promise<void> {
    await this.#ends.flush()
    await this.#backend.sweep(this.#clock())
    await this.#ownClock?.sync()
  }

  /** The error while the store is unavailable, undefined otherwise. */
  get unavailable(): StoreError | undefined {
    return this.#backend.unavailable
  }

  /** The number of pending removals, and the number of removals dropped because too many were pending. */
  get ends(): Readonly<{ size: number; dropped: number }> {
    return this.#ends
  }

  /**
   * Checks the store.
   * @throws StoreError while the store is unavailable
   */
  async ping(): Promise<void> {
    await this.find('', keyOf(''))
    if (this.unavailable !== undefined) throw this.unavailable
  }

  /** The number of lost connections to the backend's server. Records may be lost after each. */
  get interruptions(): number {
    return this.#backend.interruptions
  }

  /** Waits at most one second for pending removals, then closes the backend. */
  async close(): Promise<void> {
    await this.#ends.drain(CLOSE_MS)
    await this.#backend.close()
  }

  /** Returns the lists without sessions whose removal is pending. */
  async #lists(): Promise<Lists> {
    const { lists } = this.#backend
    if (lists === undefined) throw new StoreError('cannot-list', 'this kind of store cannot list sessions')
    await this.#ends.flush()
    return lists
  }

  async #write(app: string, key: Key, changeOf: (record: SessionRecord) => Change): Promise<SessionRecord | undefined> {
    const write = () => writeRecord(this.#backend, () => this.find(app, key), changeOf, this.#clock)
    return await this.#runExclusive(key, write)
  }

  /** Runs writes with the same key one at a time. Those that wait when the store becomes unavailable fail together. */
  async #runExclusive<T>(key: string, work: () => Promise<T>): Promise<T> {
    return await this.#mutex.runExclusive(key, work, isUnavailable)
  }
}
