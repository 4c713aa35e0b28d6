import type { EventLog } from '../../sessions/event-log.ts'
import type { EventReader } from '../../sessions/event-reader.ts'
import type { WebSocketFlow } from './websocket-flow.ts'

/**
 * Sends the events of a session on its WebSocket, at the pace at which the client reads them. Events stay in the log
 * until then.
 */
export class EventSubscription {
  readonly #flow: WebSocketFlow
  readonly #log: EventLog
  readonly #reader: EventReader
  readonly #leave: () => void
  #isSending = false
  #hasStopped = false

  /** @param flow carries the events, and is dropped if its client leaves more unread than the log holds */
  constructor(flow: WebSocketFlow, log: EventLog, reader: EventReader) {
    this.#flow = flow
    this.#log = log
    this.#reader = reader
    this.#leave = log.follow(() => this.#onChange())
    this.#sendNext()
  }

  /** Sends no further events. */
  stop(): void {
    this.#hasStopped = true
    this.#leave()
  }

  #onChange(): void {
    // The WebSocket closes after the last event.
    if (!this.#isSending || this.#log.isClosed) this.#sendNext()
    else if (this.#flow.isBlocked && this.#reader.isLate) this.#flow.dropLate()
  }

  /** Sends the next events, and those after them when these are handed to the operating system. */
  #sendNext(): void {
    do {
      const events = this.#hasStopped ? [] : this.#reader.read()
      this.#isSending = events.length > 0
      for (const [i, { id, type, data }] of events.entries()) {
        const onSent = i === events.length - 1 ? () => this.#sendNext() : undefined
        this.#flow.send(`{"protocol":"events","id":"${id}","event":"${type}","data":${data}}`, onSent)
      }
    } while (this.#isSending && this.#log.isClosed)
  }
}
