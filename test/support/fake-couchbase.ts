import { setImmediate as turn } from 'node:timers/promises'
import type {
  Cas,
  CouchbaseCluster,
  CouchbaseCollection,
  CouchbaseDocument,
  QueryOptions,
} from '../../src/sessions/store/couchbase/port.ts'
import { select } from './fake-sqlpp.ts'

interface Stored {
  json: string
  cas: FakeCas
  /** seconds of the server's clock */
  expires: number
}

/** Two are the same when they are the same object. */
class FakeCas implements Cas {}

/**
 * A stand-in for a Couchbase cluster with one bucket: what the SDK's documentation says of the methods that sessions
 * use, with errors that are named as the SDK's are. Documents go in and come out as JSON.
 */
export class FakeCouchbase implements CouchbaseCluster {
  readonly commands: unknown[][] = []
  readonly documents = new Map<string, Stored>()
  readonly indexes = new Map<string, string>()
  /** the name of the error that all that is asked for ends with */
  failure: string | undefined
  /** the same, of queries alone */
  queryFailure: string | undefined
  /** seconds */
  clock = 1_000_000
  closed = false
  /** What the indexes know: they are behind. */
  #indexed: ReadonlyMap<string, unknown> = new Map()
  readonly #bucket: string

  constructor(bucket: string) {
    this.#bucket = bucket
  }

  bucket(name: string): { defaultCollection(): CouchbaseCollection } {
    this.commands.push(['bucket', name])
    return { defaultCollection: () => new FakeCouchbaseCollection(this) }
  }

  async query(statement: string, options: QueryOptions): Promise<{ rows: unknown[] }> {
    const { rows } = await this.run('query', [statement, options], () => {
      if (this.queryFailure !== undefined) throw couchbaseError(this.queryFailure)
      return { rows: this.#queried(statement, options) }
    })
    return { rows: JSON.parse(JSON.stringify(rows)) }
  }

  async close(): Promise<void> {
    this.closed = true
  }

  /** Something goes out, and is done at once when it arrives. */
  async run<T>(name: string, given: unknown[], work: () => T): Promise<T> {
    this.commands.push([name, ...given])
    await turn()
    if (this.failure !== undefined) throw couchbaseError(this.failure)
    return work()
  }

  /** A document that has not expired. */
  found(id: string): Stored | undefined {
    const stored = this.documents.get(id)
    if (stored === undefined || stored.expires > this.clock) return stored
    this.documents.delete(id)
    return undefined
  }

  #queried(statement: string, { parameters = {}, scanConsistency, readOnly = false }: QueryOptions): unknown[] {
    if (statement === 'SELECT RAW 1') return [1]
    // A clock that no test sets.
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

/** Every class of the SDK's errors sets the name to its own. */
export function couchbaseError(name: string, message = name): Error {
  return Object.assign(new Error(message), { name })
}
