/**
 * lyskomd disconnects a client for which more than 50 blocks of replies wait, and a reply takes two (its manual, `Max
 * client transmit queue messages`).
 */
const CALLS_IN_FLIGHT = 20

/** Sends a call. Resolves when the server has replied, or when no reply is expected any more. Never rejects. */
type Send = () => Promise<void>

interface QueuedCall {
  send: Send
  exclusive: boolean
}

/**
 * The in-flight window of one connection: 20 calls at most wait for their replies, further calls wait in a FIFO queue.
 * An exclusive call is sent when every call before it is over, and calls behind it wait until it is over.
 */
export class InFlightWindow {
  #inFlight = 0
  /** whether an exclusive call is in flight */
  #isExclusive = false
  /** undefined while no call waits, as on an idle session */
  #queue: QueuedCall[] | undefined

  /** Sends a call when the window has room, after all earlier calls. */
  run(send: Send): void {
    this.#add({ send, exclusive: false })
  }

  /** Sends a call when every earlier call is over, and holds back later calls until this one is over. */
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
    void send().then(() => this.#over())
  }

  #over(): void {
    this.#inFlight--
    this.#isExclusive = false
    if (this.#queue === undefined) return
    // Sending is synchronous and runs no callback that could change the queue.
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
