import {
  type Backend,
  type Change,
  checkNames,
  type Data,
  type Key,
  type Layout,
  type Lists,
  namedFields,
  type Pages,
  pagesOf,
  type SessionRecord,
  StoreError,
  stopText,
} from '../../index.ts'
import { RedisConnection } from './connection.ts'
import { isOfCluster, NO_CLUSTER } from './replies.ts'
import { INSERT, READ_INDEXED, REMOVE, SWEEP, TOUCH, UPDATE } from './scripts.ts'
import { TouchBatcher } from './touch-batcher.ts'

/** Records per script call, which blocks the server for about a millisecond. */
const BATCH_SIZE = 200
/** Records checked in one sweep. */
const SWEEP_LIMIT = 20_000

/**
 * Opens a Redis store. `scripts.ts` describes the keys.
 * @param url `redis://user:password@host:port/database`, `rediss:` with TLS, or `unix:///path`
 * @param layout `keyNs` is the prefix of all keys
 * @throws StoreError if the server cannot be reached or used
 * @throws TypeError for an invalid URL or layout, or if the server is a node of a cluster
 */
export async function openRedis(url: URL, layout: Layout): Promise<Backend> {
  checkNames(Object.values(layout.fields))
  const connection = await RedisConnection.open(url)
  try {
    await rejectCluster(connection, layout)
    return new RedisBackend(connection, layout, await evictsKeys(connection))
  } catch (error) {
    await connection.close()
    throw error
  }
}

/** Detects a cluster node that forbids `INFO cluster`: it rejects a command on keys in two slots. */
async function rejectCluster(connection: RedisConnection, { keyNs }: Layout): Promise<void> {
  try {
    await connection.send(['EXISTS', `${keyNs}due`, `${keyNs}active`])
  } catch (error) {
    if (error instanceof StoreError && isOfCluster(error.cause)) throw new TypeError(NO_CLUSTER)
  }
}

/** Returns whether the server evicts keys at its memory limit rather than rejecting writes. */
export async function evictsKeys(connection: Pick<RedisConnection, 'send'>): Promise<boolean> {
  // An access control list may forbid INFO.
  const memory = await connection.send<string>(['INFO', 'memory']).catch(() => '')
  const isBounded = /^maxmemory:[1-9]/m.test(memory)
  return isBounded && !/^maxmemory_policy:noeviction/m.test(memory)
}

/** Stores each record in a Redis hash, with indexes in sets and sorted sets. */
class RedisBackend implements Backend, Lists {
  readonly lists = this
  readonly evicts: boolean
  readonly #connection: RedisConnection
  readonly #layout: Layout
  readonly #touches: TouchBatcher

