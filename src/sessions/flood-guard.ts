/** So many messages in a second, after as many others, are a flood: twice what an event log holds. */
const MAX_MESSAGES = 2000
const SECOND_MS = 1000

/**
 * Recognizes a flood of messages to one session. Its events would take the time of the other sessions, and would not
 * stay in the log for a second.
 */
export class FloodGuard {
  readonly #onLoss: (isOver: boolean) => void
  /** Number of messages since `#since`, or in a flood since the last tick of the timer. */
  #messages = 0
  /** milliseconds of `performance.now()`, which is read once for `MAX_MESSAGES` */
  #since = Number.NEGATIVE_INFINITY
  /** Runs during a flood. */
  #timer: NodeJS.Timeout | undefined

  /** @param onLoss called at the beginning of a flood, and when it is over, after the last dropped message */
  constructor(onLoss: (isOver: boolean) => void) {
    this.#onLoss = onLoss
  }

  /** Whether messages are dropped. */
  get isOn(): boolean {
    return this.#timer !== undefined
  }

  /** Counts a message. Returns whether to drop it. */
  drops(): boolean {
    this.#messages++
    if (this.isOn) return true
    if (this.#messages < MAX_MESSAGES) return false
    const now = performance.now()
    const isFlood = now - this.#since < SECOND_MS
    this.#since = now
    this.#messages = 0
    if (!isFlood) return false
    this.#timer = setInterval(() => this.#tick(), SECOND_MS).unref()
    this.#onLoss(false)
    return true
  }

  /** Ends a flood without a call of `onLoss`. */
  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #tick(): void {
    const goesOn = this.#messages > MAX_MESSAGES / 2
    this.#messages = 0
    if (goesOn) return
    this.stop()
    this.#onLoss(true)
  }
}
