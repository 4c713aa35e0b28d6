import type { StoredRecord } from '../../document.ts'
import { StoreError } from '../../errors.ts'

/*
 * The part of the official `couchbase` 4 SDK that sessions need, copied from its published types, since the package is
 * optional. Errors are recognized by name: every error class of the SDK sets `name` to its class name.
 */

/** The version of a document, opaque to all but the SDK. */
export interface Cas {
  toString(): string
}

/** The document of a session: the record and the fields under the names of the layout. */
export interface CouchbaseDocument {
  record: StoredRecord & {
    readonly key: string
    /** the layout's `keyNs`, which separates gateways that share a bucket */
    readonly ns: string
    readonly over: number | null
  }
  [name: string]: unknown
}

/** A collection. `expiry` is in seconds from the call on, 0 for never. */
export interface CouchbaseCollection {
  get(id: string): Promise<{ readonly content: unknown; readonly cas: Cas }>
  insert(id: string, document: CouchbaseDocument, options: { expiry: number }): Promise<unknown>
  replace(id: string, document: CouchbaseDocument, options: { expiry: number; cas: Cas }): Promise<unknown>
  remove(id: string, options: { cas: Cas }): Promise<unknown>
}

/** The query service of a cluster. */
export interface CouchbaseQueries {
  query(statement: string, options: QueryOptions): Promise<{ readonly rows: readonly unknown[] }>
}

/** Options of a query. */
export interface QueryOptions {
  parameters?: Readonly<Record<string, string | number | readonly string[]>>
  /** The result includes all writes before the query. */
  scanConsistency?: 'request_plus'
  readOnly?: boolean
  /** milliseconds */
  timeout: number
}

/** A connected cluster. */
export interface CouchbaseCluster extends CouchbaseQueries {
  bucket(name: string): { defaultCollection(): CouchbaseCollection }
  close(): Promise<void>
}

/** The entry point of the SDK. */
export interface CouchbaseSdk {
  connect(
    address: string,
    options: {
      username: string
      password: string
      timeouts: Readonly<Record<'kvTimeout' | 'queryTimeout' | 'connectTimeout' | 'bootstrapTimeout', number>>
    },
  ): Promise<CouchbaseCluster>
}

/** SDK errors of a lost connection, a missing reply and a server that does not serve requests. */
const UNAVAILABLE: ReadonlySet<string> = new Set([
  'AmbiguousTimeoutError',
  'AuthenticationFailureError',
  'BucketNotFoundError',
  'ClusterClosedError',
  'ConnectionClosedError',
  'InternalServerFailureError',
  'RateLimitedError',
  'RequestCanceledError',
  'ServiceNotAvailableError',
  'TemporaryFailureError',
  'TimeoutError',
  'UnambiguousTimeoutError',
])

/** Converts an SDK error into a `StoreError`; unknown errors are returned unchanged. */
export function storeError(error: unknown): unknown {
  if (isNamed(error, 'QuotaLimitedError')) return new StoreError('full', 'Couchbase is full', { cause: error })
  if (!(error instanceof Error) || !UNAVAILABLE.has(error.name)) return error
  return new StoreError('unavailable', `Couchbase is unavailable (${error.name})`, { cause: error })
}

/** Returns whether an error has one of these names. */
export function isNamed(error: unknown, ...names: string[]): boolean {
  return error instanceof Error && names.includes(error.name)
}
