/** What has something to do from time to time: look at its deadlines. */
export interface Beating {
  /** @param now milliseconds of `performance.now()`; @param next when it will be asked next */
  beat(now: number, next: number): void
}

/**
 * One timer for any number of connections: with 20,000 of them, a timer each would cost more than the calls.
 * Deadlines are therefore kept to within one interval.
 */
export class Heartbeat {
  readonly #members = new Set<Beating>()
  readonly #intervalMs: number
  #timer: NodeJS.Timeout | undefined
  #lastBeat = 0

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs
  }

  add(member: Beating): void {
    this.#members.add(member)
    if (this.#timer === undefined) {
      this.#lastBeat = performance.now()
      this.#timer = setInterval(() => this.#beat(), this.#intervalMs)
      this.#timer.unref()
    }
  }

  remove(member: Beating): void {
    this.#members.delete(member)
    if (this.#members.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }

  #beat(): void {
    const now = performance.now()
    const hasStoodStill = now - this.#lastBeat > 2 * this.#intervalMs
    this.#lastBeat = now
    // It was this process that was silent: what was said to it meanwhile has to be read before anybody is judged.
    if (hasStoodStill) return
    for (const member of this.#members) member.beat(now, now + this.#intervalMs)
  }
}
