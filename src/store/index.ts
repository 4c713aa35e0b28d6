/**
 * The API for programs with a session store of their own: `import type { Backend } from 'komgate/store'`. The backends
 * of komgate import nothing else of it. `komgate/store-testing` has the tests that a backend must pass.
 */

export type { Backend, Lists } from './backend.ts'
export * from './document.ts'
export { checkParameters, decoded, openingError, ReplyTimeoutError, withoutPassword, withTimeout } from './driver.ts'
export { isUnavailable, StoreError, type StoreErrorCode } from './errors.ts'
export { KeyedMutex } from './keyed-mutex.ts'
export { formatTime, type Layout } from './layout.ts'
export { PAGE, type Pages, pagesOf } from './pages.ts'
export {
  afterRead,
  afterWrite,
  type Change,
  type Data,
  handleOf,
  isExpired,
  type JsonValue,
  type Key,
  keyOf,
  type SessionRecord,
} from './record.ts'
export { Conflict, type RetryOptions, retryOnConflict } from './retry.ts'
export { ServerCalls } from './server-calls.ts'
export { sweepInBatches } from './sweep.ts'
