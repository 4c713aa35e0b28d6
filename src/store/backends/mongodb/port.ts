import type { StoredRecord } from '../../document.ts'
import { StoreError } from '../../errors.ts'

/** A filter, an update or a pipeline stage. */
export type Query = Record<string, unknown>

/** The document of a session: the record, the key, and the fields under the names of the layout. */
export interface SessionDocument {
  /** the record, and in `over` the time at which it expires if unused; existing documents have that name */
  record: StoredRecord & { readonly over: Date | null }
  [name: string]: unknown
}

/** The fields that a query returns. */
type Projection = Record<string, 1>

/** The part of the driver's `Collection` that the store uses. */
export interface MongoCollection {
  /** Creates an index; rejects if a similar index exists. */
  createIndex(keys: Record<string, 1 | -1>, options: IndexOptions): Promise<unknown>
  /** Adds a document. */
  insertOne(document: SessionDocument): Promise<unknown>
  /** Returns a document that matches. */
  findOne(filter: Query, options: { projection: Projection }): Promise<SessionDocument | null>
  /** Updates a document that matches, and returns it before the update. */
  findOneAndUpdate(
    filter: Query,
    update: Query[],
    options: { projection: Projection; returnDocument: 'before' },
  ): Promise<SessionDocument | null>
  /** Deletes a document that matches, and returns it. */
  findOneAndDelete(filter: Query, options: { projection: Projection }): Promise<SessionDocument | null>
  /** Updates a document that matches. */
  updateOne(filter: Query, update: Query[]): Promise<{ readonly matchedCount: number }>
  /** Deletes all documents that match. */
  deleteMany(filter: Query): Promise<unknown>
  /** Lists the documents that match. */
  find(filter: Query, options: ListOptions): AsyncIterable<SessionDocument>
  /** Runs an aggregation pipeline. */
  aggregate(pipeline: Query[], options: { allowDiskUse: boolean }): { toArray(): Promise<Query[]> }
}

/** Options of `createIndex`. */
export interface IndexOptions {
  /** whether two documents must not have the same value */
  unique?: boolean
  /** whether to leave out documents without the field */
  sparse?: boolean
  /** delay after the time in the field after which the server removes the document, seconds */
  expireAfterSeconds?: number
}

/** Options of `findOne`. */
export interface FindOptions {
  /** the fields to return */
  projection: Projection
}

/** Options of `find`. */
export interface ListOptions extends FindOptions {
  /** 1 for ascending order, -1 for descending order, by field */
  sort: Record<string, 1 | -1>
  /** maximum number of documents */
  limit?: number
  /** documents per batch */
  batchSize: number
}

/** The driver's `topologyDescriptionChanged` event. */
export interface TopologyChange {
  /** the servers before the change */
  readonly previousDescription: Topology
  /** the servers after the change */
  readonly newDescription: Topology
}

interface Topology {
  readonly servers: ReadonlyMap<string, { readonly isWritable: boolean }>
}

/** Returns whether a topology change is the loss of the last writable server. */
export function isPrimaryLost({ previousDescription, newDescription }: TopologyChange): boolean {
  return acceptsWrites(previousDescription) && !acceptsWrites(newDescription)
}

function acceptsWrites({ servers }: Topology): boolean {
  return [...servers.values()].some(({ isWritable }) => isWritable)
}

/** Names of driver errors for a lost connection, or if no server is found in time. */
const UNAVAILABLE_NAMES: ReadonlySet<string> = new Set([
  'MongoClientClosedError',
  'MongoNetworkError',
  'MongoNetworkTimeoutError',
  'MongoNotConnectedError',
  'MongoPoolClearedError',
  'MongoPoolClosedError',
  'MongoServerClosedError',
  'MongoServerSelectionError',
  'MongoStalePrimaryError',
  'MongoTopologyClosedError',
  'MongoWaitQueueTimeoutError',
  'PoolClearedOnNetworkError',
])

/** Codes of server errors for shutdown, step-down, loss of the other members and denied access. */
const UNAVAILABLE_CODES: ReadonlySet<unknown> = new Set([
  6, 7, 18, 64, 89, 91, 134, 189, 262, 9001, 10058, 10107, 11600, 11602, 13435, 13436,
])
const OUT_OF_DISK_SPACE = 14_031
/** Codes of server errors for an existing index with the same name or fields and other options. */
const INDEX_EXISTS: ReadonlySet<unknown> = new Set([85, 86])

/** Converts a driver error to a `StoreError`. Returns unknown errors unchanged. */
export function storeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const code = codeOf(error)
  if (code === OUT_OF_DISK_SPACE) return new StoreError('full', 'MongoDB is full', { cause: error })
  if (!UNAVAILABLE_NAMES.has(error.name) && !UNAVAILABLE_CODES.has(code)) return error
  return new StoreError('unavailable', `MongoDB is unavailable (${error.name})`, { cause: error })
}

/** Returns whether `createIndex` failed because a similar index exists. */
export function indexExists(error: unknown): boolean {
  return INDEX_EXISTS.has(codeOf(error))
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
