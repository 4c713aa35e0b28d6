import type { LRUCache } from 'lru-cache'
import { lru } from './lru.ts'

export interface RateLimitOptions {
  /** so many at once, and so many in each period from then on */
  max: number
  periodMs: number
  /** milliseconds, from any beginning */
  clock?: () => number
}

/** Keys that are known at a time; the one that was longest away is forgotten first. */
const MAX_KEYS = 10_000

/**
 * How often something may be done for each key: a token bucket, of which only the moment is kept at which it will be full
 * again (the generic cell rate algorithm). A key whose bucket is full is forgotten.
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

  /** Takes one if there is one. Returns for how many milliseconds there is none: 0 when it was taken. */
  take(key: string): number {
    const waitMs = this.wait(key)
    if (waitMs === 0) this.#fullAt.set(key, this.#nextFullAt(key))
    return waitMs
  }

  /** For how many milliseconds there is none, 0 when there is one. Takes nothing. */
  wait(key: string): number {
    const waitMs = this.#nextFullAt(key) - this.#clock() - this.#periodMs
    // What is a rounding error must not turn anybody away.
    return waitMs > 1e-6 ? waitMs : 0
  }

  /** When the bucket would be full again if one were taken now. */
  #nextFullAt(key: string): number {
    const now = this.#clock()
    return Math.max(now, this.#fullAt.get(key) ?? now) + this.#intervalMs
  }
}
