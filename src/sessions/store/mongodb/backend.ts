import type { Backend, Lists } from '../backend.ts'
import { dataText, fromStored, namedFields, overFrom, RECORD, stopText, toStored } from '../document.ts'
import type { Layout } from '../layout.ts'
import { PAGE, type Pages } from '../pages.ts'
import type { Change, Key, SessionRecord } from '../record.ts'
import {
  type IndexOptions,
  isIndexThere,
  isLoss,
  type MongoCollection,
  type Query,
  type SessionDocument,
  storeError,
  type TopologyChange,
} from './port.ts'

/** A field of the record in a document. */
const field = <N extends keyof SessionDocument['record']>(name: N) => `${RECORD}.${name}` as const
const [APP, USER, LAST_ACTIVE, OVER] = [field('app'), field('user'), field('lastActive'), field('over')]

/**
 * Records that are over and that no gateway sweeps vanish by themselves a day later, by the server's clock: clocks of
 * gateways and servers do not differ by that much, so it takes no session that lives.
 */
const GRACE_S = 86_400

/** No date is later; what ends later does not end. */
const LATEST = 8.64e15

/** `overFrom`, by the server, of the record as the stage before has left it. A sum with null is null, a least is not. */
const NEW_OVER = {
  $add: [new Date(0), { $min: [{ $add: [`$${LAST_ACTIVE}`, `$${field('idleMs')}`, 1] }, `$${field('endsAt')}`] }],
}

export interface MongodbOptions {
  collection: MongoCollection
  layout: Layout
  /** asks the server for its time */
  time?: () => Promise<number>
  close(): Promise<void>
}

/** Records in a collection of MongoDB. No real server has seen it yet: it is tested on a stand-in for the collection. */
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

  /** To be told of every change of the servers. */
  noteTopology(change: TopologyChange): void {
    if (isLoss(change)) this.#interruptions++
  }

  /** Makes the indexes that are not there. */
  async prepare(): Promise<void> {
    const { sidField } = this.#options.layout
    // Documents of others need not have the field; `_id` has its index already.
    if (sidField !== '_id') await this.#createIndex({ [sidField]: 1 }, { unique: true, sparse: true })
    await this.#createIndex({ [APP]: 1, [USER]: 1 })
    await this.#createIndex({ [APP]: 1, [LAST_ACTIVE]: -1 })
    await this.#createIndex({ [OVER]: 1 }, { expireAfterSeconds: GRACE_S })
  }

  async insert(record: SessionRecord): Promise<void> {
    const { layout } = this.#options
    const over = dateOf(overFrom(record))
    const document = { ...namedFields(record, layout), [RECORD]: { ...toStored(record), over } }
    await this.#ask((collection) => collection.insertOne({ [layout.sidField]: record.key, ...document }))
  }

  async find(key: Key): Promise<SessionRecord | undefined> {
    const options = { projection: this.#projection }
    return this.#read(await this.#ask((collection) => collection.findOne(this.#with(key), options)))
  }

  async touch(app: string, key: Key, now: number): Promise<SessionRecord | undefined> {
    const filter = { ...this.#with(key), [APP]: app, ...notOver(now) }
    const update = [{ $set: { [field('reads')]: oneMore('reads'), ...active(now) } }, { $set: { [OVER]: NEW_OVER } }]
    const options = { projection: this.#projection, returnDocument: 'before' } as const
    return this.#read(await this.#ask((collection) => collection.findOneAndUpdate(filter, update, options)))
  }

  async update(key: Key, revision: number, change: Change, now: number): Promise<boolean> {
    const filter = { ...this.#with(key), [field('revision')]: revision }
    const counts = { [field('writes')]: oneMore('writes'), [field('revision')]: oneMore('revision') }
    const update = [{ $set: { ...this.#changed(change), ...counts, ...active(now) } }, { $set: { [OVER]: NEW_OVER } }]
    const { matchedCount } = await this.#ask((collection) => collection.updateOne(filter, update))
    return matchedCount === 1
  }

  async remove(key: Key): Promise<SessionRecord | undefined> {
    const options = { projection: this.#projection }
    return this.#read(await this.#ask((collection) => collection.findOneAndDelete(this.#with(key), options)))
  }

  async sweep(now: number): Promise<void> {
    await this.#ask((collection) => collection.deleteMany({ [OVER]: { $lte: new Date(now) } }))
  }

  byUser(app: string, user: string, now: number): Pages {
    return this.#newestFirst({ [APP]: app, [USER]: user, ...notOver(now) })
  }

  activeSince(app: string, since: number, now: number, limit: number): Pages {
    return this.#newestFirst(activeFilter(app, since, now), limit)
  }

  async countUsers(app: string, since: number, now: number): Promise<number> {
    const somebody = { ...activeFilter(app, since, now), [USER]: { $ne: '' } }
    const pipeline = [{ $match: somebody }, { $group: { _id: `$${USER}` } }, { $count: 'users' }]
    const options = { allowDiskUse: true }
    const [row] = await this.#ask((collection) => collection.aggregate(pipeline, options).toArray())
    // Where there is none, there is no row.
    return Number(row?.users ?? 0)
  }

  async close(): Promise<void> {
    await this.#options.close()
  }

  #with(key: Key): Query {
    return { [this.#options.layout.sidField]: key }
  }

  /** What a change sets. The strings are somebody's: one that begins with a $ would be the value of a field. */
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
    // To the server, 0 is no limit.
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
      await this.#ask((collection) => collection.createIndex(keys, options))
    } catch (error) {
      // One that somebody has made with other options serves as well.
      if (!isIndexThere(error)) throw error
    }
  }

  async #ask<T>(question: (collection: MongoCollection) => Promise<T>): Promise<T> {
    try {
      return await question(this.#options.collection)
    } catch (error) {
      throw storeError(error)
    }
  }
}

function dateOf(ms: number | null): Date | null {
  return ms === null || ms > LATEST ? null : new Date(ms)
}

function notOver(now: number): Query {
  return { $or: [{ [OVER]: null }, { [OVER]: { $gt: new Date(now) } }] }
}

function activeFilter(app: string, since: number, now: number): Query {
  return { [APP]: app, [LAST_ACTIVE]: { $gte: since }, ...notOver(now) }
}

function oneMore(counter: 'reads' | 'writes' | 'revision'): Query {
  return { $add: [`$${field(counter)}`, 1] }
}

/** The last activity, which clocks that differ do not take back. */
function active(now: number): Query {
  return { [LAST_ACTIVE]: { $max: [`$${LAST_ACTIVE}`, now] } }
}