  constructor(connection: RedisConnection, layout: Layout, evicts: boolean) {
    this.evicts = evicts
    this.#connection = connection
    this.#layout = layout
    this.#touches = new TouchBatcher((app, now, names) =>
      this.#connection.run(TOUCH, names, [layout.keyNs, `${now}`, JSON.stringify(app)]),
    )
  }

  get interruptions(): number {
    return this.#connection.interruptions
  }

  async time(): Promise<number> {
    const [seconds, microseconds] = await this.#connection.send<[string, string]>(['TIME'])
    return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000)
  }

  async insert(record: SessionRecord): Promise<void> {
    const named = Object.entries(namedFields(record, this.#layout)).flat()
    const args = [this.#layout.keyNs, timesOf(record), linesOf(record), ...named]
    await this.#connection.run(INSERT, [this.#nameOf(record.key)], args)
  }

  async find(key: Key): Promise<SessionRecord | undefined> {
    const args = ['HMGET', this.#nameOf(key), '@when', '@record']
    const [times, lines] = await this.#connection.send<(string | null)[]>(args)
    return times && lines ? recordOf(key, times + lines) : undefined
  }

  async touch(app: string, key: Key, now: number): Promise<SessionRecord | undefined> {
    return recordOf(key, await this.#touches.touch(app, now, this.#nameOf(key)))
  }

  async update(key: Key, revision: number, change: Change, now: number): Promise<boolean> {
    const { user, name, endsAt, data } = change
    const changed = [user, name, endsAt, data].map((value) => (value === undefined ? '' : JSON.stringify(value)))
    const { stop } = this.#layout.fields
    const named = stop === undefined || endsAt === undefined ? [] : [stop, stopText(endsAt)]
    const args = [this.#layout.keyNs, `${now}`, `${revision}`, ...changed, ...named]
    return (await this.#connection.run<number>(UPDATE, [this.#nameOf(key)], args)) === 1
  }

  async remove(key: Key): Promise<SessionRecord | undefined> {
    return recordOf(key, await this.#connection.run(REMOVE, [this.#nameOf(key)], [this.#layout.keyNs]))
  }

  async sweep(now: number): Promise<void> {
    for (let swept = 0; swept < SWEEP_LIMIT; swept += BATCH_SIZE) {
      const checked = await this.#connection.run<number>(SWEEP, [], [this.#layout.keyNs, `${now}`, `${BATCH_SIZE}`])
      if (checked < BATCH_SIZE) return
    }
  }

  async *byUser(app: string, user: string, now: number): Pages {
    const index = `${this.#layout.keyNs}user:${JSON.stringify(app)},${JSON.stringify(user)}`
    const keys = await this.#connection.send<Key[]>(['SMEMBERS', index])
    const active = newestFirst(await this.#activity(index, 'SREM', keys, now))
    yield* pagesOf(active, (some) => this.#readRecords(index, 'SREM', some, now))
  }

  async *activeSince(app: string, since: number, now: number, limit: number): Pages {
    const index = this.#activeIndex(app)
    for (;;) {
      const { keys, isAll } = await this.#newest(index, since, limit)
      const found = await this.#activity(index, 'ZREM', keys, now)
      // The script has removed expired records from the index, so the next keys follow: read again.
      if (found.length < Math.min(keys.length, limit) && !isAll) continue
      const active = newestFirst(found.filter(({ lastActive }) => lastActive >= since)).slice(0, limit)
      return yield* pagesOf(active, (some) => this.#readRecords(index, 'ZREM', some, now))
    }
  }

  async countUsers(app: string, since: number, now: number): Promise<number> {
    const index = this.#activeIndex(app)
    const keys = await this.#connection.send<Key[]>(['ZRANGEBYSCORE', index, secondOf(since), '+inf'])
    const users = new Set<string>()
    for (const { lastActive, user } of await this.#activity(index, 'ZREM', keys, now)) {
      if (lastActive >= since && user !== '') users.add(user)
    }
    return users.size
  }

  async close(): Promise<void> {
    await this.#connection.close()
  }

  #nameOf(key: Key): string {
    return this.#layout.keyNs + key
  }

  #activeIndex(app: string): string {
    return `${this.#layout.keyNs}active:${JSON.stringify(app)}`
  }

  /**
   * Returns the keys of the `limit` most recently active records, and all others of the same second, since the index
   * has no order within a second. `isAll` is true if there are no older keys at `since` or later.
   */
  async #newest(index: string, since: number, limit: number): Promise<{ keys: Key[]; isAll: boolean }> {
    const at = `${Math.min(Math.max(limit, 1), 2 ** 31) - 1}`
    const [, second] = await this.#connection.send<string[]>(['ZREVRANGE', index, at, at, 'WITHSCORES'])
    const isAll = second === undefined || Number(second) < Math.floor(since / 1000)
    const args = ['ZRANGEBYSCORE', index, isAll ? secondOf(since) : second, '+inf']
    return { keys: await this.#connection.send<Key[]>(args), isAll }
  }

  /** Returns the last activity and the user of the records in an index. */
  async #activity(index: string, removal: string, keys: readonly Key[], now: number): Promise<Activity[]> {
    const found: Activity[] = []
    for await (const [key, text] of this.#readIndexed(index, removal, keys, now, 'user')) {
      const [lastActive, user] = JSON.parse(`[${text}]`) as [number, string]
      found.push({ key, lastActive, user })
    }
    return found
  }

  async #readRecords(index: string, removal: string, keys: readonly Key[], now: number): Promise<SessionRecord[]> {
    const records: SessionRecord[] = []
    for await (const [key, text] of this.#readIndexed(index, removal, keys, now, '')) {
      const record = recordOf(key, text)
      if (record !== undefined) records.push(record)
    }
    return records
  }

  /** Yields the replies of the `READ_INDEXED` script for the keys of an index, in batches. */
  async *#readIndexed(
    index: string,
    removal: string,
    keys: readonly Key[],
    now: number,
    selection: 'user' | '',
  ): AsyncGenerator<[key: Key, text: string]> {
    const args = [this.#layout.keyNs, `${now}`, removal, selection]
    for (let from = 0; from < keys.length; from += BATCH_SIZE) {
      const some = keys.slice(from, from + BATCH_SIZE)
      const names = some.map((key) => this.#nameOf(key))
      const texts = await this.#connection.run<(string | null)[]>(READ_INDEXED, [index, ...names], args)
      for (const [i, key] of some.entries()) {
        const text = texts[i]
        if (text) yield [key, text]
      }
    }
  }
}

interface Activity {
  readonly key: Key
  readonly lastActive: number
  readonly user: string
}

function newestFirst(sessions: Activity[]): Key[] {
  return sessions.sort((a, b) => b.lastActive - a.lastActive).map(({ key }) => key)
}

/** Returns a time, milliseconds since 1970, as the minimum of a score range. */
function secondOf(ms: number): string {
  return ms === Number.NEGATIVE_INFINITY ? '-inf' : `${Math.floor(ms / 1000)}`
}

type Times = Pick<SessionRecord, 'lastActive' | 'reads' | 'idleMs' | 'endsAt' | 'created' | 'writes' | 'revision'>

/** Returns the field `@when`: the first seven values of a JSON list. */
function timesOf({ lastActive, reads, idleMs, endsAt, created, writes, revision }: Times): string {
  return [lastActive, reads, idleMs, endsAt, created, writes, revision].map((value) => `${value},`).join('')
}

/** Returns the field `@record`: the other values of the list, one per line. JSON strings contain no line feeds. */
function linesOf({ app, user, name, ip, data }: SessionRecord): string {
  return [app, user, name, ip, data].map((value) => JSON.stringify(value)).join(',\n')
}

type List = [number, number, number | null, number | null, number, number, number, string, string, string, string, Data]

function recordOf(key: Key, text: string): SessionRecord
function recordOf(key: Key, text: string | null): SessionRecord | undefined
function recordOf(key: Key, text: string | null): SessionRecord | undefined {
  if (text === null) return undefined
  const [lastActive, reads, idleMs, endsAt, created, writes, revision, ...rest] = JSON.parse(`[${text}]`) as List
  const [app, user, name, ip, data] = rest
  return { key, app, user, name, ip, created, lastActive, idleMs, endsAt, reads, writes, revision, data }
}
