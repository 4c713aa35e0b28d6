import { EventEmitter } from 'node:events'
import type { Backend, Lists } from './backend.ts'
import { StoreClock } from './clock.ts'
import { EndNotes } from './end-notes.ts'
import { StoreError } from './errors.ts'
import { checkLengths, checkSize, merged, type NewSession, newRecord } from './new-session.ts'
import { openBackend } from './open.ts'
import type { Pages } from './pages.ts'
import { PendingEnds } from './pending-ends.ts'
import { afterWrite, type Change, type Data, isOver, type Key, keyOf, type SessionRecord } from './record.ts'
import { Turns } from './turns.ts'
import { WatchedBackend } from './watched-backend.ts'

export type { NewSession } from './new-session.ts'

export interface StoreOptions {
  /** milliseconds since 1970; a `StoreClock` by default */
  clock?: () => number
  /** the data of one record, as JSON in UTF-8 */
  maxDataBytes?: number
  /**
   * Whether another process may hold the live session of a record, and must learn when the record is ended here; by
   * default there are no live sessions.
   */
  isElsewhere?: (record: SessionRecord) => boolean
}

interface StoreEvents {
  /** Somebody has ended a session; emitted once for each, but not for those that run out. */
  ended: [record: SessionRecord]
  /** A call to the backend failed; emitted once for each outage and kind of error. */
  failing: [error: unknown]
  /** An outage is over. */
  recovered: []
}

const MAX_DATA_BYTES = 65_536
/** Writers in other processes that may come before us, one after the other. */
const MAX_TRIES = 50
const LISTED_AT_ONCE = 1000
/** How long closing waits for ends that are pending. */
const CLOSE_MS = 1000

/**
 * Sessions of any application: who has one, since when, and what is kept in it. A session is found by the key of its
 * token (`keyOf`), which nobody but its holder knows. Every method rejects with a `StoreError` when the backend cannot be reached.
 */
export class SessionStore extends EventEmitter<StoreEvents> {
  /** Whether the backend may drop records by itself when it needs the room. */
  readonly forgets: boolean
  readonly #backend: WatchedBackend
  readonly #ends: PendingEnds
  readonly #notes: EndNotes
  readonly #ownClock: StoreClock | undefined
  readonly #clock: () => number
  readonly #maxDataBytes: number
  readonly #isPrivate: boolean
  readonly #isElsewhere: (record: SessionRecord) => boolean
  /** Writers of this process wait for each other, so that they need not try again. */
  readonly #turns = new Turns()

