/** An object whose deadlines a `Heartbeat` checks. */
export interface HeartbeatMember {
  /**
   * Checks the deadlines. Called once in each interval.
   *
   * @param now milliseconds of `performance.now()`
   * @param next time of the next beat, on the same clock
   */
  beat(now: number, next: number): void
}

/**
 * One timer for any number of connections: with 20,000 connections, a timer for each would cost more than the calls.
 * Deadlines are therefore accurate to one interval.
 */
export class Heartbeat {
  readonly #members = new Set<HeartbeatMember>()
  readonly #intervalMs: number
  #timer: NodeJS.Timeout | undefined
  #lastBeat = 0

  /** @param intervalMs time between two beats, in milliseconds */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs
  }

  /** Adds a member, and starts the timer if it is the first one. */
  add(member: HeartbeatMember): void {
    this.#members.add(member)
    if (this.#timer === undefined) {
      this.#lastBeat = performance.now()
      this.#timer = setInterval(() => this.#beat(), this.#intervalMs)
      this.#timer.unref()
    }
  }

  /** Removes a member, and stops the timer if it was the last one. */
  remove(member: HeartbeatMember): void {
    this.#members.delete(member)
    if (this.#members.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }

  #beat(): void {
    const now = performance.now()
    const wasBlocked = now - this.#lastBeat > 2 * this.#intervalMs
    this.#lastBeat = now
    // The event loop was blocked. Read the bytes that have arrived meanwhile before checking deadlines.
    if (wasBlocked) return
    for (const member of this.#members) member.beat(now, now + this.#intervalMs)
  }
}
