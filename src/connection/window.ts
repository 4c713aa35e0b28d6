import PQueue from 'p-queue'

/**
 * lyskomd cuts off a client for which more than 50 blocks of replies wait, and a reply takes two (its manual, `Max
 * client transmit queue messages`).
 */
const CALLS_IN_FLIGHT = 20

/** Interactive calls (the default) go before prefetch when more than a window of calls wait. */
export type Priority = 'interactive' | 'prefetch'
const PRIORITY: Readonly<Record<Priority, number>> = { interactive: 1, prefetch: 0 }

const DONE = Promise.resolve()

/** Sends a call; resolves when it has been answered, whatever the answer. Never rejects. */
type Send = () => Promise<void>

/**
 * Lets a window of calls be in flight on one connection, and the others wait their turn. While there is room a call is
 * sent at once; only those that must wait go through a queue, which an idle session does not have.
 */
export class CallWindow {
  /** Calls in flight that did not have to wait; at least one place is left to the queue. */
  #direct = 0
  #queue: PQueue | undefined
  /** The last of the calls that run alone, and how many of them are not done. */
  #lastAlone: Promise<void> = DONE
  #alone = 0
  #whenNoneDirect: (() => void) | undefined

  run(send: Send, priority: Priority = 'interactive'): void {
    const isFree = this.#alone === 0 && (this.#queue === undefined || this.#queue.size + this.#queue.pending === 0)
    if (isFree && this.#direct < CALLS_IN_FLIGHT - 1) {
      this.#direct++
      void send().then(() => this.#directDone())
      return
    }
    const queue = this.#ensureQueue()
    queue.concurrency = CALLS_IN_FLIGHT - this.#direct
    void queue.add(send, { priority: PRIORITY[priority] })
  }

  /** Holds back the calls to come, waits for those in flight, and sends. */
  runAlone(send: Send): void {
    this.#alone++
    const queue = this.#ensureQueue()
    queue.pause()
    this.#lastAlone = this.#lastAlone.then(async () => {
      await this.#noneDirect()
      await queue.onPendingZero()
      await send()
      this.#alone--
      if (this.#alone > 0) return
      queue.start()
      if (queue.size + queue.pending === 0) this.#queue = undefined
    })
  }

  #ensureQueue(): PQueue {
    this.#queue ??= new PQueue()
    return this.#queue
  }

  #directDone(): void {
    this.#direct--
    if (this.#queue !== undefined) this.#queue.concurrency = CALLS_IN_FLIGHT - this.#direct
    if (this.#direct === 0) this.#whenNoneDirect?.()
  }

  #noneDirect(): Promise<void> {
    return this.#direct === 0
      ? DONE
      : new Promise((resolve) => {
          this.#whenNoneDirect = resolve
        })
  }
}
