import type { EventLog } from '../../sessions/event-log.ts'
import type { EventReader } from '../../sessions/event-reader.ts'
import type { GatewaySession } from '../../sessions/gateway-session.ts'
import type { SinkSource, StreamSink } from '../node/direct-stream.ts'
import { COMMENT, eventFields, idField, retryField } from './server-sent-events.ts'
import type { OpenWebsockets } from './websocket-limits.ts'

/** The delay after which a client whose stream has ended connects again. */
export const RETRY_MS = 3000
/** Interval of heartbeats: proxies close a stream that is silent for about a minute. */
const HEARTBEAT_MS = 25_000

/** Options of `EventStream`. */
export interface EventStreamOptions {
  session: GatewaySession
  log: EventLog
  reader: EventReader
  /** whether the client has no position yet */
  isNew: boolean
  /** counts the stream */
  websockets: OpenWebsockets
  /** Called when the client leaves more unread than the log holds. Closes its connection. */
  onLate: () => void
}

/**
 * The events of a session as server-sent events. Events stay in the log until the client has read those before them, so
 * that a slow client costs no memory.
 */
export class EventStream implements SinkSource {
  readonly #sink: StreamSink
  readonly #options: EventStreamOptions
  readonly #timer: NodeJS.Timeout
  readonly #leave: () => void
  #hasBegun = false
  /** The last position that the client knows. */
  #sentId: string
  #isHeartbeatDue = false
  /** Whether the client must read before it can take more. */
  #isBlocked = true
  /** Whether the events of this callback of the event loop are about to be sent. */
  #isSending = false
  #hasStopped = false

  constructor(sink: StreamSink, options: EventStreamOptions) {
    const { session, log, reader, websockets } = options
    websockets.add(session)
    session.beginStream()
    this.#sink = sink
    this.#options = options
    this.#sentId = reader.position
    this.#leave = log.follow(() => this.#onChange())
    this.#timer = setInterval(() => this.#onHeartbeat(), HEARTBEAT_MS)
  }

  resume(): void {
    this.#isBlocked = false
    this.#send()
  }

  stop(): void {
    if (this.#hasStopped) return
    this.#hasStopped = true
    const { session, websockets } = this.#options
    clearInterval(this.#timer)
    this.#leave()
    websockets.remove(session)
    session.endStream()
  }

  /** Sends what the client can take, until there is nothing more. */
  #send(): void {
    this.#isSending = false
    while (!this.#isBlocked && !this.#hasStopped) {
      const text = this.#next()
      if (text !== '') {
        this.#isBlocked = !this.#sink.write(text)
        continue
      }
      if (!this.#options.reader.isDone) return
      this.stop()
      this.#sink.end()
    }
  }

  /** Returns what the client can read now; empty if there is nothing. */
  #next(): string {
    const { reader, isNew } = this.#options
    if (!this.#hasBegun) {
      this.#hasBegun = true
      // A client that is cut off before its first event resumes from here.
      return retryField(RETRY_MS) + (isNew ? idField(this.#sentId) : '')
    }
    const events = reader.read()
    if (events.length > 0) {
      this.#sentId = events.at(-1)?.id ?? this.#sentId
      return events.map(eventFields).join('')
    }
    if (!this.#isHeartbeatDue) return ''
    this.#isHeartbeatDue = false
    if (this.#sentId === reader.position) return COMMENT
    // Events of other types have passed, and the log may drop them before the client resumes.
    this.#sentId = reader.position
    return COMMENT + idField(this.#sentId)
  }

  #onChange(): void {
    if (this.#isBlocked) {
      if (this.#options.reader.isLate) this.#options.onLate()
      return
    }
    if (this.#isSending) return
    this.#isSending = true
    // The events of a packet are written together.
    queueMicrotask(() => this.#send())
  }

  #onHeartbeat(): void {
    this.#isHeartbeatDue = !this.#isBlocked
    this.#send()
  }
}
