import { setTimeout as sleep } from 'node:timers/promises'

/** From now on, for some time: as long as clients come and faults happen. */
export class OpeningHours {
  /** milliseconds of `performance.now()` */
  readonly from = performance.now()
  readonly #closed = new AbortController()

  constructor(readonly lengthMs: number) {}

  get isOpen(): boolean {
    return !this.wasClosed && this.#left > 0
  }

  /** Whether somebody has stopped everything. */
  get wasClosed(): boolean {
    return this.#closed.signal.aborted
  }

  close(): void {
    this.#closed.abort()
  }

  /** Waits so long, or until it is over. */
  async pause(ms: number): Promise<void> {
    const time = Math.max(0, Math.min(ms, this.#left))
    await sleep(time, undefined, { signal: this.#closed.signal }).catch(() => undefined)
  }

  get #left(): number {
    return this.from + this.lengthMs - performance.now()
  }
}