  constructor(
    backend: Backend,
    { clock, maxDataBytes = MAX_DATA_BYTES, isElsewhere = () => false }: StoreOptions = {},
  ) {
    super()
    const ownClock = new StoreClock(backend.time?.bind(backend))
    this.#ownClock = clock === undefined ? ownClock : undefined
    this.#clock = clock ?? (() => ownClock.now())
    this.#backend = new WatchedBackend(backend, this.#clock, {
      onFailure: (error) => this.emit('failing', error),
      onRecovery: () => {
        this.emit('recovered')
        void this.#ends.flush().catch(() => undefined)
      },
    })
    this.#ends = new PendingEnds((key) => this.#backend.remove(key))
    this.#notes = new EndNotes(this.#backend, this.#clock)
    this.#maxDataBytes = maxDataBytes
    this.forgets = backend.forgets === true
    this.#isPrivate = backend.isPrivate === true
    this.#isElsewhere = isElsewhere
  }

  /** Opens the store that a URL names, and takes the time from its server. Rejects as `openBackend` does. */
  static async open(url: string, options?: StoreOptions): Promise<SessionStore> {
    const store = new SessionStore(await openBackend(url), options)
    await store.#ownClock?.sync()
    return store
  }

  /** The time by which records expire, milliseconds since 1970. */
  now(): number {
    return this.#clock()
  }

  /** Rejects with `too-large` for too much data, with `full` when there is no room. */
  async create(session: NewSession): Promise<SessionRecord> {
    const record = newRecord(session, this.#clock(), this.#maxDataBytes)
    const { app, user, name } = record
    if (!session.unique) await this.#backend.insert(record)
    else await this.#turns.take(JSON.stringify([app, user, name]), () => this.#insertUnique(record))
    return record
  }

  /** A session, without a trace of having been looked at; undefined when there is none, or it is over. */
  async find(app: string, key: Key): Promise<SessionRecord | undefined> {
    return this.#ofApp(app, await this.#backend.find(key))
  }

  /** Reads a session: its idle time begins anew. Resolves with the record as it was before. */
  touch(app: string, key: Key): Promise<SessionRecord | undefined> {
    return this.#backend.touch(app, key, this.#clock())
  }

  /**
   * Sets some keys of the data and leaves the others; null deletes. Resolves with the record as it is then.
   * @param maxBytes what the data may be afterwards, where that is less than in general
   */
  async merge(app: string, key: Key, patch: Data, maxBytes = this.#maxDataBytes): Promise<SessionRecord | undefined> {
    return await this.#write(app, key, ({ data }) => {
      const after = merged(data, patch)
      checkSize(after, maxBytes)
      return { data: after }
    })
  }

  /** Changes a session as it is. Resolves with the record as it is then, undefined when there is none. */
  async change(app: string, key: Key, change: Change): Promise<SessionRecord | undefined> {
    if (change.data !== undefined) checkSize(change.data, this.#maxDataBytes)
    checkLengths(change)
    return await this.#write(app, key, () => change)
  }

  /**
   * Gives a session another key; the old one is void, and of several callers at the same time one succeeds. Resolves with
   * the record as it is then, undefined when there is none. The session is lost when the backend fails in between.
   */
  async changeKey(app: string, key: Key, newKey: Key): Promise<SessionRecord | undefined> {
    return await this.#turns.take(key, async () => {
      const removed = (await this.find(app, key)) && (await this.#backend.remove(key))
      if (removed === undefined) return undefined
      const record = { ...afterWrite(removed, {}, this.#clock()), key: newKey }
      await this.#backend.insert(record)
      return record
    })
  }

  /** The sessions of a user, the last active first, in pages. Throws `cannot-list` where that cannot be had. */
  async *listUser(app: string, user: string): Pages {
    const lists = await this.#lists()
    for await (const page of lists.byUser(app, user, this.#clock())) {
      // A session may have become another user's since the list began.
      yield page.filter((record) => record.user === user && !isOver(record, this.#clock()))
    }
  }

  /**
   * The sessions of an app that were active in the last so many milliseconds, the last active first, in pages. Throws
   * `cannot-list` where that cannot be had.
   */
  async *listActive(app: string, withinMs: number, limit: number): Pages {
    const lists = await this.#lists()
    const now = this.#clock()
    yield* lists.activeSince(app, now - withinMs, now, limit)
  }

  /** The users of an app with a session that was active in the last so many milliseconds. */
  async countActiveUsers(app: string, withinMs: number): Promise<number> {
    const lists = await this.#lists()
    const now = this.#clock()
    return await lists.countUsers(app, now - withinMs, now)
  }

  /** Ends a session; resolves with it, undefined when there was none. */
  async end(app: string, key: Key): Promise<SessionRecord | undefined> {
    const record = await this.find(app, key)
    return record && (await this.#end(record))
  }

  /** Ends the sessions of a user, or those that are chosen; resolves with their number. */
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
      for await (const page of this.listActive(app, Number.POSITIVE_INFINITY, LISTED_AT_ONCE)) {
        listed += page.length
        ended += await this.#endAll(page)
      }
      if (listed === 0) return ended
    }
  }

  /**
   * Removes the record of a session that has ended in this process. Rejects when that cannot be done now; then it is
   * done as soon as the store works again.
   */
  async remove(key: Key): Promise<void> {
    await this.#ends.remove(key)
  }

  /**
   * Writes the record of a live session that is not there any more or has expired; data that is still there is kept.
   * Resolves with false, and leaves no record, when the session was ended on purpose: by `end`, `endUser` or `endApp`
   * in another process.
   * @param mayBeLost whether the backend may have lost records
   */
  async restore(session: NewSession, mayBeLost: boolean): Promise<boolean> {
    const { key, app } = session
    return await this.#turns.take(key, async () => {
      const old = await this.#backend.remove(key)
      if ((old === undefined && this.#isPrivate && !mayBeLost) || (await this.#notes.take(key))) return false
      await this.create(old?.app === app ? { data: old.data, ...session } : session)
      // An end is noted before its record is removed: one that is not noted by now removes this new record.
      if (!(await this.#notes.take(key))) return true
      await this.#backend.remove(key)
      return false
    })
  }

  /** Takes out what is over, and does the ends that could not be done before. */
  async sweep(): Promise<void> {
    await this.#ends.flush()
    await this.#backend.sweep(this.#clock())
    await this.#ownClock?.sync()
  }

  /** Why the store is unavailable; undefined while it works. */
  get unavailable(): StoreError | undefined {
    return this.#backend.unavailable
  }

  /** How many ends are pending, and how many were given up because too many were. */
  get ends(): Readonly<{ size: number; dropped: number }> {
    return this.#ends
  }

  /** Rejects with a `StoreError` while the store is unavailable. */
  async ping(): Promise<void> {
    await this.find('', keyOf(''))
    if (this.unavailable !== undefined) throw this.unavailable
  }

  /** How often the line to the backend's server was lost. */
  get interruptions(): number {
    return this.#backend.interruptions
  }

  /** Waits a moment for ends that are pending, then lets go of the backend. */
  async close(): Promise<void> {
    await this.#ends.drain(CLOSE_MS)
    await this.#backend.close()
  }

  #ofApp(app: string, record: SessionRecord | undefined): SessionRecord | undefined {
    return record?.app === app && !isOver(record, this.#clock()) ? record : undefined
  }

  /** No list shows a session whose end is pending: where the end cannot be done, the list cannot be read either. */
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
    // Of several that other processes make at the same time the last one stays, whoever looks first.
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
    // The note goes first, so that the record is not written anew in between; only a full store needs its room.
    const hasRoom = !this.#isElsewhere(record) || (await this.#notes.add(key))
    const removed = await this.#backend.remove(key)
    if (!hasRoom) await this.#notes.add(key)
    if (removed !== undefined) this.emit('ended', removed)
    return removed
  }

  async #write(app: string, key: Key, changeOf: (record: SessionRecord) => Change): Promise<SessionRecord | undefined> {
    return await this.#turns.take(key, () => this.#tryToWrite(app, key, changeOf))
  }

  async #tryToWrite(
    app: string,
    key: Key,
    changeOf: (record: SessionRecord) => Change,
  ): Promise<SessionRecord | undefined> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const record = this.#ofApp(app, await this.#backend.find(key))
      if (record === undefined) return undefined
      const change = changeOf(record)
      const now = this.#clock()
      if (await this.#backend.update(key, record.revision, change, now)) return afterWrite(record, change, now)
    }
    throw this.#backend.failed(new StoreError('contended', 'too many others write this session'))
  }
}

/** The older first; of the same age in an order that everybody agrees on. */
function byAge(a: SessionRecord, b: SessionRecord): number {
  return a.created - b.created || (a.key < b.key ? -1 : 1)
}
