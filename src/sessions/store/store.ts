import { EventEmitter } from 'node:events'
import type { Backend, Lists } from './backend.ts'
import { StoreError } from './errors.ts'
import type { Pages } from './pages.ts'
import { afterWrite, type Change, type Data, isOver, type JsonValue, type Key, type SessionRecord } from './record.ts'
import { Turns } from './turns.ts'

export interface StoreOptions {
  /** milliseconds since 1970 */
  clock?: () => number
  /** the data of one record, as JSON in UTF-8 */
  maxDataBytes?: number
}

/** A session to be. What is left out is empty, or without end. */
export interface NewSession extends Partial<Pick<SessionRecord, 'name' | 'ip' | 'idleMs' | 'endsAt' | 'data'>> {
  key: Key
  app: string
  user: string
  /** ends the other sessions of the same app, user and name */
  unique?: boolean
}

interface StoreEvents {
  /** Somebody has ended a session; emitted once for each, but not for those that run out. */
  ended: [record: SessionRecord]
}

const MAX_DATA_BYTES = 65_536
/** What every kind of store has room for, characters. */
const MAX_APP = 100
const MAX_TEXT = 255
/** Writers in other processes that may come before us, one after the other. */
const MAX_TRIES = 50
const LISTED_AT_ONCE = 1000
/** Most LysKOM sessions keep nothing: one object is enough for all of them. */
const NO_DATA: Data = Object.freeze({})

/**
 * Sessions of any application: who has one, since when, and what is kept in it. A session is found by the key of its
 * token (`keyOf`), which nobody but its holder knows. Every method rejects with a `StoreError` when the backend cannot be reached.
 */
export class SessionStore extends EventEmitter<StoreEvents> {
  readonly #backend: Backend
  readonly #clock: () => number
  readonly #maxDataBytes: number
  /** Writers of this process wait for each other, so that they need not try again. */
  readonly #turns = new Turns()

  constructor(backend: Backend, { clock = Date.now, maxDataBytes = MAX_DATA_BYTES }: StoreOptions = {}) {
    super()
    this.#backend = backend
    this.#clock = clock
    this.#maxDataBytes = maxDataBytes
  }

  /** Rejects with `too-large` for too much data, with `full` when there is no room. */
  async create({ key, app, user, unique = false, ...rest }: NewSession): Promise<SessionRecord> {
    const { name = '', ip = '', idleMs = null, endsAt = null } = rest
    const data = rest.data === undefined ? NO_DATA : merged(NO_DATA, rest.data)
    this.#checkSize(data)
    checkLengths({ app, user, name, ip })
    const now = this.#clock()
    // Not put together from others: V8 would give each record a shape of its own, which is larger than the record.
    const record: SessionRecord = {
      key,
      app,
      user,
      name,
      ip,
      created: now,
      lastActive: now,
      idleMs,
      endsAt,
      reads: 0,
      writes: 0,
      revision: 0,
      data,
    }
    if (!unique) await this.#backend.insert(record)
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
  async merge(app: string, key: Key, patch: Data, maxBytes?: number): Promise<SessionRecord | undefined> {
    return await this.#write(app, key, ({ data }) => {
      const after = merged(data, patch)
      this.#checkSize(after, maxBytes)
      return { data: after }
    })
  }

  /** Changes a session as it is. Resolves with the record as it is then, undefined when there is none. */
  async change(app: string, key: Key, change: Change): Promise<SessionRecord | undefined> {
    if (change.data !== undefined) this.#checkSize(change.data)
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
    for await (const page of this.#lists().byUser(app, user, this.#clock())) {
      // A session may have become another user's since the list began.
      yield page.filter((record) => record.user === user && !isOver(record, this.#clock()))
    }
  }

  /**
   * The sessions of an app that were active in the last so many milliseconds, the last active first, in pages. Throws
   * `cannot-list` where that cannot be had.
   */
  async *listActive(app: string, withinMs: number, limit: number): Pages {
    const now = this.#clock()
    yield* this.#lists().activeSince(app, now - withinMs, now, limit)
  }

  /** The users of an app with a session that was active in the last so many milliseconds. */
  async countActiveUsers(app: string, withinMs: number): Promise<number> {
    const now = this.#clock()
    return await this.#lists().countUsers(app, now - withinMs, now)
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

  /** Takes out what is over. */
  async sweep(): Promise<void> {
    await this.#backend.sweep(this.#clock())
  }

  /** Whether a record that is not there may have been dropped by the backend itself. */
  get forgets(): boolean {
    return this.#backend.forgets === true
  }

  /** How often the line to the backend's server was lost. */
  get interruptions(): number {
    return this.#backend.interruptions
  }

  async close(): Promise<void> {
    await this.#backend.close()
  }

  #ofApp(app: string, record: SessionRecord | undefined): SessionRecord | undefined {
    return record?.app === app && !isOver(record, this.#clock()) ? record : undefined
  }

  #lists(): Lists {
    const { lists } = this.#backend
    if (lists === undefined) throw new StoreError('cannot-list', 'this kind of store cannot list sessions')
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

  async #end({ key }: SessionRecord): Promise<SessionRecord | undefined> {
    const record = await this.#backend.remove(key)
    if (record !== undefined) this.emit('ended', record)
    return record
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
    throw new StoreError('contended', 'too many others write this session')
  }

  #checkSize(data: Data, maxBytes = this.#maxDataBytes): void {
    const bytes = Buffer.byteLength(JSON.stringify(data))
    if (bytes > maxBytes) {
      throw new StoreError('too-large', `the data of a session is ${maxBytes} bytes at most, not ${bytes}`)
    }
  }
}

function checkLengths({ app = '', user = '', name = '', ip = '' }: Partial<SessionRecord>): void {
  for (const [field, text] of Object.entries({ app, user, name, ip })) {
    const max = field === 'app' ? MAX_APP : MAX_TEXT
    if (text.length > max) throw new StoreError('too-large', `the ${field} of a session is ${max} characters at most`)
  }
}

/** The older first; of the same age in an order that everybody agrees on. */
function byAge(a: SessionRecord, b: SessionRecord): number {
  return a.created - b.created || (a.key < b.key ? -1 : 1)
}

/** Neither a spread nor `fromEntries` heeds a setter, so `__proto__` is a key like any other. */
function merged(data: Data, patch: Data): Data {
  const entries: [string, JsonValue][] = Object.entries({ ...data, ...patch })
  return Object.fromEntries(entries.filter(([, value]) => value !== null))
}
