import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { LimitName } from '../../sessions/limit-error.ts'
import type { UnreadBudget, UnreadSource } from '../node/unread-budget.ts'

/** Messages of one WebSocket that are processed concurrently: as many as the calls in flight of one LysKOM session. */
const MAX_IN_FLIGHT = 20
/** Heap bytes of a waiting message besides its text. */
const WAITING_MESSAGE_BYTES = 256
/** Bytes of a message that are not counted while it arrives or is processed: most messages are smaller. */
const SMALL_MESSAGE_BYTES = 16_384

/** A reply to a message. */
export interface FlowReply {
  text: string
  /** called when the reply is handed to the WebSocket; later messages follow it */
  onSent?: (() => void) | undefined
}

/** Options of the message flow of one WebSocket. */
export interface FlowOptions {
  /** the connection of the WebSocket */
  connection: Socket
  /** the largest message, in bytes */
  maxMessageBytes: number
  /** counts the memory of messages and replies */
  budget: UnreadBudget
  /** the client network whose budget the WebSocket uses; undefined behind a trusted proxy */
  network: string | undefined
  /** Processes a message. Resolves with the reply; never rejects. */
  answer: (message: string) => Promise<FlowReply>
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
  /** Size of the large messages in flight. */
  #inFlightBytes = 0
  /** Bytes received since the last complete message. */
  #partialBytes = 0
  #isScheduled = false

  constructor(socket: WebSocket, options: FlowOptions) {
    this.#socket = socket
    this.#options = options
    this.network = options.network
    // `ws` buffers an unfinished message and reports only the complete one.
    options.connection.prependListener('data', this.#onData)
    socket.on('message', () => {
      this.#partialBytes = 0
    })
  }

  readonly #onData = ({ length }: Buffer): void => {
    this.#partialBytes += length
    if (this.#partialBytes > SMALL_MESSAGE_BYTES) this.#options.budget.progress(this)
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

  /** Whether the client leaves something unread. */
  get isBlocked(): boolean {
    return this.#socket.bufferedAmount > 0
  }

  /** Closes the WebSocket because its client leaves more events unread than the session keeps. */
  dropLate(): void {
    this.#options.onLimit('unread-bytes-per-connection')
    this.drop()
  }

  /**
   * Sends a text and pauses reading if the client leaves too much unread.
   * @param onSent called when the text is handed to the operating system, or when the WebSocket is closed
   */
  send(text: string, onSent?: () => void): void {
    const wasUnread = this.#isUnread
    this.#socket.send(text, () => {
      this.#sent()
      onSent?.()
    })
    if (this.#socket.bufferedAmount === 0) return
    if (this.#isUnread && !wasUnread) {
      this.#options.onLimit('unread-bytes-per-connection')
      this.#socket.pause()
    }
    this.#options.budget.update(this)
  }

  unreadBytes(): number {
    if (this.#socket.readyState === this.#socket.CLOSED) return 0
    // Pings and pongs are no messages: without the maximum they would add up.
    const partial =
      this.#partialBytes > SMALL_MESSAGE_BYTES ? Math.min(this.#partialBytes, this.#options.maxMessageBytes) : 0
    return this.#socket.bufferedAmount + this.#waitingBytes + this.#inFlightBytes + partial
  }

  drop(): void {
    this.#socket.terminate()
  }

  /** Drops the waiting messages after the WebSocket is closed. */
  close(): void {
    for (const _ of this.#waiting) this.#options.onAnswered()
    this.#waiting.length = 0
    this.#waitingBytes = 0
    this.#options.connection.off('data', this.#onData)
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
    const bytes = message.length > SMALL_MESSAGE_BYTES ? message.length : 0
    this.#inFlightBytes += bytes
    if (bytes > 0) this.#options.budget.update(this)
    void this.#options.answer(message).then((reply) => {
      this.#inFlight--
      this.#inFlightBytes -= bytes
      this.send(reply.text)
      this.#options.onAnswered()
      reply.onSent?.()
      this.#processNext()
    })
  }

  /** Runs when a reply is handed to the operating system, or when the WebSocket is closed. */
  #sent(): void {
    if (!this.#socket.isPaused) {
      // Most replies are written immediately, before the budget counted anything.
      if (this.#socket.bufferedAmount === 0) this.#options.budget.update(this)
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
