import type { StoredRecord } from '../document.ts'
import { StoreError } from '../errors.ts'

/** What a query language takes. */
export type Query = Record<string, unknown>

/** A session's document: the record, and beside it the key and the fields under the names of a layout. */
export interface SessionDocument {
  record: StoredRecord & { readonly over: Date | null }
  [name: string]: unknown
}

/** Those fields that are asked for. */
type Projection = Record<string, 1>

/** A collection of the official driver, as far as sessions need it. */
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

export interface IndexOptions {
  unique?: boolean
  sparse?: boolean
  expireAfterSeconds?: number
}

export interface FindOptions {
  projection: Projection
}

export interface ListOptions extends FindOptions {
  sort: Record<string, 1 | -1>
  limit?: number
  /** documents in one message of the server */
  batchSize: number
}

/** What the driver tells of the servers when something about them has changed. */
export interface TopologyChange {
  readonly previousDescription: Topology
  readonly newDescription: Topology
}

interface Topology {
  readonly servers: ReadonlyMap<string, { readonly isWritable: boolean }>
}

/** Whether there was a server that takes writes, and now there is none. */
export function isLoss({ previousDescription, newDescription }: TopologyChange): boolean {
  return takesWrites(previousDescription) && !takesWrites(newDescription)
}

function takesWrites({ servers }: Topology): boolean {
  return [...servers.values()].some(({ isWritable }) => isWritable)
}

/** The driver's errors of a line that is lost, or of a server that is not found in time. */
const AWAY_NAMES: ReadonlySet<string> = new Set([
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

/** The server's errors when it goes, steps down, cannot reach the others, or lets nobody in any more. */
const AWAY_CODES: ReadonlySet<unknown> = new Set([
  6, 7, 18, 64, 89, 91, 134, 189, 262, 9001, 10058, 10107, 11600, 11602, 13435, 13436,
])
const OUT_OF_DISK_SPACE = 14_031
/** An index of the same name, or of the same fields, is there, with other options. */
const INDEX_IS_THERE: ReadonlySet<unknown> = new Set([85, 86])

/** What the store makes of an error of the driver; what it has no word for stays as it is. */
export function storeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const code = codeOf(error)
  if (code === OUT_OF_DISK_SPACE) return new StoreError('full', 'MongoDB has no room', { cause: error })
  if (!AWAY_NAMES.has(error.name) && !AWAY_CODES.has(code)) return error
  return new StoreError('unavailable', `MongoDB cannot be reached (${error.name})`, { cause: error })
}

export function isIndexThere(error: unknown): boolean {
  return INDEX_IS_THERE.has(codeOf(error))
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
