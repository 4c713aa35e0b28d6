import { EventEmitter } from 'node:events'
import type { Backend, Lists } from './backend.ts'
import { changeKey } from './change-key.ts'
import { StoreClock } from './clock.ts'
import { EndNotes } from './end-notes.ts'
import { StoreError } from './errors.ts'
import { KeyedMutex } from './keyed-mutex.ts'
import { MonitoredBackend } from './monitored-backend.ts'
import { checkLengths, checkSize, merged, type NewSession, newRecord } from './new-session.ts'
import { openBackend } from './open.ts'
import type { Pages } from './pages.ts'
import { PendingEnds } from './pending-ends.ts'
import { afterWrite, type Change, type Data, isExpired, type Key, keyOf, type SessionRecord } from './record.ts'
import { Conflict, retryOnConflict } from './retry.ts'

export type { NewSession } from './new-session.ts'

/** Options of `SessionStore`. */
export interface StoreOptions {
  /** returns the time, milliseconds since 1970; default: a `StoreClock` */
  clock?: () => number
  /** maximum size of the data of a record, bytes of JSON; default: 65,536 */
  maxDataBytes?: number
  /**
   * Whether another process may hold the live session of a record and must detect that the record is ended here;
   * default: never.
   */
  isElsewhere?: (record: SessionRecord) => boolean
}

interface StoreEvents {
  /** A session was ended; emitted once per session, not for sessions that expire. */
  ended: [record: SessionRecord]
  /** A call to the backend failed; emitted once per outage and kind of error. */
  failing: [error: unknown]
  /** An outage ended. */
  recovered: []
}

const MAX_DATA_BYTES = 65_536
/** Attempts of an optimistic write before it fails with `contended`. */
const MAX_ATTEMPTS = 50
const LIST_LIMIT = 1000
/** Longest wait for pending removals on close, milliseconds. */
const CLOSE_MS = 1000

/**
 * The sessions of all applications: their users, times and data. A session is found by the key of its token (`keyOf`),
 * which only the client knows. Every method rejects with a `StoreError` if the backend cannot be reached.
 */
