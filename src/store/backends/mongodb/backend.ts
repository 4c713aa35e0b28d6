import type { Backend, Lists } from '../../backend.ts'
import { dataText, expiresAt, fromStored, namedFields, RECORD, stopText, toStored } from '../../document.ts'
import type { Layout } from '../../layout.ts'
import { PAGE, type Pages } from '../../pages.ts'
import type { Change, Key, SessionRecord } from '../../record.ts'
import {
  type IndexOptions,
  indexExists,
  isPrimaryLost,
  type MongoCollection,
  type Query,
  type SessionDocument,
  storeError,
  type TopologyChange,
} from './port.ts'

/** Returns the path of a record field in a document. */
const field = <N extends keyof SessionDocument['record']>(name: N) => `${RECORD}.${name}` as const
const [APP, USER, LAST_ACTIVE, EXPIRY] = [field('app'), field('user'), field('lastActive'), field('over')]

/**
 * Delay after which MongoDB removes expired records that no gateway has swept, seconds. It is a day, more than the
 * clocks of gateways and servers differ, so no live session is removed.
 */
const GRACE_S = 86_400

/** The latest date of JavaScript. Records that expire later are stored without expiry. */
const LATEST = 8.64e15

/**
 * `expiresAt` as an aggregation expression on the record after the previous stage. In MongoDB a sum with null is null,
 * and `$min` ignores null.
 */
const NEW_EXPIRY = {
  $add: [new Date(0), { $min: [{ $add: [`$${LAST_ACTIVE}`, `$${field('idleMs')}`, 1] }, `$${field('endsAt')}`] }],
}

/** Options of `MongodbBackend`. */
export interface MongodbOptions {
  /** the collection with the session documents */
  collection: MongoCollection
  /** names of the key and of the fields for other programs */
  layout: Layout
  /** returns the server's time, milliseconds since 1970 */
  time?: () => Promise<number>
  /** Closes the client. */
  close(): Promise<void>
}

/**
 * Stores records in a MongoDB collection. The tests use a fake collection; it has not been tested with a real server.
 */
export class MongodbBackend implements Backend, Lists {
  readonly lists = this
  readonly time: Backend['time']
  readonly #options: MongodbOptions
  readonly #projection: Record<string, 1>
  #interruptions = 0

  constructor(options: MongodbOptions) {
    this.#options = options
    if (options.time !== undefined) this.time = options.time
    this.#projection = { [options.layout.sidField]: 1, [RECORD]: 1 }
  }

  get interruptions(): number {
    return this.#interruptions
  }

  /** Handles a topology change of the driver: counts the loss of the last writable server. */
  onTopologyChange(change: TopologyChange): void {
    if (isPrimaryLost(change)) this.#interruptions++
  }

  /**
   * Creates the missing indexes.
   * @throws StoreError if the server cannot be used
   */
  async prepare(): Promise<void> {
    const { sidField } = this.#options.layout
    // Sparse, since documents of other programs may lack the field. `_id` always has an index.
    if (sidField !== '_id') await this.#createIndex({ [sidField]: 1 }, { unique: true, sparse: true })
    await this.#createIndex({ [APP]: 1, [USER]: 1 })
    await this.#createIndex({ [APP]: 1, [LAST_ACTIVE]: -1 })
    await this.#createIndex({ [EXPIRY]: 1 }, { expireAfterSeconds: GRACE_S })
  }

  async insert(record: SessionRecord): Promise<void> {
    const { layout } = this.#options
    const over = dateOf(expiresAt(record))
    const document = { ...namedFields(record, layout), [RECORD]: { ...toStored(record), over } }
    await this.#run((collection) => collection.insertOne({ [layout.sidField]: record.key, ...document }))
  }

