import { LRUCache } from 'lru-cache'
import type { Collection, CreateIndexesOptions, Document, Filter, MongoClient } from 'mongodb'
import type { Backend, Change, Key, Layout, Lists, SessionDocument, SessionRecord, StoredRecord } from '../../index.ts'
import {
  Conflict,
  expiresAt,
  fromDocument,
  isExpired,
  PAGE,
  type Pages,
  RECORD,
  retryOnConflict,
  ServerCalls,
  stopText,
  sweepInBatches,
  toDocument,
} from '../../index.ts'
import { indexExists, storeError } from './errors.ts'

type Query = Filter<Document>

/** The fields of a record that determine when it expires after an activity. */
type Lifetime = Pick<SessionRecord, 'idleMs' | 'endsAt'>

/** Returns the path of a record field in a document: those of a record, and `over`, the time at which it expires. */
const field = (name: keyof StoredRecord | 'over') => `${RECORD}.${name}`
const [APP, USER, LAST_ACTIVE, EXPIRY] = [field('app'), field('user'), field('lastActive'), field('over')]

/** The latest date of JavaScript. Records that expire later are stored without expiry. */
const LATEST = 8.64e15
/** Maximum number of remembered lifetimes. */
const MAX_LIFETIMES = 10_000
const TOUCH_ATTEMPTS = 20

/** Stores records in a MongoDB collection. */
export class MongodbBackend implements Backend, Lists {
  readonly lists = this
  readonly #client: MongoClient
  readonly #layout: Layout
  readonly #collection: Collection
  readonly #projection: Record<string, 1>
  /**
   * Lifetimes of recent records. An operator cannot compute the new time of expiry from the record, so the client does,
   * and the update applies only if the record still has that lifetime.
   */
  readonly #lifetimes = new LRUCache<Key, Lifetime>({ max: MAX_LIFETIMES })
  readonly #calls = new ServerCalls(storeError)
  /** The number of interruptions before the indexes were last created. */
  #preparedAfter = 0

  /** @param layout names of the collection, of the key and of the fields for other programs */
  constructor(client: MongoClient, layout: Layout) {
    this.#client = client
    this.#layout = layout
    this.#projection = { [layout.sidField]: 1, [RECORD]: 1 }
    // Reads from the primary: a new session may not have reached the secondaries.
    this.#collection = client.db().collection(layout.table, { readPreference: 'primary' })
    client.on('connectionClosed', ({ reason }) => {
      // The driver closes connections for other reasons too, and retries calls on other connections.
      if (reason === 'error' || reason === 'stale') this.#calls.lost()
    })
  }

  get interruptions(): number {
    return this.#calls.interruptions
  }

