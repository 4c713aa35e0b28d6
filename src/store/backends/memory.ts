import { setImmediate } from 'node:timers/promises'
import {
  afterRead,
  afterWrite,
  type Backend,
  type Change,
  isExpired,
  type Key,
  type Lists,
  type Pages,
  pagesOf,
  type SessionRecord,
  StoreError,
} from '../index.ts'

/** Limits of `MemoryBackend`. */
export interface MemoryOptions {
  /** maximum number of records */
  maxRecords: number
  /** maximum size of all data, characters of JSON */
  maxBytes: number
}

/** Records checked in one sweep, which takes a few milliseconds. */
const SWEEP_BATCH = 20_000
/** Records that a count checks in one event-loop tick. */
const COUNT_BATCH = 20_000

/** A record in the linked list of its app, which is in the order of last activity. */
interface Row {
  record: SessionRecord
  readonly app: App
  /** size of the data, characters of JSON */
  bytes: number
  /** the next row that was active earlier */
  older: Row | undefined
  /** the next row that was active later */
  newer: Row | undefined
}

/** The records of one app. */
interface App {
  users: Map<string, Set<Row>>
  newest: Row | undefined
}

/** Stores records in the memory of the process; they are lost when it ends. */
export class MemoryBackend implements Backend, Lists {
  readonly interruptions: number = 0
  readonly isPrivate: boolean = true
  readonly lists = this
  readonly #options: MemoryOptions
  readonly #rows = new Map<Key, Row>()
  readonly #apps = new Map<string, App>()
  #bytes = 0
  /** The position at which the next sweep continues. */
  #sweeping: Iterator<Row> | undefined

  constructor(options: MemoryOptions) {
    this.#options = options
  }

  async insert(record: SessionRecord): Promise<void> {
    if (this.#rows.has(record.key)) throw new Error('there is a record with this key')
    const { maxRecords } = this.#options
    if (this.#rows.size >= maxRecords)
      throw new StoreError('full', `the store is full: it holds at most ${maxRecords} sessions`)
    const bytes = sizeOf(record)
    this.#reserve(bytes)
    const row: Row = { record, app: this.#app(record.app), bytes, older: undefined, newer: undefined }
    this.#rows.set(record.key, row)
    this.#addToUser(row)
    this.#addNewest(row)
  }

  async find(key: Key): Promise<SessionRecord | undefined> {
    return this.#rows.get(key)?.record
  }

  async touch(app: string, key: Key, now: number): Promise<SessionRecord | undefined> {
    const row = this.#rows.get(key)
    if (row?.record.app !== app || isExpired(row.record, now)) return undefined
    const before = row.record
    row.record = afterRead(before, now)
    this.#becomeNewest(row)
    return before
  }

  async update(key: Key, revision: number, change: Change, now: number): Promise<boolean> {
    const row = this.#rows.get(key)
    if (row === undefined || row.record.revision !== revision) return false
    const record = afterWrite(row.record, change, now)
    const bytes = change.data === undefined ? row.bytes : sizeOf(record)
    this.#reserve(bytes - row.bytes)
    row.bytes = bytes
    if (record.user !== row.record.user) this.#move(row, record)
    else row.record = record
    this.#becomeNewest(row)
    return true
  }

  async remove(key: Key): Promise<SessionRecord | undefined> {
    const row = this.#rows.get(key)
    if (row === undefined) return undefined
    this.#rows.delete(key)
    this.#bytes -= row.bytes
    this.#unlink(row)
    this.#removeFromUser(row)
    return row.record
  }

  async sweep(now: number): Promise<void> {
    this.#sweeping ??= this.#rows.values()
    for (let i = 0; i < SWEEP_BATCH; i++) {
      const { value: row, done } = this.#sweeping.next()
      if (done) {
        this.#sweeping = undefined
        return
      }
      if (isExpired(row.record, now)) await this.remove(row.record.key)
    }
  }

  async *byUser(app: string, user: string, now: number): Pages {
    const rows = [...(this.#apps.get(app)?.users.get(user) ?? [])]
    rows.sort((a, b) => b.record.lastActive - a.record.lastActive)
    const keys = rows.map(({ record }) => record.key)
    yield* pagesOf(keys, async (some) => this.#unexpired(some, now))
  }

  async *activeSince(app: string, since: number, now: number, limit: number): Pages {
    const keys: Key[] = []
    for (const record of this.#active(app, since, now)) {
      if (keys.length >= limit) break
      keys.push(record.key)
    }
    yield* pagesOf(keys, async (some) => this.#unexpired(some, now))
  }

  async countUsers(app: string, since: number, now: number): Promise<number> {
    let users = 0
    let seen = 0
    // The iterators of maps and sets support changes between two ticks.
    for (const [user, rows] of this.#apps.get(app)?.users ?? []) {
      if (user === '') continue
      for (const { record } of rows) {
        if (++seen % COUNT_BATCH === 0) await setImmediate()
        if (record.lastActive < since || isExpired(record, now)) continue
        users++
        break
      }
    }
    return users
  }

  async close(): Promise<void> {
    this.#rows.clear()
    this.#apps.clear()
    this.#bytes = 0
  }

  #unexpired(keys: readonly Key[], now: number): SessionRecord[] {
    return keys.flatMap((key) => {
      const record = this.#rows.get(key)?.record
      return record === undefined || isExpired(record, now) ? [] : record
    })
  }

  /** Yields the active records of an app, most recently active first. */
  *#active(app: string, since: number, now: number): Generator<SessionRecord> {
    let row = this.#apps.get(app)?.newest
    for (; row !== undefined && row.record.lastActive >= since; row = row.older) {
      if (!isExpired(row.record, now)) yield row.record
    }
  }

  #reserve(bytes: number): void {
    const { maxBytes } = this.#options
    if (bytes > 0 && this.#bytes + bytes > maxBytes) {
      throw new StoreError('full', `the store is full: it holds at most ${maxBytes} bytes`)
    }
    this.#bytes += bytes
  }

  #addToUser(row: Row): void {
    const { users } = row.app
    const rows = users.get(row.record.user)
    if (rows === undefined) users.set(row.record.user, new Set([row]))
    else rows.add(row)
  }

  #removeFromUser(row: Row): void {
    const { users } = row.app
    const rows = users.get(row.record.user)
    rows?.delete(row)
    if (rows?.size === 0) users.delete(row.record.user)
    if (users.size === 0) this.#apps.delete(row.record.app)
  }

  #move(row: Row, record: SessionRecord): void {
    const { users } = row.app
    const rows = users.get(row.record.user)
    rows?.delete(row)
    if (rows?.size === 0) users.delete(row.record.user)
    row.record = record
    this.#addToUser(row)
  }

  #app(name: string): App {
    let app = this.#apps.get(name)
    if (app === undefined) {
      app = { users: new Map(), newest: undefined }
      this.#apps.set(name, app)
    }
    return app
  }

  #becomeNewest(row: Row): void {
    if (row.app.newest === row) return
    this.#unlink(row)
    this.#addNewest(row)
  }

  #addNewest(row: Row): void {
    const { app } = row
    row.newer = undefined
    row.older = app.newest
    if (app.newest !== undefined) app.newest.newer = row
    app.newest = row
  }

  #unlink(row: Row): void {
    const { app } = row
    if (row.newer !== undefined) row.newer.older = row.older
    else app.newest = row.older
    if (row.older !== undefined) row.older.newer = row.newer
  }
}

function sizeOf({ data }: SessionRecord): number {
  return JSON.stringify(data).length
}
