import type { WebSocket } from 'ws'
import type { LimitName } from '../../sessions/limit-error.ts'
import type { UnreadBudget, UnreadSource } from '../node/unread-budget.ts'

/** Messages of one WebSocket that are processed concurrently: as many as the calls in flight of one LysKOM session. */
const MAX_IN_FLIGHT = 20
/** Heap bytes of a waiting message besides its text. */
const WAITING_MESSAGE_BYTES = 256

/** Options of the message flow of one WebSocket. */
export interface FlowOptions {
  /** counts the memory of messages and replies */
  budget: UnreadBudget
  /** the client network whose budget the WebSocket uses; undefined behind a trusted proxy */
  network: string | undefined
  /** Processes a message. Resolves with the text of the reply; never rejects. */
  answer: (message: string) => Promise<string>
  /** Called once for each received message: when its reply is sent, or dropped with the WebSocket. */
  onAnswered: () => void
  /** Called when the client leaves more unread than the limit for one connection. */
  onLimit: (limit: LimitName) => void
}

/**
 * Answers the messages of one WebSocket at the pace at which its client reads the replies. While the client leaves more
 * unread than the limit, or 20 messages are in flight, further messages wait and nothing is read from the socket.
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

  /** Processes a message, or queues it while the flow is full. */
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

  /** Sends a reply and pauses reading if the client leaves too much unread. */
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

  /** Drops the waiting messages after the WebSocket is closed. */
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
      this.#processNext()
    })
  }

  /** Runs when a reply is handed to the operating system, or when the WebSocket is closed. */
  #sent(): void {
    if (!this.#socket.isPaused) {
      // Most replies are written immediately, before the budget counted anything.
      if (this.#socket.bufferedAmount === 0) this.#options.budget.remove(this)
      return
    }
    this.#options.budget.update(this)
    this.#processNext()
  }

  /** Processes one waiting message per event-loop tick, so that other clients are served in between. */
  #processNext(): void {
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
      this.#processNext()
    })
  }
}