  async time(): Promise<number> {
    return Number((await this.#calls.run(() => this.#client.db().command({ hello: 1 }))).localTime)
  }

  /**
   * Creates the missing indexes.
   * @throws StoreError if the server cannot be used
   */
  async prepare(): Promise<void> {
    const { interruptions } = this
    const { sidField } = this.#layout
    // Sparse, since documents of other programs may lack the field. `_id` always has an index.
    if (sidField !== '_id') await this.#createIndex({ [sidField]: 1 }, { unique: true, sparse: true })
    await this.#createIndex({ [APP]: 1, [USER]: 1 })
    await this.#createIndex({ [APP]: 1, [LAST_ACTIVE]: -1 })
    await this.#createIndex({ [EXPIRY]: 1 })
    this.#preparedAfter = interruptions
  }

  async insert(record: SessionRecord): Promise<void> {
    const document = toDocument(record, this.#layout)
    const stored = { ...document[RECORD], over: dateOf(expiresAt(record)) }
    const whole = { ...document, [this.#layout.sidField]: record.key, [RECORD]: stored }
    await this.#calls.run(() => this.#collection.insertOne(whole))
  }

  async find(key: Key): Promise<SessionRecord | undefined> {
    const options = { projection: this.#projection }
    const record = this.#read(await this.#calls.run(() => this.#collection.findOne(this.#byKey(key), options)))
    if (record === undefined) this.#lifetimes.delete(key)
    else this.#lifetimes.set(key, { idleMs: record.idleMs, endsAt: record.endsAt })
    return record
  }

  /** Takes one round trip if the lifetime of the record is known, and two otherwise. */
  async touch(app: string, key: Key, now: number): Promise<SessionRecord | undefined> {
    const known = this.#lifetimes.get(key)
    const before = known && (await this.#touchWith(known, app, key, now))
    if (before !== undefined) return before
    const attempt = async () => {
      const found = await this.find(key)
      if (found?.app !== app || isExpired(found, now)) return undefined
      return (await this.#touchWith(found, app, key, now)) ?? new Conflict()
    }
    return await retryOnConflict(attempt, { attempts: TOUCH_ATTEMPTS })
  }

  async update(key: Key, revision: number, change: Change, now: number): Promise<boolean> {
    const lifetime = this.#lifetimes.get(key) ?? (await this.find(key))
    if (lifetime === undefined) return false
    const { user, name, endsAt, data } = change
    const { stop } = this.#layout.fields
    const after = { idleMs: lifetime.idleMs, endsAt: endsAt === undefined ? lifetime.endsAt : endsAt }
    const set = {
      ...(user !== undefined && { [USER]: user }),
      ...(name !== undefined && { [field('name')]: name }),
      ...(endsAt !== undefined && { [field('endsAt')]: endsAt, [EXPIRY]: expiryOf(after, now) }),
      ...(endsAt !== undefined && stop !== undefined && { [stop]: stopText(endsAt) }),
      ...(data !== undefined && { [field('data')]: JSON.stringify(data) }),
    }
    const update = {
      $inc: { [field('writes')]: 1, [field('revision')]: 1 },
      $max: { [LAST_ACTIVE]: now, ...(endsAt === undefined && laterExpiry(after, now)) },
      ...(Object.keys(set).length > 0 && { $set: set }),
    }
    const filter = { ...this.#withLifetime(key, lifetime), [field('revision')]: revision }
    const { matchedCount } = await this.#calls.run(() => this.#collection.updateOne(filter, update))
    if (matchedCount === 1) this.#lifetimes.set(key, after)
    else this.#lifetimes.delete(key)
    return matchedCount === 1
  }

  async remove(key: Key): Promise<SessionRecord | undefined> {
    this.#lifetimes.delete(key)
    return this.#read(await this.#calls.run(() => this.#collection.findOneAndDelete(this.#byKey(key))))
  }

  async sweep(now: number): Promise<void> {
    // The server may have been replaced by an empty one.
    if (this.#preparedAfter !== this.interruptions) await this.prepare()
    const expired = { [EXPIRY]: { $lte: new Date(now) } }
    await sweepInBatches(async (limit) => {
      const options = { projection: { _id: 1 }, limit, batchSize: limit }
      const found = await this.#calls.run(() => this.#collection.find(expired, options).toArray())
      // The filter again, since a record may have been used in between.
      const filter = { ...expired, _id: { $in: found.map(({ _id }) => _id) } }
      if (found.length > 0) await this.#calls.run(() => this.#collection.deleteMany(filter))
      return found.length
    })
  }

  byUser(app: string, user: string, now: number): Pages {
    return this.#newestFirst({ [APP]: app, [USER]: user, ...notExpired(now) })
  }

  activeSince(app: string, since: number, now: number, limit: number): Pages {
    return this.#newestFirst(activeFilter(app, since, now), limit)
  }

  async countUsers(app: string, since: number, now: number): Promise<number> {
    const loggedIn = { ...activeFilter(app, since, now), [USER]: { $ne: '' } }
    const pipeline = [{ $match: loggedIn }, { $group: { _id: `$${USER}` } }, { $count: 'users' }]
    const options = { allowDiskUse: true }
    const [row] = await this.#calls.run(() => this.#collection.aggregate(pipeline, options).toArray())
    // An empty result has no row.
    return Number(row?.users ?? 0)
  }

  async close(): Promise<void> {
    await this.#client.close()
  }

  /** Applies a read if the record exists, is not expired, and has this lifetime. Returns the record before the read. */
  async #touchWith(lifetime: Lifetime, app: string, key: Key, now: number): Promise<SessionRecord | undefined> {
    const filter = { ...this.#withLifetime(key, lifetime), [APP]: app, ...notExpired(now) }
    const update = { $inc: { [field('reads')]: 1 }, $max: { [LAST_ACTIVE]: now, ...laterExpiry(lifetime, now) } }
    const options = { returnDocument: 'before' } as const
    return this.#read(await this.#calls.run(() => this.#collection.findOneAndUpdate(filter, update, options)))
  }

  #byKey(key: Key): Query {
    return { [this.#layout.sidField]: key }
  }

  #withLifetime(key: Key, { idleMs, endsAt }: Lifetime): Query {
    return { ...this.#byKey(key), [field('idleMs')]: idleMs, [field('endsAt')]: endsAt }
  }

  async *#newestFirst(filter: Query, limit?: number): Pages {
    // In MongoDB a limit of 0 means no limit.
    if (limit !== undefined && limit <= 0) return
    const sort = { [LAST_ACTIVE]: -1 } as const
    const options = { projection: this.#projection, sort, batchSize: PAGE, ...(limit !== undefined && { limit }) }
    let page: SessionRecord[] = []
    try {
      for await (const document of this.#collection.find(filter, options)) {
        page.push(this.#recordOf(document))
        if (page.length < PAGE) continue
        yield page
        page = []
      }
    } catch (error) {
      throw this.#calls.converted(error)
    }
    yield page
  }

  #read(document: Document | null): SessionRecord | undefined {
    return document === null ? undefined : this.#recordOf(document)
  }

  #recordOf(document: Document): SessionRecord {
    return fromDocument(document[this.#layout.sidField], document as SessionDocument)
  }

  async #createIndex(keys: Record<string, 1 | -1>, options: CreateIndexesOptions = {}): Promise<void> {
    try {
      await this.#calls.run(() => this.#collection.createIndex(keys, options))
    } catch (error) {
      // An existing index with other options can be used too.
      if (!indexExists(error)) throw error
    }
  }
}

function dateOf(ms: number | null): Date | null {
  return ms === null || ms > LATEST ? null : new Date(ms)
}

/** Returns the time of expiry of a record that is active at `now`. */
function expiryOf(lifetime: Lifetime, now: number): Date | null {
  return dateOf(expiresAt({ ...lifetime, lastActive: now }))
}

/** Returns the same as an operand of `$max`, since a gateway whose clock is ahead may have set a later time. */
function laterExpiry(lifetime: Lifetime, now: number): Record<string, Date> {
  const expiry = expiryOf(lifetime, now)
  return expiry === null ? {} : { [EXPIRY]: expiry }
}

function notExpired(now: number): Query {
  return { $or: [{ [EXPIRY]: null }, { [EXPIRY]: { $gt: new Date(now) } }] }
}

function activeFilter(app: string, since: number, now: number): Query {
  return { [APP]: app, [LAST_ACTIVE]: { $gte: since }, ...notExpired(now) }
}
