import PQueue from 'p-queue'

/** lyskomd buffers few replies, and cuts off a client that leaves them unread. */
const CALLS_IN_FLIGHT = 20

/** Interactive calls (the default) go before prefetch when more than a window of calls wait. */
export type Priority = 'interactive' | 'prefetch'
const PRIORITY: Readonly<Record<Priority, number>> = { interactive: 1, prefetch: 0 }

/** Sends a call; resolves when it has been answered, whatever the answer. Never rejects. */
type Send = () => Promise<void>

/** Lets a window of calls be in flight on one connection, and the others wait their turn. */
export class CallWindow {
  readonly #queue = new PQueue({ concurrency: CALLS_IN_FLIGHT })
  /** The last of the calls that run alone. */
  #alone: Promise<void> = Promise.resolve()

  run(send: Send, priority: Priority = 'interactive'): void {
    void this.#queue.add(send, { priority: PRIORITY[priority] })
  }

  /** Waits for the calls in flight, holds back the next ones, and sends. */
  runAlone(send: Send): void {
    this.#alone = this.#alone.then(async () => {
      this.#queue.pause()
      await this.#queue.onPendingZero()
      await send()
      this.#queue.start()
    })
  }
}
