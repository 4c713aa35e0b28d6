/** Longest usable round trip, milliseconds: a slower reply does not determine the server's time well enough. */
const MAX_ROUND_TRIP_MS = 1000

/**
 * The clock by which records expire. It follows the clock of the store's server, so that all gateways on one store
 * agree whatever their own clocks show. Between two synchronizations, and without a server, it follows the monotonic
 * clock of the process: a step of the local wall clock has no effect.
 */
export class StoreClock {
  readonly #time: (() => Promise<number>) | undefined
  #offset = Date.now() - performance.now()

  /** @param time resolves with the server's time, milliseconds since 1970; undefined without a server */
  constructor(time?: () => Promise<number>) {
    this.#time = time
  }

  /** Returns the time, milliseconds since 1970. */
  now(): number {
    return Math.floor(this.#offset + performance.now())
  }

  /** Synchronizes with the server. Without a reply the clock continues as before. Never rejects. */
  async sync(): Promise<void> {
    const sent = performance.now()
    const time = await this.#time?.().catch(() => undefined)
    const received = performance.now()
    if (time === undefined || !Number.isFinite(time) || received - sent > MAX_ROUND_TRIP_MS) return
    this.#offset = time - (sent + received) / 2
  }
}
