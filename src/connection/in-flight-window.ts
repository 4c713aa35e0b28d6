/**
 * lyskomd disconnects a client for which more than 50 blocks of replies are queued, and each reply takes two blocks
 * (see `Max client transmit queue messages` in its manual).
 */
const CALLS_IN_FLIGHT = 20

/** Sends a call. Resolves when the call leaves the window: the server has replied, or will not. Never rejects. */
type Send = () => Promise<void>

interface QueuedCall {
  send: Send
  exclusive: boolean
}

/**
 * The in-flight window of one connection. At most 20 calls are in flight; further calls wait in a FIFO queue. An
 * exclusive call is in flight alone: it waits until all earlier calls have left the window, and later calls wait for
 * it.
 */
export class InFlightWindow {
  #inFlight = 0
  /** whether an exclusive call is in flight */
  #isExclusive = false
  /** undefined while no call is queued, to save memory */
  #queue: QueuedCall[] | undefined

  /**
   * Sends a call when the window has room, after all earlier calls.
   *
   * @param send called when the call may be sent
   */
  run(send: Send): void {
    this.#add({ send, exclusive: false })
  }

  /**
   * Sends a call when all earlier calls have left the window, and later calls when this one has left it.
   *
   * @param send called when the call may be sent
   */
  runExclusive(send: Send): void {
    this.#add({ send, exclusive: true })
  }

  #add(call: QueuedCall): void {
    if (this.#queue === undefined && this.#hasRoomFor(call)) {
      this.#send(call)
      return
    }
    this.#queue ??= []
    this.#queue.push(call)
  }

  #hasRoomFor({ exclusive }: QueuedCall): boolean {
    return exclusive ? this.#inFlight === 0 : !this.#isExclusive && this.#inFlight < CALLS_IN_FLIGHT
  }

  #send({ send, exclusive }: QueuedCall): void {
    this.#inFlight++
    this.#isExclusive = exclusive
    void send().then(() => this.#onEnd())
  }

  #onEnd(): void {
    this.#inFlight--
    this.#isExclusive = false
    if (this.#queue === undefined) return
    // `send` calls no code that adds to the queue, so the loop may iterate over it.
    let sent = 0
    for (const call of this.#queue) {
      if (!this.#hasRoomFor(call)) break
      this.#send(call)
      sent++
    }
    if (sent === this.#queue.length) this.#queue = undefined
    else this.#queue.splice(0, sent)
  }
}