  async find(key: Key): Promise<SessionRecord | undefined> {
    const options = { projection: this.#projection }
    return this.#read(await this.#run((collection) => collection.findOne(this.#byKey(key), options)))
  }

  async touch(app: string, key: Key, now: number): Promise<SessionRecord | undefined> {
    const filter = { ...this.#byKey(key), [APP]: app, ...notExpired(now) }
    const update = [
      { $set: { [field('reads')]: incremented('reads'), ...active(now) } },
      { $set: { [EXPIRY]: NEW_EXPIRY } },
    ]
    const options = { projection: this.#projection, returnDocument: 'before' } as const
    return this.#read(await this.#run((collection) => collection.findOneAndUpdate(filter, update, options)))
  }

  async update(key: Key, revision: number, change: Change, now: number): Promise<boolean> {
    const filter = { ...this.#byKey(key), [field('revision')]: revision }
    const counts = { [field('writes')]: incremented('writes'), [field('revision')]: incremented('revision') }
    const update = [
      { $set: { ...this.#changed(change), ...counts, ...active(now) } },
      { $set: { [EXPIRY]: NEW_EXPIRY } },
    ]
    const { matchedCount } = await this.#run((collection) => collection.updateOne(filter, update))
    return matchedCount === 1
  }

  async remove(key: Key): Promise<SessionRecord | undefined> {
    const options = { projection: this.#projection }
    return this.#read(await this.#run((collection) => collection.findOneAndDelete(this.#byKey(key), options)))
  }

  async sweep(now: number): Promise<void> {
    await this.#run((collection) => collection.deleteMany({ [EXPIRY]: { $lte: new Date(now) } }))
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
    const [row] = await this.#run((collection) => collection.aggregate(pipeline, options).toArray())
    // An empty result has no row.
    return Number(row?.users ?? 0)
  }

  async close(): Promise<void> {
    await this.#options.close()
  }

  #byKey(key: Key): Query {
    return { [this.#options.layout.sidField]: key }
  }

  /**
   * Returns the fields that a change sets. Values are literals: a string from a client that begins with `$` would
   * otherwise be a field reference.
   */
  #changed({ user, name, endsAt, data }: Change): Query {
    const { stop } = this.#options.layout.fields
    return {
      ...(user !== undefined && { [USER]: { $literal: user } }),
      ...(name !== undefined && { [field('name')]: { $literal: name } }),
      ...(endsAt !== undefined && { [field('endsAt')]: { $literal: endsAt } }),
      ...(endsAt !== undefined && stop !== undefined && { [stop]: { $literal: stopText(endsAt) } }),
      ...(data !== undefined && { [field('data')]: { $literal: dataText(data) } }),
    }
  }

  #read(document: SessionDocument | null): SessionRecord | undefined {
    return document === null ? undefined : this.#recordOf(document)
  }

  async *#newestFirst(filter: Query, limit?: number): Pages {
    // In MongoDB a limit of 0 means no limit.
    if (limit !== undefined && limit <= 0) return
    const sort = { [LAST_ACTIVE]: -1 } as const
    const options = { projection: this.#projection, sort, batchSize: PAGE, ...(limit !== undefined && { limit }) }
    let page: SessionRecord[] = []
    try {
      for await (const document of this.#options.collection.find(filter, options)) {
        page.push(this.#recordOf(document))
        if (page.length < PAGE) continue
        yield page
        page = []
      }
    } catch (error) {
      throw storeError(error)
    }
    yield page
  }

  #recordOf(document: SessionDocument): SessionRecord {
    return fromStored(document[this.#options.layout.sidField] as Key, document[RECORD])
  }

  async #createIndex(keys: Record<string, 1 | -1>, options: IndexOptions = {}): Promise<void> {
    try {
      await this.#run((collection) => collection.createIndex(keys, options))
    } catch (error) {
      // An existing index with other options can be used too.
      if (!indexExists(error)) throw error
    }
  }

  async #run<T>(work: (collection: MongoCollection) => Promise<T>): Promise<T> {
    try {
      return await work(this.#options.collection)
    } catch (error) {
      throw storeError(error)
    }
  }
}

function dateOf(ms: number | null): Date | null {
  return ms === null || ms > LATEST ? null : new Date(ms)
}

function notExpired(now: number): Query {
  return { $or: [{ [EXPIRY]: null }, { [EXPIRY]: { $gt: new Date(now) } }] }
}

function activeFilter(app: string, since: number, now: number): Query {
  return { [APP]: app, [LAST_ACTIVE]: { $gte: since }, ...notExpired(now) }
}

function incremented(counter: 'reads' | 'writes' | 'revision'): Query {
  return { $add: [`$${field(counter)}`, 1] }
}

/** Returns an update of the last activity, which is never set to an earlier time. */
function active(now: number): Query {
  return { [LAST_ACTIVE]: { $max: [`$${LAST_ACTIVE}`, now] } }
}
