import { EventEmitter } from 'node:events'
import { setImmediate as nextTick } from 'node:timers/promises'
import { BSON, MongoNetworkError, MongoServerError, ObjectId } from 'mongodb'
import type {
  FindOptions,
  IndexOptions,
  ListOptions,
  MongoCollection,
  Query,
  SessionDocument,
  TopologyChange,
} from '../../src/store/backends/mongodb/port.ts'
import { evaluate, isMatch, setPath, valueAt } from './fake-mongo-language.ts'

interface Index {
  keys: Query
  options: IndexOptions
}

/**
 * A fake MongoDB server with one collection. It implements the commands that sessions use as documented and rejects all
 * others. All values are converted to BSON and back.
 */
export class FakeMongoServer extends EventEmitter<{ topology: [TopologyChange] }> {
  /** the commands so far: name and arguments */
  readonly commands: unknown[][] = []
  readonly indexes: Index[] = []
  documents: Query[] = []
  #isStopped = false

  /** Simulates an outage: closes the connections and rejects commands. */
  stop(): void {
    this.#isStopped = true
    this.emit('topology', { previousDescription: topology(true), newDescription: topology(false) })
  }

  /** Ends the outage. */
  start(): void {
    this.#isStopped = false
    this.emit('topology', { previousDescription: topology(false), newDescription: topology(true) })
  }

  /** Deletes documents by the TTL indexes, as the server does about once a minute. */
  expire(now: Date): void {
    for (const { keys, options } of this.indexes) {
      const [path] = Object.keys(keys)
      const { expireAfterSeconds: seconds } = options
      if (path === undefined || seconds === undefined) continue
      this.documents = this.documents.filter((document) => {
        const date = valueAt(document, path)
        return !(date instanceof Date) || date.getTime() + seconds * 1000 > now.getTime()
      })
    }
  }

  /** Runs a command in the next event-loop tick, as if it were sent over a network. */
  async run<T>(name: string, given: unknown[], work: (...given: Query[]) => T): Promise<T> {
    this.commands.push([name, ...given])
    await nextTick()
    if (this.#isStopped) throw new MongoNetworkError('connection 1 to 127.0.0.1:27017 closed')
    return work(...given.map((value) => sent(value) as Query))
  }

  /** Returns the collection, for the store. */
  collection(): MongoCollection {
    return new FakeMongoCollection(this)
  }
}

class FakeMongoCollection implements MongoCollection {
  readonly #server: FakeMongoServer

  constructor(server: FakeMongoServer) {
    this.#server = server
  }

