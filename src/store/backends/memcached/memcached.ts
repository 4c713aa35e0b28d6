import {
  afterRead,
  afterWrite,
  type Backend,
  type Change,
  Conflict,
  checkNames,
  checkParameters,
  expiresAt,
  fromDocument,
  isExpired,
  isUnavailable,
  type Key,
  KeyedMutex,
  type Layout,
  retryOnConflict,
  type SessionDocument,
  type SessionRecord,
  toDocument,
} from '../../index.ts'
import { MemcachedConnection } from './connection.ts'

const RETRY = { attempts: 50, pauseMs: 1 }
/** Maximum lifetime that memcached accepts as a duration, seconds; it treats larger values as times since 1970. */
const MAX_DURATION_S = 30 * 24 * 60 * 60
/** Largest time that memcached can represent, seconds since 1970. */
const MAX_TIME_S = 2 ** 31 - 1
/** Extra lifetime of an item, seconds: records expire by the store's clock, which may differ from memcached's. */
const SLACK_S = 60
/** Lifetime with which memcached removes an item immediately. */
const EXPIRED = -1

/** A record and the version of its item. */
type Versioned = { record: SessionRecord; casUniq: string | number }

/**
 * Opens a memcached store. Each record is one item. The text protocol of memcached has no passwords.
 * @param url `memcache://host:port`
 * @param layout `keyNs` is the prefix of all keys
 * @throws StoreError if the server cannot be reached
 * @throws TypeError for an invalid URL or layout
 */
export async function openMemcached(url: URL, layout: Layout): Promise<Backend> {
  checkParameters(url, 'memcached', [])
  checkNames(Object.values(layout.fields))
  const connection = new MemcachedConnection(url)
  try {
    await connection.run((client) => client.version())
    return new MemcachedBackend(connection, layout)
  } catch (error) {
    connection.close()
    throw error
  }
}

/** Stores each record as a memcached item. */
class MemcachedBackend implements Backend {
  /** memcached cannot list its items. */
  readonly lists = undefined
  /** memcached evicts items without notice. */
  readonly evicts = true
  readonly #connection: MemcachedConnection
  readonly #layout: Layout
  /** Serializes the writes of this process by key, so that they do not conflict. */
  readonly #mutex = new KeyedMutex()
  /** The last known time of memcached, since 1970, minus the monotonic clock, milliseconds. */
  #serverOffset = Date.now() - performance.now()

  constructor(connection: MemcachedConnection, layout: Layout) {
    this.#connection = connection
    this.#layout = layout
  }

  get interruptions(): number {
    return this.#connection.interruptions
  }

  /** Returns memcached's time, milliseconds since 1970 with a resolution of one second. */
  async time(): Promise<number> {
    const { STAT } = await this.#connection.run((client) => client.cmd<{ STAT: string[][] }>('stats'))
    const [, seconds] = STAT.map((words) => words.slice(-2)).find(([name]) => name === 'time') ?? []
    const time = Number(seconds) * 1000
    this.#serverOffset = time - performance.now()
    return time
  }

  async insert(record: SessionRecord): Promise<void> {
    const options = { lifetime: this.#lifetimeOf(record, record.lastActive) }
    await this.#connection.run((client) =>
      client.set(this.#nameOf(record.key), toDocument(record, this.#layout), options),
    )
  }

  async find(key: Key): Promise<SessionRecord | undefined> {
    const name = this.#nameOf(key)
    const item = await this.#connection.run((client) => client.get<SessionDocument>(name))
    return item && fromDocument(key, item.value)
  }

  async touch(app: string, key: Key, now: number): Promise<SessionRecord | undefined> {
    return await this.#overwrite(key, now, (record) =>
      record.app === app && !isExpired(record, now) ? afterRead(record, now) : undefined,
    )
  }

  async update(key: Key, revision: number, change: Change, now: number): Promise<boolean> {
    const before = await this.#overwrite(key, now, (record) =>
      record.revision === revision && !isExpired(record, now) ? afterWrite(record, change, now) : undefined,
    )
    return before !== undefined
  }

  async remove(key: Key): Promise<SessionRecord | undefined> {
    return await this.#overwrite(key, 0, (record) => record, EXPIRED)
  }

  async sweep(): Promise<void> {
    // memcached expires items itself.
  }

  async close(): Promise<void> {
    this.#connection.close()
  }

  /**
   * Replaces a record by the result of `next`, unless that is undefined. Repeats both after a conflict.
   * @returns the record before the write, undefined if nothing was written
   */
  async #overwrite(
    key: Key,
    now: number,
    next: (record: SessionRecord) => SessionRecord | undefined,
    lifetime?: number,
  ): Promise<SessionRecord | undefined> {
    const attempt = async () => {
      const current = await this.#read(key)
      const after = current && next(current.record)
      if (current === undefined || after === undefined) return undefined
      const isWritten = await this.#put(after, current.casUniq, lifetime ?? this.#lifetimeOf(after, now))
      return isWritten ? current.record : new Conflict()
    }
    return await this.#mutex.runExclusive(key, () => retryOnConflict(attempt, RETRY), isUnavailable)
  }

  async #read(key: Key): Promise<Versioned | undefined> {
    const name = this.#nameOf(key)
    const item = await this.#connection.run((client) => client.gets<SessionDocument>(name))
    if (item === undefined) return undefined
    const { value, casUniq } = item as { value: SessionDocument; casUniq: string | number }
    return { record: fromDocument(key, value), casUniq }
  }

  /** Writes an item if its version is unchanged. Returns whether it was written. */
  async #put(record: SessionRecord, casUniq: string | number, lifetime: number): Promise<boolean> {
    const name = this.#nameOf(record.key)
    const options = { casUniq, lifetime }
    return await this.#connection.run(async (client) => {
      try {
        await client.cas(name, toDocument(record, this.#layout), options)
        return true
      } catch (error) {
        if (error instanceof Error && /^(EXISTS|NOT_FOUND)$/.test(error.message)) return false
        throw error
      }
    })
  }

  #nameOf(key: Key): string {
    return this.#layout.keyNs + key
  }

  /** Returns the lifetime of an item as memcached expects it: seconds, a time since 1970, or 0 for no expiry. */
  #lifetimeOf(record: SessionRecord, now: number): number {
    const end = expiresAt(record)
    if (end === null) return 0
    const seconds = Math.ceil(Math.max(0, end - now) / 1000) + SLACK_S
    if (seconds <= MAX_DURATION_S) return seconds
    const time = Math.floor((this.#serverOffset + performance.now()) / 1000) + seconds
    return time <= MAX_TIME_S ? time : 0
  }
}
