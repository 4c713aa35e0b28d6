import type { StoredRecord } from '../document.ts'
import { StoreError } from '../errors.ts'

/*
 * The part of the official `couchbase` 4 SDK that sessions need, written down from its published types, since the
 * package is an optional one. Its errors are known by their names: every class of the SDK names its errors after itself.
 */

/** Which state of a document it is; the SDK's to look into. */
export interface Cas {
  toString(): string
}

/** A session's document: the record, and beside it the fields under the names of a layout. */
export interface CouchbaseDocument {
  record: StoredRecord & {
    readonly key: string
    /** the layout's `keyNs`: tells the sessions of gateways that share a bucket apart */
    readonly ns: string
    readonly over: number | null
  }
  [name: string]: unknown
}

/** `expiry` is in seconds from then on, 0 for never. */
export interface CouchbaseCollection {
  get(id: string): Promise<{ readonly content: unknown; readonly cas: Cas }>
  insert(id: string, document: CouchbaseDocument, options: { expiry: number }): Promise<unknown>
  replace(id: string, document: CouchbaseDocument, options: { expiry: number; cas: Cas }): Promise<unknown>
  remove(id: string, options: { cas: Cas }): Promise<unknown>
}

export interface CouchbaseQueries {
  query(statement: string, options: QueryOptions): Promise<{ readonly rows: readonly unknown[] }>
}

export interface QueryOptions {
  parameters?: Readonly<Record<string, string | number | readonly string[]>>
  /** The answer knows what was written before it was asked for. */
  scanConsistency?: 'request_plus'
  readOnly?: boolean
  /** milliseconds */
  timeout: number
}

export interface CouchbaseCluster extends CouchbaseQueries {
  bucket(name: string): { defaultCollection(): CouchbaseCollection }
  close(): Promise<void>
}

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

/** The SDK's errors of a line that is lost, of an answer that does not come, and of a server that does not serve. */
const AWAY: ReadonlySet<string> = new Set([
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

/** What the store makes of an error of the SDK; what it has no word for stays as it is. */
export function storeError(error: unknown): unknown {
  if (isNamed(error, 'QuotaLimitedError')) return new StoreError('full', 'Couchbase has no room', { cause: error })
  if (!(error instanceof Error) || !AWAY.has(error.name)) return error
  return new StoreError('unavailable', `Couchbase cannot be reached (${error.name})`, { cause: error })
}

export function isNamed(error: unknown, ...names: string[]): boolean {
  return error instanceof Error && names.includes(error.name)
}
