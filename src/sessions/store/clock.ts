/** An answer that takes longer says too little about the time at which the server read its clock. */
const MAX_ROUND_TRIP_MS = 1000

/**
 * The clock by which records expire. It follows the clock of the store's server, so that all gateways on one store agree
 * whatever their own clocks say. Between two synchronisations, and without a server, it follows this process's monotonic
 * clock: a step of the local wall clock changes nothing.
 */
export class StoreClock {
  readonly #time: (() => Promise<number>) | undefined
  #offset = Date.now() - performance.now()

  /** @param time asks the server for its time, milliseconds since 1970; undefined without a server */
  constructor(time?: () => Promise<number>) {
    this.#time = time
  }

  /** Milliseconds since 1970. */
  now(): number {
    return Math.floor(this.#offset + performance.now())
  }

  /** Takes the time from the server. Without an answer the clock goes on as before. */
  async sync(): Promise<void> {
    const sent = performance.now()
    const time = await this.#time?.().catch(() => undefined)
    const received = performance.now()
    if (time === undefined || !Number.isFinite(time) || received - sent > MAX_ROUND_TRIP_MS) return
    this.#offset = time - (sent + received) / 2
  }
}
