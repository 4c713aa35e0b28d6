import type { WebSocket } from 'ws'
import type { LimitName } from '../../sessions/limit-error.ts'
import type { UnreadBudget, UnreadSource } from '../node/unread-budget.ts'

/** Messages of one WebSocket that are being answered: as many calls as one LysKOM session has in flight. */
const MAX_IN_FLIGHT = 20
/** Heap that a message takes while it waits, besides its text. */
const WAITING_MESSAGE_BYTES = 256

export interface FlowOptions {
  /** counts the memory of messages and replies */
  budget: UnreadBudget
  /** whose budget the WebSocket uses */
  network: string | undefined
  /** Answers a message. Resolves with the text of the reply; never rejects. */
  answer: (message: string) => Promise<string>
  /** Called once for each message received: when its reply is sent, or dropped with the WebSocket. */
  onAnswered: () => void
  onLimit: (limit: LimitName) => void
}

/**
 * Answers the messages of one WebSocket at the pace at which its client reads the replies. While the client leaves more than
 * the limit unread, or many messages are being answered, further messages wait and nothing is read from the socket.
 */
export class WebSocketFlow implements UnreadSource {
  readonly network: string | undefined
  readonly #socket: WebSocket
  readonly #options: FlowOptions
  readonly #waiting: string[] = []
  #waitingBytes = 0
  #inFlight = 0
  #isScheduled = false

  constructor(socket: WebSocket, options: FlowOptions) {
    this.#socket = socket
    this.#options = options
    this.network = options.network
  }

  receive(message: string): void {
    if (this.#waiting.length === 0 && !this.#isFull) {
      this.#answer(message)
      return
    }
    this.#waiting.push(message)
    this.#waitingBytes += message.length + WAITING_MESSAGE_BYTES
    this.#socket.pause()
    this.#options.budget.update(this)
  }

  send(reply: string): void {
    const wasUnread = this.#isUnread
    this.#socket.send(reply, () => this.#sent())
    if (this.#socket.bufferedAmount === 0) return
    if (this.#isUnread && !wasUnread) {
      this.#options.onLimit('unread-bytes-per-connection')
      this.#socket.pause()
    }
    this.#options.budget.update(this)
  }

  unreadBytes(): number {
    return this.#socket.readyState === this.#socket.CLOSED ? 0 : this.#socket.bufferedAmount + this.#waitingBytes
  }

  drop(): void {
    this.#socket.terminate()
  }

  /** The WebSocket is closed. */
  close(): void {
    for (const _ of this.#waiting) this.#options.onAnswered()
    this.#waiting.length = 0
    this.#waitingBytes = 0
    this.#options.budget.remove(this)
  }

  get #isUnread(): boolean {
    return this.#socket.bufferedAmount > this.#options.budget.maxPerConnection
  }

  get #isFull(): boolean {
    return this.#inFlight >= MAX_IN_FLIGHT || this.#isUnread
  }

  #answer(message: string): void {
    this.#inFlight++
    void this.#options.answer(message).then((reply) => {
      this.#inFlight--
      this.send(reply)
      this.#options.onAnswered()
      this.#goOn()
    })
  }

  /** A reply has left for the client, or the WebSocket is closed. */
  #sent(): void {
    if (!this.#socket.isPaused) {
      // Mostly at once, before anything was counted.
      if (this.#socket.bufferedAmount === 0) this.#options.budget.remove(this)
      return
    }
    this.#options.budget.update(this)
    this.#goOn()
  }

  /** One message in each tick of the event loop, for other clients to have their turn. */
  #goOn(): void {
    if (this.#isScheduled || !this.#socket.isPaused || this.#isFull) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      if (this.#isFull) return
      const message = this.#waiting.shift()
      if (message === undefined) {
        this.#socket.resume()
        return
      }
      this.#waitingBytes -= message.length + WAITING_MESSAGE_BYTES
      this.#answer(message)
      this.#goOn()
    })
  }
}
