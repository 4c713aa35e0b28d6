/**
 * lyskomd disconnects a client for which more than 50 blocks of replies wait, and a reply takes two (its manual, `Max
 * client transmit queue messages`).
 */
const CALLS_IN_FLIGHT = 20

/** Sends a call; resolves when the server has replied, or will not. Never rejects. */
type Send = () => Promise<void>

interface QueuedCall {
  send: Send
  exclusive: boolean
}

/**
 * The in-flight window of one connection: 20 calls at most wait for their replies, further calls wait in a FIFO queue.
 * An exclusive call is sent when every call before it is over, and calls behind it wait until it is over.
 */
export class CallWindow {
  #inFlight = 0
  /** whether the call in flight is exclusive */
  #isExclusive = false
  /** undefined while no call waits, as on an idle session */
  #queue: QueuedCall[] | undefined

  run(send: Send): void {
    this.#add({ send, exclusive: false })
  }

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
    // Sending never runs callbacks of the queue's users before it returns, so the queue stays as it is meanwhile.
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
