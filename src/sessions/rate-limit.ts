import { LRUCache } from 'lru-cache'

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
    // Without a resolution it reads the clock each time, and has no timer.
    this.#fullAt = new LRUCache({ max: MAX_KEYS, ttl: periodMs, ttlResolution: 0, perf: { now: clock } })
  }

  /** Takes one if there is one. Returns for how many milliseconds there is none: 0 when it was taken. */
  take(key: string): number {
    const now = this.#clock()
    const fullAt = Math.max(now, this.#fullAt.get(key) ?? now) + this.#intervalMs
    const waitMs = fullAt - now - this.#periodMs
    // What is a rounding error must not turn anybody away.
    if (waitMs > 1e-6) return waitMs
    this.#fullAt.set(key, fullAt)
    return 0
  }
}
