import PQueue from 'p-queue'

/**
 * lyskomd cuts off a client for which more than 50 blocks of replies wait, and a reply takes two (its manual, `Max
 * client transmit queue messages`).
 */
const CALLS_IN_FLIGHT = 20

/** Interactive calls (the default) go before prefetch when more than a window of calls wait. */
export type Priority = 'interactive' | 'prefetch'
const PRIORITY: Readonly<Record<Priority, number>> = { interactive: 1, prefetch: 0 }

/** Sends a call; resolves when it has been answered, whatever the answer. Never rejects. */
type Send = () => Promise<void>

/** Lets a window of calls be in flight on one connection, and the others wait their turn. */
export class CallWindow {
  readonly #queue = new PQueue({ concurrency: CALLS_IN_FLIGHT })
  /** The last of the calls that run alone, and how many of them are not done. */
  #lastAlone: Promise<void> = Promise.resolve()
  #alone = 0

  run(send: Send, priority: Priority = 'interactive'): void {
    void this.#queue.add(send, { priority: PRIORITY[priority] })
  }

  /** Holds back the calls to come, waits for those in flight, and sends. */
  runAlone(send: Send): void {
    this.#alone++
    this.#queue.pause()
    this.#lastAlone = this.#lastAlone.then(async () => {
      await this.#queue.onPendingZero()
      await send()
      this.#alone--
      if (this.#alone === 0) this.#queue.start()
    })
  }
}
