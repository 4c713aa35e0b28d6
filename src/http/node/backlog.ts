/**
 * Node emits `request` for all pipelined requests of a chunk in one event-loop tick. A chunk of 64 kB holds up to 2,700
 * of them, whose handlers would delay the requests of all other connections.
 */

/**
 * Queues the work of pipelined requests and runs one piece per event-loop tick for all connections together, so that it
 * delays other clients by one request at most.
 */
export class Backlog {
  readonly #queue: (() => void)[] = []
  #isScheduled = false

  /** Adds a piece of work to the queue. */
  add(work: () => void): void {
    this.#queue.push(work)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#queue.shift()?.()
      if (this.#queue.length > 0) this.#schedule()
    })
  }
}
