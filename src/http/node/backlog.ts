/**
 * Queues the work of pipelined requests and runs one piece per event-loop tick for all connections together, so that it
 * delays other clients by one request at most. A chunk of 64 kB holds up to 2,700 pipelined requests.
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
