import type { KeyValueErrorContext } from 'couchbase'
import { StoreError } from '../../index.ts'

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
/** Status of a reply: the server has no memory for the document. */
const NO_MEMORY = 0x82

/** Converts an SDK error to a `StoreError`. Returns unknown errors unchanged. */
export function storeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const options = { cause: error, kind: error.name }
  const { context } = error as { context?: Partial<KeyValueErrorContext> }
  if (error.name === 'QuotaLimitedError' || context?.status_code === NO_MEMORY) {
    return new StoreError('full', 'Couchbase is full', options)
  }
  if (!UNAVAILABLE.has(error.name)) return error
  return new StoreError('unavailable', `Couchbase is unavailable (${error.name})`, options)
}

/** Returns whether an error has this name: every error class of the SDK sets `name` to its class name. */
export function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name
}
