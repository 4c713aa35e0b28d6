import type { LRUCache } from 'lru-cache'
import { lru } from './lru.ts'

/** Options of `RateLimit`. */
export interface RateLimitOptions {
  /** size of the burst, and number of tokens added in each period */
  max: number
  /** length of a period, milliseconds */
  periodMs: number
  /** the current time, milliseconds since an arbitrary origin; default: the monotonic clock */
  clock?: () => number
}

/** Maximum number of stored keys. The least recently used key is evicted first. */
const MAX_KEYS = 10_000

/**
 * A rate limit per key: a token bucket, stored as the time at which the bucket will be full again (generic cell rate
 * algorithm). Keys with a full bucket are dropped.
 */
export class RateLimit {
  readonly #intervalMs: number
  readonly #periodMs: number
  readonly #clock: () => number
  readonly #fullAt: LRUCache<string, number>

  constructor({ max, periodMs, clock = () => performance.now() }: RateLimitOptions) {
    this.#intervalMs = periodMs / max
    this.#periodMs = periodMs
    this.#clock = clock
    this.#fullAt = lru({ max: MAX_KEYS, ttl: periodMs, clock })
  }

  /**
   * Takes a token from the bucket of a key.
   * @returns 0 if a token was taken, otherwise the time until a token is available, milliseconds
   */
  take(key: string): number {
    const waitMs = this.wait(key)
    if (waitMs === 0) this.count(key)
    return waitMs
  }

  /** Takes a token even if none is available, which is then owed: another process has let the request pass. */
  count(key: string): void {
    this.#fullAt.set(key, this.#nextFullAt(key))
  }

  /** Returns the time until a token of a key is available, milliseconds; 0 if one is available. Takes no token. */
  wait(key: string): number {
    const waitMs = this.#nextFullAt(key) - this.#clock() - this.#periodMs
    // Rounding errors must not reject a request.
    return waitMs > 1e-6 ? waitMs : 0
  }

  /** Returns the time at which the bucket would be full again if a token were taken now. */
  #nextFullAt(key: string): number {
    const now = this.#clock()
    return Math.max(now, this.#fullAt.get(key) ?? now) + this.#intervalMs
  }
}
