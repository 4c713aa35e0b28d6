import { setTimeout as sleep } from 'node:timers/promises'

/** The period in which clients arrive and faults are injected, starting at construction. */
export class OpeningHours {
  /** milliseconds of `performance.now()` */
  readonly from = performance.now()
  readonly #closed = new AbortController()

  constructor(readonly lengthMs: number) {}

  get isOpen(): boolean {
    return !this.wasClosed && this.#left > 0
  }

  /** Reports whether the operator has stopped the run. */
  get wasClosed(): boolean {
    return this.#closed.signal.aborted
  }

  close(): void {
    this.#closed.abort()
  }

  /** Waits `ms`, or until the period ends. */
  async pause(ms: number): Promise<void> {
    const time = Math.max(0, Math.min(ms, this.#left))
    await sleep(time, undefined, { signal: this.#closed.signal }).catch(() => undefined)
  }

  get #left(): number {
    return this.from + this.lengthMs - performance.now()
  }
}
