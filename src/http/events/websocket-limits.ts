import type { GatewaySession } from '../../sessions/gateway-session.ts'
import { LimitError } from '../../sessions/limit-error.ts'

/** Limits of WebSockets. */
export interface WebsocketLimitOptions {
  /** open WebSockets and event streams of one session */
  maxWebsocketsPerSession: number
  /** messages that a client may send on one WebSocket */
  maxWebsocketMessagesPerSecond: number
}

const SECOND_MS = 1000

/** Counts the open WebSockets and event streams of each session. */
export class OpenWebsockets {
  readonly #max: number
  readonly #open = new WeakMap<GatewaySession, number>()

  constructor({ maxWebsocketsPerSession }: WebsocketLimitOptions) {
    this.#max = maxWebsocketsPerSession
  }

  /** Returns whether the session has as many WebSockets and event streams open as it may. */
  isFull(session: GatewaySession): boolean {
    return (this.#open.get(session) ?? 0) >= this.#max
  }

  /** @throws LimitError if the session has as many WebSockets and event streams open as it may */
  check(session: GatewaySession): void {
    if (!this.isFull(session)) return
    const what = 'WebSockets and event streams'
    throw new LimitError('websockets-per-session', `a session has no more than ${this.#max} ${what}`)
  }

  /** Counts an opened WebSocket or event stream. */
  add(session: GatewaySession): void {
    this.#open.set(session, (this.#open.get(session) ?? 0) + 1)
  }

  /** Discounts a closed WebSocket or event stream. */
  remove(session: GatewaySession): void {
    this.#open.set(session, (this.#open.get(session) ?? 1) - 1)
  }
}

/** Limits the messages of one WebSocket, counted in windows of one second. */
export class MessageRateLimit {
  readonly #max: number
  readonly #clock: () => number
  #second = Number.NEGATIVE_INFINITY
  #messages = 0

  constructor({ maxWebsocketMessagesPerSecond }: WebsocketLimitOptions, clock = () => performance.now()) {
    this.#max = maxWebsocketMessagesPerSecond
    this.#clock = clock
  }

  /** Counts a message. Returns the error to reply with, or `flood` for a client that ignores such replies. */
  take(): LimitError | 'flood' | undefined {
    const now = this.#clock()
    if (now - this.#second >= SECOND_MS) {
      this.#second = now
      this.#messages = 0
    }
    this.#messages++
    if (this.#messages <= this.#max) return undefined
    if (this.#messages > 2 * this.#max) return 'flood'
    const waitMs = this.#second + SECOND_MS - now
    return new LimitError('websocket-messages', `more than ${this.#max} messages in a second`, waitMs)
  }
}