export class SessionStore extends EventEmitter<StoreEvents> {
  /** Whether the backend may evict records when it needs the memory. */
  readonly evicts: boolean
  readonly #backend: MonitoredBackend
  readonly #ends: PendingEnds
  readonly #notes: EndNotes
  readonly #ownClock: StoreClock | undefined
  readonly #clock: () => number
  readonly #maxDataBytes: number
  readonly #isPrivate: boolean
  readonly #isElsewhere: (record: SessionRecord) => boolean
  /** Serializes the writes of this process per key, so that they need no retries. */
  readonly #mutex = new KeyedMutex()

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
    this.#notes = new EndNotes(this.#backend, this.#clock)
    this.#maxDataBytes = maxDataBytes
    this.evicts = backend.evicts === true
    this.#isPrivate = backend.isPrivate === true
    this.#isElsewhere = isElsewhere
  }

  /** Opens the store of a URL and synchronizes its clock. Rejects like `openBackend`. */
  static async open(url: string, options?: StoreOptions): Promise<SessionStore> {
    const store = new SessionStore(await openBackend(url), options)
    await store.#ownClock?.sync()
    return store
  }

  /** Returns the time by which records expire, milliseconds since 1970. */
  now(): number {
    return this.#clock()
  }

  /** Creates a session. Rejects with a `StoreError` `too-large` for too much data, or `full`. */
  async create(session: NewSession): Promise<SessionRecord> {
    const record = newRecord(session, this.#clock(), this.#maxDataBytes)
    const { app, user, name } = record
    if (!session.unique) await this.#backend.insert(record)
    else await this.#mutex.runExclusive(JSON.stringify([app, user, name]), () => this.#insertUnique(record))
    return record
  }

  /** Finds a session without counting a read; undefined if there is none or it is expired. */
  async find(app: string, key: Key): Promise<SessionRecord | undefined> {
    return this.#ofApp(app, await this.#backend.find(key))
  }

  /**
   * Reads a session and restarts its idle timeout. Resolves with the record before the read, undefined if there is
   * none.
   */
  touch(app: string, key: Key): Promise<SessionRecord | undefined> {
    return this.#backend.touch(app, key, this.#clock())
  }

  /**
   * Merges a patch into the data: sets its keys and deletes those with null. Resolves with the record after the write,
   * undefined if there is none.
   * @param maxBytes maximum size of the data after the write, if less than the general one
   */
  async merge(app: string, key: Key, patch: Data, maxBytes = this.#maxDataBytes): Promise<SessionRecord | undefined> {
    return await this.#write(app, key, ({ data }) => {
      const after = merged(data, patch)
      checkSize(after, maxBytes)
      return { data: after }
    })
  }

  /** Changes fields of a session. Resolves with the record after the write, undefined if there is none. */
  async change(app: string, key: Key, change: Change): Promise<SessionRecord | undefined> {
    if (change.data !== undefined) checkSize(change.data, this.#maxDataBytes)
    checkLengths(change)
    return await this.#write(app, key, () => change)
  }

  /**
   * Replaces the key of a session; the old key becomes invalid, and of several concurrent callers only one succeeds.
   * Resolves with the new record, undefined if there is none. The old key stays valid if the backend fails.
   */
  async changeKey(app: string, key: Key, newKey: Key): Promise<SessionRecord | undefined> {
    return await this.#mutex.runExclusive(key, async () => {
      const old = await this.find(app, key)
      return old && (await changeKey(this.#backend, this.#ends, old, newKey, this.#clock()))
    })
  }

  /**
   * Lists the sessions of a user in pages, most recently active first. Throws a `StoreError` `cannot-list` if the store
   * cannot list.
   */
  async *listUser(app: string, user: string): Pages {
    const lists = await this.#lists()
    for await (const page of lists.byUser(app, user, this.#clock())) {
      // The user of a session may have changed since the list began.
      yield page.filter((record) => record.user === user && !isExpired(record, this.#clock()))
    }
  }

  /**
   * Lists up to `limit` sessions of an app that were active in the last `withinMs` milliseconds, in pages, most
   * recently active first. Throws a `StoreError` `cannot-list` if the store cannot list.
   */
  async *listActive(app: string, withinMs: number, limit: number): Pages {
    const lists = await this.#lists()
    const now = this.#clock()
    yield* lists.activeSince(app, now - withinMs, now, limit)
  }

  /** Counts the users of an app with a session that was active in the last `withinMs` milliseconds. */
  async countActiveUsers(app: string, withinMs: number): Promise<number> {
    const lists = await this.#lists()
    const now = this.#clock()
    return await lists.countUsers(app, now - withinMs, now)
  }

  /** Ends a session; resolves with its record, undefined if there was none. */
  async end(app: string, key: Key): Promise<SessionRecord | undefined> {
    const record = await this.find(app, key)
    return record && (await this.#end(record))
  }

  /** Ends the sessions of a user for which `chosen` returns true; resolves with their number. */
  async endUser(app: string, user: string, chosen: (record: SessionRecord) => boolean = () => true): Promise<number> {
    let ended = 0
    for await (const page of this.listUser(app, user)) ended += await this.#endAll(page.filter(chosen))
    return ended
  }

  /** Ends all sessions of an app; resolves with their number. */
  async endApp(app: string): Promise<number> {
    let ended = 0
    for (;;) {
      let listed = 0
      for await (const page of this.listActive(app, Number.POSITIVE_INFINITY, LIST_LIMIT)) {
        listed += page.length
        ended += await this.#endAll(page)
      }
      if (listed === 0) return ended
    }
  }

  /**
   * Removes the record of a session that ended in this process. Rejects if that fails now; the removal is retried when
   * the store works again.
   */
  async remove(key: Key): Promise<void> {
    await this.#ends.remove(key)
  }

  /**
   * Writes the missing or expired record of a live session again; existing data is kept. Resolves with false and leaves
   * no record if the session was ended on purpose, by `end`, `endUser` or `endApp` in another process.
   * @param mayBeLost whether the backend may have lost records
   */
  async restore(session: NewSession, mayBeLost: boolean): Promise<boolean> {
    const { key, app } = session
    return await this.#mutex.runExclusive(key, async () => {
      const old = await this.#backend.remove(key)
      if ((old === undefined && this.#isPrivate && !mayBeLost) || (await this.#notes.remove(key))) return false
      await this.create(old?.app === app ? { data: old.data, ...session } : session)
      // An end is noted before its record is removed, so an end without a note yet will remove this new record.
      if (!(await this.#notes.remove(key))) return true
      await this.#backend.remove(key)
      return false
    })
  }

  /** Removes expired records, retries pending removals, and synchronizes the clock. */
  async sweep(): Promise<void> {
    await this.#ends.flush()
    await this.#backend.sweep(this.#clock())
    await this.#ownClock?.sync()
  }

  /** The error while the store is unavailable; undefined while it works. */
  get unavailable(): StoreError | undefined {
    return this.#backend.unavailable
  }

  /** The numbers of pending removals and of removals dropped because too many were pending. */
  get ends(): Readonly<{ size: number; dropped: number }> {
    return this.#ends
  }

  /** Checks the store. Rejects with a `StoreError` while it is unavailable. */
  async ping(): Promise<void> {
    await this.find('', keyOf(''))
    if (this.unavailable !== undefined) throw this.unavailable
  }

  /** Number of lost connections to the backend's server. */
  get interruptions(): number {
    return this.#backend.interruptions
  }

  /** Waits up to `CLOSE_MS` for pending removals, then closes the backend. */
  async close(): Promise<void> {
    await this.#ends.drain(CLOSE_MS)
    await this.#backend.close()
  }

  #ofApp(app: string, record: SessionRecord | undefined): SessionRecord | undefined {
    return record?.app === app && !isExpired(record, this.#clock()) ? record : undefined
  }

  /** Lists must not contain sessions whose removal is pending: if the removal fails, listing fails as well. */
  async #lists(): Promise<Lists> {
    const { lists } = this.#backend
    if (lists === undefined) throw new StoreError('cannot-list', 'this kind of store cannot list sessions')
    await this.#ends.flush()
    return lists
  }

  async #insertUnique(record: SessionRecord): Promise<void> {
    const others = await this.#namesakes(record)
    await this.#backend.insert(record)
    await this.#endAll(others)
    // Of several sessions created by different processes at the same time, the newest stays, whichever process checks
    // first.
    const all = await this.#namesakes(record)
    await this.#endAll(all.sort(byAge).slice(0, -1))
  }

  async #namesakes({ app, user, name }: SessionRecord): Promise<SessionRecord[]> {
    const records: SessionRecord[] = []
    for await (const page of this.listUser(app, user)) records.push(...page.filter((record) => record.name === name))
    return records
  }

  async #endAll(records: readonly SessionRecord[]): Promise<number> {
    const ended = await Promise.all(records.map((record) => this.#end(record)))
    return ended.filter((record) => record !== undefined).length
  }

  async #end(record: SessionRecord): Promise<SessionRecord | undefined> {
    const { key } = record
    // The note comes first, so that the record is not written again in between. In a full store, only the removal
    // frees the space for it.
    const isNoted = !this.#isElsewhere(record) || (await this.#notes.add(key))
    const removed = await this.#backend.remove(key)
    if (!isNoted) await this.#notes.add(key)
    if (removed !== undefined) this.emit('ended', removed)
    return removed
  }

  async #write(app: string, key: Key, changeOf: (record: SessionRecord) => Change): Promise<SessionRecord | undefined> {
    const attempt = async () => {
      const record = this.#ofApp(app, await this.#backend.find(key))
      if (record === undefined) return undefined
      const change = changeOf(record)
      const now = this.#clock()
      const isWritten = await this.#backend.update(key, record.revision, change, now)
      return isWritten ? afterWrite(record, change, now) : new Conflict()
    }
    try {
      return await this.#mutex.runExclusive(key, () => retryOnConflict(attempt, { attempts: MAX_ATTEMPTS }))
    } catch (error) {
      if (error instanceof StoreError && error.code === 'contended') this.#backend.failed(error)
      throw error
    }
  }
}

/** Older records first; records of the same age in an order that is the same in every process. */
function byAge(a: SessionRecord, b: SessionRecord): number {
  return a.created - b.created || (a.key < b.key ? -1 : 1)
}