  async createIndex(keys: Record<string, 1 | -1>, options: IndexOptions): Promise<unknown> {
    return await this.#server.run('createIndex', [keys, options], (sentKeys = {}, sentOptions = {}) => {
      const same = this.#server.indexes.find((index) => JSON.stringify(index.keys) === JSON.stringify(sentKeys))
      if (same === undefined) this.#server.indexes.push({ keys: sentKeys, options: sentOptions })
      else if (JSON.stringify(same.options) !== JSON.stringify(sentOptions)) {
        throw new MongoServerError({ message: 'Index already exists with different options', code: 85 })
      }
    })
  }

  async insertOne(document: SessionDocument): Promise<unknown> {
    return await this.#server.run('insertOne', [document], (added = {}) => {
      const whole = { _id: new ObjectId(), ...added }
      this.#checkUnique(whole)
      this.#server.documents.push(whole)
    })
  }

  async findOne(filter: Query, options: FindOptions): Promise<SessionDocument | null> {
    return await this.#server.run('findOne', [filter, options], (...given) => this.#found(...given)[0] ?? null)
  }

  async findOneAndUpdate(
    filter: Query,
    update: Query[],
    options: FindOptions & { returnDocument: 'before' },
  ): Promise<SessionDocument | null> {
    return await this.#server.run('findOneAndUpdate', [filter, update, options], (sentFilter, stages, sentOptions) => {
      const [before] = this.#found(sentFilter, sentOptions)
      this.#update(sentFilter, stages)
      return before ?? null
    })
  }

  async findOneAndDelete(filter: Query, options: FindOptions): Promise<SessionDocument | null> {
    return await this.#server.run('findOneAndDelete', [filter, options], (sentFilter = {}, sentOptions) => {
      const [before] = this.#found(sentFilter, sentOptions)
      const i = this.#server.documents.findIndex((document) => isMatch(document, sentFilter))
      if (i >= 0) this.#server.documents.splice(i, 1)
      return before ?? null
    })
  }

  async updateOne(filter: Query, update: Query[]): Promise<{ matchedCount: number }> {
    return await this.#server.run('updateOne', [filter, update], (...given) => ({
      matchedCount: this.#update(...given),
    }))
  }

  async deleteMany(filter: Query): Promise<unknown> {
    return await this.#server.run('deleteMany', [filter], (sentFilter = {}) => {
      this.#server.documents = this.#server.documents.filter((document) => !isMatch(document, sentFilter))
    })
  }

  async *find(filter: Query, options: ListOptions): AsyncGenerator<SessionDocument> {
    yield* await this.#server.run('find', [filter, options], (...given) => this.#found(...given))
  }

  aggregate(pipeline: Query[], options: { allowDiskUse: boolean }): { toArray(): Promise<Query[]> } {
    return {
      toArray: () =>
        this.#server.run('aggregate', [pipeline, options], (stages) => {
          let rows = this.#server.documents
          for (const stage of stages as unknown as Query[]) rows = aggregated(rows, stage)
          return rows
        }),
    }
  }

  #found(filter: Query = {}, { projection, sort = {}, limit = 0 }: Query = {}): SessionDocument[] {
    const found = this.#server.documents.filter((document) => isMatch(document, filter))
    for (const [path, direction] of Object.entries(sort as Query)) {
      found.sort((a, b) => Number(direction) * (Number(valueAt(a, path)) - Number(valueAt(b, path))))
    }
    const some = Number(limit) === 0 ? found : found.slice(0, Number(limit))
    const names = ['_id', ...Object.keys(projection as Query)]
    const projected = some.map((row) =>
      Object.fromEntries(Object.entries(row).filter(([name]) => names.includes(name))),
    )
    return sent(projected) as SessionDocument[]
  }

  #update(filter: Query = {}, stages: unknown = []): number {
    const document = this.#server.documents.find((one) => isMatch(one, filter))
    if (document === undefined) return 0
    for (const stage of stages as Query[]) {
      const [[operator, values] = ['', {}], ...more] = Object.entries(stage)
      if (operator !== '$set' || more.length > 0)
        throw new MongoServerError({ message: `unknown stage ${operator}`, code: 9 })
      // Evaluate all fields of a stage before setting any: they see the result of the previous stage.
      const set = Object.entries(values as Query).map(([path, value]) => [path, evaluate(document, value)] as const)
      for (const [path, value] of set) setPath(document, path, value)
    }
    return 1
  }

  #checkUnique(document: Query): void {
    const unique = this.#server.indexes.filter(({ options }) => options.unique === true).map(({ keys }) => keys)
    for (const keys of [{ _id: 1 }, ...unique]) {
      const [path = ''] = Object.keys(keys)
      const value = valueAt(document, path)
      if (value !== undefined && this.#server.documents.some((other) => valueAt(other, path) === value)) {
        throw new MongoServerError({ message: 'E11000 duplicate key error', code: 11_000 })
      }
    }
  }
}

function aggregated(rows: Query[], stage: Query): Query[] {
  const [[operator, given] = ['', undefined]] = Object.entries(stage)
  if (operator === '$match') return rows.filter((row) => isMatch(row, given as Query))
  if (operator === '$count') return rows.length === 0 ? [] : [{ [String(given)]: rows.length }]
  if (operator !== '$group') throw new MongoServerError({ message: `unknown stage ${operator}`, code: 40_324 })
  const ids = new Set(rows.map((row) => evaluate(row, (given as Query)._id)))
  return Array.from(ids, (_id) => ({ _id }))
}

function topology(isWritable: boolean): TopologyChange['newDescription'] {
  return { servers: new Map([['127.0.0.1:27017', { isWritable }]]) }
}

/** Converts a value to BSON and back. */
function sent(value: unknown): unknown {
  return BSON.deserialize(BSON.serialize({ value })).value
}
