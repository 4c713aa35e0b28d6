import type { StoredRecord } from '../../document.ts'
import { StoreError } from '../../errors.ts'

/** A filter, an update or a pipeline stage. */
export type Query = Record<string, unknown>

/** The document of a session: the record, the key, and the fields under the names of the layout. */
export interface SessionDocument {
  record: StoredRecord & { readonly over: Date | null }
  [name: string]: unknown
}

/** The fields that a query returns. */
type Projection = Record<string, 1>

/** The part of the official driver's `Collection` that sessions need. */
export interface MongoCollection {
  createIndex(keys: Record<string, 1 | -1>, options: IndexOptions): Promise<unknown>
  insertOne(document: SessionDocument): Promise<unknown>
  findOne(filter: Query, options: { projection: Projection }): Promise<SessionDocument | null>
  findOneAndUpdate(
    filter: Query,
    update: Query[],
    options: { projection: Projection; returnDocument: 'before' },
  ): Promise<SessionDocument | null>
  findOneAndDelete(filter: Query, options: { projection: Projection }): Promise<SessionDocument | null>
  updateOne(filter: Query, update: Query[]): Promise<{ readonly matchedCount: number }>
  deleteMany(filter: Query): Promise<unknown>
  find(filter: Query, options: ListOptions): AsyncIterable<SessionDocument>
  aggregate(pipeline: Query[], options: { allowDiskUse: boolean }): { toArray(): Promise<Query[]> }
}

/** Options of `createIndex`. */
export interface IndexOptions {
  unique?: boolean
  sparse?: boolean
  expireAfterSeconds?: number
}

/** Options of `findOne`. */
export interface FindOptions {
  projection: Projection
}

/** Options of `find`. */
export interface ListOptions extends FindOptions {
  sort: Record<string, 1 | -1>
  limit?: number
  /** documents per batch */
  batchSize: number
}

/** The driver's `topologyDescriptionChanged` event. */
export interface TopologyChange {
  readonly previousDescription: Topology
  readonly newDescription: Topology
}

interface Topology {
  readonly servers: ReadonlyMap<string, { readonly isWritable: boolean }>
}

/** Returns whether the last writable server was lost. */
export function isPrimaryLost({ previousDescription, newDescription }: TopologyChange): boolean {
  return acceptsWrites(previousDescription) && !acceptsWrites(newDescription)
}

function acceptsWrites({ servers }: Topology): boolean {
  return [...servers.values()].some(({ isWritable }) => isWritable)
}

/** Driver errors of a lost connection or of a server that is not found in time. */
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

/** Codes of server errors on shutdown, step-down, loss of the other members, and denied access. */
const UNAVAILABLE_CODES: ReadonlySet<unknown> = new Set([
  6, 7, 18, 64, 89, 91, 134, 189, 262, 9001, 10058, 10107, 11600, 11602, 13435, 13436,
])
const OUT_OF_DISK_SPACE = 14_031
/** Codes for an existing index with the same name or fields and other options. */
const INDEX_EXISTS: ReadonlySet<unknown> = new Set([85, 86])

/** Converts a driver error into a `StoreError`; unknown errors are returned unchanged. */
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
