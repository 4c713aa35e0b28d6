import { KomgateError, LimitError } from './errors.ts'
import type { Sent } from './request.ts'

/** How requests that only read are retried. */
export interface RetryOptions {
  /** retries after the first attempt; 0 for none. Default: 4 */
  retries?: number
  /** bound of the delay before the first retry in milliseconds; it doubles with each retry. Default: 250 */
  retryBaseMs?: number
  /** bound of each delay, and the longest `Retry-After` that is waited for, in milliseconds. Default: 30,000 */
  retryMaxMs?: number
}

const STATUSES = [0, 502, 503, 504]

/**
 * Returns the delay before the next attempt in milliseconds, with exponential backoff and full jitter after
 * `Retry-After`; undefined if the request must not be repeated.
 *
 * @param retry the number of this retry, from 1
 */
export function retryDelay(
  request: Sent,
  error: unknown,
  retry: number,
  { retries = 4, retryBaseMs = 250, retryMaxMs = 30_000 }: RetryOptions,
): number | undefined {
  if (retry > retries || !isRepeatable(request) || !isTransient(error)) return undefined
  const waitMs = 1000 * (error.retryAfter ?? 0)
  if (waitMs > retryMaxMs) return undefined
  return waitMs + Math.random() * Math.min(retryMaxMs, retryBaseMs * 2 ** (retry - 1))
}

/** A request that depends on others of its batch has no meaning without them. */
function isRepeatable({ method, path, after }: Sent): boolean {
  return method === 'GET' && path.references.length === 0 && after.length === 0
}

/** Returns whether another attempt may succeed: the gateway cannot be reached, is busy or is late. */
export function isTransient(error: unknown): error is KomgateError {
  // A reply that is too long will be as long again.
  if (error instanceof LimitError && error.limit === 'reply-size') return false
  return error instanceof KomgateError && STATUSES.includes(error.httpStatus)
}
