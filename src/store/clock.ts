/** Maximum round trip for a synchronization, milliseconds: a slower reply is too inaccurate. */
const MAX_ROUND_TRIP_MS = 1000

/**
 * The clock by which records expire. It is synchronized with the clock of the store's server, so that all gateways on
 * one store use the same time even if their own clocks differ. Between two synchronizations, and without a server, it
 * follows the monotonic clock of the process, so a step of the local wall clock has no effect.
 */
export class StoreClock {
  readonly #time: (() => Promise<number>) | undefined
  #offset = Date.now() - performance.now()

  /** @param time returns the server's time, milliseconds since 1970; undefined without a server */
  constructor(time?: () => Promise<number>) {
    this.#time = time
  }

  /** Returns the time, milliseconds since 1970. */
  now(): number {
    return Math.floor(this.#offset + performance.now())
  }

  /** Synchronizes with the server. Without a reply the clock continues unchanged. Never rejects. */
  async sync(): Promise<void> {
    const sent = performance.now()
    const time = await this.#time?.().catch(() => undefined)
    const received = performance.now()
    if (time === undefined || !Number.isFinite(time) || received - sent > MAX_ROUND_TRIP_MS) return
    this.#offset = time - (sent + received) / 2
  }
}
