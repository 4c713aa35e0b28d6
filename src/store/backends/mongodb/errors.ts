import { MongoServerError } from 'mongodb'
import { StoreError } from '../../index.ts'

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
  6, 7, 13, 18, 64, 89, 91, 134, 189, 262, 9001, 10058, 10107, 11600, 11602, 13435, 13436,
])
const OUT_OF_DISK_SPACE = 14_031
/** The message of SQLite, which FerretDB passes on as an internal error. */
const SQLITE_FULL = 'database or disk is full'
/** Codes of server errors for an existing index with the same name or fields and other options. */
const INDEX_EXISTS: ReadonlySet<unknown> = new Set([85, 86])

/** Converts a driver error to a `StoreError`. Returns unknown errors unchanged. */
export function storeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { code, codeName } = error as { code?: unknown; codeName?: string }
  const options = { cause: error, ...(error instanceof MongoServerError && { kind: codeName ?? `${code}` }) }
  if (code === OUT_OF_DISK_SPACE || error.message.includes(SQLITE_FULL)) {
    return new StoreError('full', 'MongoDB is full', options)
  }
  if (!UNAVAILABLE_NAMES.has(error.name) && !UNAVAILABLE_CODES.has(code) && !isSystemError(code)) return error
  return new StoreError('unavailable', `MongoDB is unavailable (${codeName ?? error.name})`, options)
}

/** Returns whether a code is that of an error of Node. The driver does not convert all errors of its sockets. */
function isSystemError(code: unknown): boolean {
  return typeof code === 'string' && /^E[A-Z]+$/.test(code)
}

/** Returns whether `createIndex` failed because a similar index exists. */
export function indexExists(error: unknown): boolean {
  return INDEX_EXISTS.has((error as { code?: unknown }).code)
}
