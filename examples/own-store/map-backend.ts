import { setImmediate as reply } from 'node:timers/promises'
import {
  afterRead,
  afterWrite,
  type Backend,
  type Change,
  isExpired,
  type Key,
  type Lists,
  pagesOf,
  type SessionRecord,
  StoreError,
} from 'komgate/store'

/** Maximum number of records. */
const MAX_RECORDS = 100_000

/**
 * Stores records in a map. Every method waits as it would for the reply of a server, and then reads and writes without
 * a pause, as one command of a server does.
 */
export class MapBackend implements Backend, Lists {
  /** A store that cannot list has `undefined` here. */
  readonly lists = this
  /** The number of lost connections: a map has none. */
  readonly interruptions = 0
  readonly records = new Map<Key, SessionRecord>()

  async insert(record: SessionRecord): Promise<void> {
    await reply()
    if (this.records.size >= MAX_RECORDS) throw new StoreError('full', 'the map is full')
    this.records.set(record.key, record)
  }

  async find(key: Key): Promise<SessionRecord | undefined> {
    await reply()
    return this.records.get(key)
  }

  async touch(app: string, key: Key, now: number): Promise<SessionRecord | undefined> {
    await reply()
    const record = this.records.get(key)
    if (record?.app !== app || isExpired(record, now)) return undefined
    this.records.set(key, afterRead(record, now))
    return record
  }

  async update(key: Key, revision: number, change: Change, now: number): Promise<boolean> {
    await reply()
    const record = this.records.get(key)
    if (record?.revision !== revision) return false
    this.records.set(key, afterWrite(record, change, now))
    return true
  }

  async remove(key: Key): Promise<SessionRecord | undefined> {
    await reply()
    const record = this.records.get(key)
    this.records.delete(key)
    return record
  }

  async sweep(now: number): Promise<void> {
    for (const [key, record] of this.records) if (isExpired(record, now)) this.records.delete(key)
  }

  byUser(app: string, user: string, now: number) {
    return this.#newestFirst((record) => record.app === app && record.user === user, now)
  }

  activeSince(app: string, since: number, now: number, limit: number) {
    return this.#newestFirst((record) => record.app === app && record.lastActive >= since, now, limit)
  }

  async countUsers(app: string, since: number, now: number): Promise<number> {
    const users = new Set<string>()
    for await (const page of this.activeSince(app, since, now, MAX_RECORDS))
      for (const { user } of page) users.add(user)
    users.delete('')
    return users.size
  }

  async close(): Promise<void> {
    this.records.clear()
  }

  /** Lists some records, most recently active first. A server would have an index instead of reading all records. */
  #newestFirst(isListed: (record: SessionRecord) => boolean, now: number, limit = MAX_RECORDS) {
    const listed = [...this.records.values()].filter((record) => isListed(record) && !isExpired(record, now))
    const keys = listed.sort((a, b) => b.lastActive - a.lastActive).map(({ key }) => key)
    return pagesOf(keys.slice(0, limit), async (some) => some.flatMap((key) => this.records.get(key) ?? []))
  }
}
