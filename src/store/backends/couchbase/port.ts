import type { StoredRecord } from '../../document.ts'
import { StoreError } from '../../errors.ts'

/*
 * The part of the `couchbase` 4 SDK that the store uses, copied from its published types, since the package is an
 * optional peer dependency. Errors are identified by name: every error class of the SDK sets `name` to its class name.
 */

/** The version of a document, whose content is private to the SDK. */
export interface Cas {
  /** Returns the version as text. */
  toString(): string
}

/** The document of a session: the record and the fields under the names of the layout. */
export interface CouchbaseDocument {
  /** the record, and fields for queries */
  record: StoredRecord & {
    /** the key of the record */
    readonly key: string
    /** the layout's `keyNs`, which separates gateways that share a bucket */
    readonly ns: string
    /** time at which an unused record expires, milliseconds since 1970; existing documents have this name */
    readonly over: number | null
  }
  [name: string]: unknown
}

/** A collection. `expiry` is the lifetime of the document, seconds; 0 for no expiry. */
export interface CouchbaseCollection {
  /** Reads a document. */
  get(id: string): Promise<{ readonly content: unknown; readonly cas: Cas }>
  /** Adds a document. */
  insert(id: string, document: CouchbaseDocument, options: { expiry: number }): Promise<unknown>
  /** Replaces a document if its version is `cas`. */
  replace(id: string, document: CouchbaseDocument, options: { expiry: number; cas: Cas }): Promise<unknown>
  /** Removes a document if its version is `cas`. */
  remove(id: string, options: { cas: Cas }): Promise<unknown>
}

/** The query service of a cluster. */
export interface CouchbaseQueries {
  /** Runs a SQL++ statement. */
  query(statement: string, options: QueryOptions): Promise<{ readonly rows: readonly unknown[] }>
}

/** Options of a query. */
export interface QueryOptions {
  /** values of the named parameters */
  parameters?: Readonly<Record<string, string | number | readonly string[]>>
  /** `request_plus`: the result includes all writes before the query */
  scanConsistency?: 'request_plus'
  /** whether the server rejects statements that write */
  readOnly?: boolean
  /** timeout, milliseconds */
  timeout: number
}

/** A connected cluster. */
export interface CouchbaseCluster extends CouchbaseQueries {
  /** Returns a bucket, which the SDK opens in the background. */
  bucket(name: string): { defaultCollection(): CouchbaseCollection }
  /** Closes the connections. */
  close(): Promise<void>
}

/** The entry point of the SDK. */
export interface CouchbaseSdk {
  /** Connects to a cluster. */
  connect(
    address: string,
    options: {
      username: string
      password: string
      timeouts: Readonly<Record<'kvTimeout' | 'queryTimeout' | 'connectTimeout' | 'bootstrapTimeout', number>>
    },
  ): Promise<CouchbaseCluster>
}

/** Names of SDK errors for a lost connection, a missing reply, or a server that does not serve requests. */
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

/** Converts an SDK error to a `StoreError`. Returns unknown errors unchanged. */
export function storeError(error: unknown): unknown {
  if (isNamed(error, 'QuotaLimitedError')) return new StoreError('full', 'Couchbase is full', { cause: error })
  if (!(error instanceof Error) || !UNAVAILABLE.has(error.name)) return error
  return new StoreError('unavailable', `Couchbase is unavailable (${error.name})`, { cause: error })
}

/** Returns whether an error has one of these names. */
export function isNamed(error: unknown, ...names: string[]): boolean {
  return error instanceof Error && names.includes(error.name)
}
