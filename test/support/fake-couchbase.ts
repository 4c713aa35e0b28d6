import { setImmediate as nextTick } from 'node:timers/promises'
import type {
  Cas,
  CouchbaseCluster,
  CouchbaseCollection,
  CouchbaseDocument,
  QueryOptions,
} from '../../src/store/backends/couchbase/port.ts'
import { select } from './fake-sqlpp.ts'

interface Stored {
  json: string
  cas: FakeCas
  /** seconds on the server's clock */
  expires: number
}

/** A CAS value. Two of them are equal only if they are the same object. */
class FakeCas implements Cas {}

/**
 * A fake Couchbase cluster with one bucket. It implements the SDK methods that sessions use as documented, with the
 * SDK's error names. Documents are converted to JSON and back.
 */
export class FakeCouchbase implements CouchbaseCluster {
  /** the commands so far: name and arguments */
  readonly commands: unknown[][] = []
  readonly documents = new Map<string, Stored>()
  readonly indexes = new Map<string, string>()
  /** name of the error of every operation; undefined for none */
  failure: string | undefined
  /** name of the error of every query; undefined for none */
  queryFailure: string | undefined
  /** time on the server's clock, in seconds */
  clock = 1_000_000
  closed = false
  /** The state of the indexes, which lags behind the documents. */
  #indexed: ReadonlyMap<string, unknown> = new Map()
  readonly #bucket: string

  constructor(bucket: string) {
    this.#bucket = bucket
  }

  /** Opens a bucket. */
  bucket(name: string): { defaultCollection(): CouchbaseCollection } {
    this.commands.push(['bucket', name])
    return { defaultCollection: () => new FakeCouchbaseCollection(this) }
  }

  /** Runs a SQL++ statement. */
  async query(statement: string, options: QueryOptions): Promise<{ rows: unknown[] }> {
    const { rows } = await this.run('query', [statement, options], () => {
      if (this.queryFailure !== undefined) throw couchbaseError(this.queryFailure)
      return { rows: this.#queried(statement, options) }
    })
    return { rows: JSON.parse(JSON.stringify(rows)) }
  }

  /** Records that the client has closed the cluster. */
  async close(): Promise<void> {
    this.closed = true
  }

  /** Runs an operation in the next event-loop tick, as if it were sent over a network. */
  async run<T>(name: string, given: unknown[], work: () => T): Promise<T> {
    this.commands.push([name, ...given])
    await nextTick()
    if (this.failure !== undefined) throw couchbaseError(this.failure)
    return work()
  }

  /** Returns a document; undefined if there is none or it has expired. */
  found(id: string): Stored | undefined {
    const stored = this.documents.get(id)
    if (stored === undefined || stored.expires > this.clock) return stored
    this.documents.delete(id)
    return undefined
  }

  #queried(statement: string, { parameters = {}, scanConsistency, readOnly = false }: QueryOptions): unknown[] {
    if (statement === 'SELECT RAW 1') return [1]
    // The tests do not control the clock of this statement.
    if (statement === 'SELECT RAW NOW_MILLIS()') return [Math.floor(performance.timeOrigin + performance.now())]
    const [, name, bucket, keys] = /^CREATE INDEX `(\w+)` ON `([^`]+)`\((.*)\)$/.exec(statement) ?? []
    if (name !== undefined && keys !== undefined) {
      if (readOnly || bucket !== this.#bucket) throw couchbaseError('InternalServerFailureError')
      if (this.indexes.has(name)) throw couchbaseError('IndexExistsError')
      this.indexes.set(name, keys)
      return []
    }
    if (this.indexes.size === 0) throw couchbaseError('PlanningFailureError')
    if (scanConsistency === 'request_plus') this.#indexed = this.#living()
    return select(statement, this.#bucket, [...this.#indexed.values()], JSON.parse(JSON.stringify(parameters)))
  }

  #living(): Map<string, unknown> {
    const ids = [...this.documents.keys()].filter((id) => this.found(id) !== undefined)
    return new Map(ids.map((id) => [id, JSON.parse(this.documents.get(id)?.json ?? 'null')]))
  }
}

class FakeCouchbaseCollection implements CouchbaseCollection {
  readonly #cluster: FakeCouchbase

  constructor(cluster: FakeCouchbase) {
    this.#cluster = cluster
  }

  async get(id: string): Promise<{ content: unknown; cas: Cas }> {
    return await this.#cluster.run('get', [id], () => {
      const { json, cas } = this.#existing(id)
      return { content: JSON.parse(json), cas }
    })
  }

  async insert(id: string, document: CouchbaseDocument, options: { expiry: number }): Promise<unknown> {
    return await this.#cluster.run('insert', [id, document, options], () => {
      if (this.#cluster.found(id) !== undefined) throw couchbaseError('DocumentExistsError')
      this.#store(id, document, options.expiry)
    })
  }

  async replace(id: string, document: CouchbaseDocument, options: { expiry: number; cas: Cas }): Promise<unknown> {
    return await this.#cluster.run('replace', [id, document, options], () => {
      this.#check(id, options.cas)
      this.#store(id, document, options.expiry)
    })
  }

  async remove(id: string, options: { cas: Cas }): Promise<unknown> {
    return await this.#cluster.run('remove', [id, options], () => {
      this.#check(id, options.cas)
      this.#cluster.documents.delete(id)
    })
  }

  #existing(id: string): Stored {
    const stored = this.#cluster.found(id)
    if (stored === undefined) throw couchbaseError('DocumentNotFoundError')
    return stored
  }

  #check(id: string, cas: Cas): void {
    if (this.#existing(id).cas !== cas) throw couchbaseError('CasMismatchError')
  }

  #store(id: string, document: CouchbaseDocument, expiry: number): void {
    if (!Number.isInteger(expiry) || expiry < 0) throw couchbaseError('InvalidArgumentError')
    const expires = expiry === 0 ? Number.POSITIVE_INFINITY : this.#cluster.clock + expiry
    this.#cluster.documents.set(id, { json: JSON.stringify(document), cas: new FakeCas(), expires })
  }
}

/** Creates an error like the SDK, whose error classes set `name` to their class name. */
export function couchbaseError(name: string, message = name): Error {
  return Object.assign(new Error(message), { name })
}
