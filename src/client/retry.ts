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
export function retryDelay(request: Sent, error: unknown, retry: number, options: RetryOptions): number | undefined {
  const { retries = 4, retryMaxMs = 30_000 } = options
  if (retry > retries || !isRepeatable(request) || !isTransient(error)) return undefined
  const waitMs = 1000 * (error.retryAfter ?? 0)
  if (waitMs > retryMaxMs) return undefined
  return waitMs + backoff(retry, options)
}

/**
 * Returns a random delay in milliseconds, below a bound that doubles with each retry.
 *
 * @param retry the number of this retry, from 1
 * @param baseMs the bound before the first retry; default: that of the options
 */
export function backoff(
  retry: number,
  { retryBaseMs = 250, retryMaxMs = 30_000 }: RetryOptions,
  baseMs = retryBaseMs,
): number {
  return Math.random() * Math.min(retryMaxMs, baseMs * 2 ** (retry - 1))
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
