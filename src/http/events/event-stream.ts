import type { EventLog } from '../../sessions/event-log.ts'
import type { EventReader } from '../../sessions/event-reader.ts'
import type { GatewaySession } from '../../sessions/gateway-session.ts'
import { COMMENT, eventFields, idField, retryField, type StreamSource } from './server-sent-events.ts'
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
export class EventStream implements StreamSource {
  readonly #controller: ReadableStreamDefaultController<Uint8Array>
  readonly #options: EventStreamOptions
  readonly #encoder = new TextEncoder()
  readonly #timer: NodeJS.Timeout
  readonly #leave: () => void
  #hasBegun = false
  /** The last position that the client knows. */
  #sentId: string
  #isHeartbeatDue = false
  /** Set while the client waits for an event. */
  #wake: (() => void) | undefined
  #hasStopped = false

  constructor(controller: ReadableStreamDefaultController<Uint8Array>, options: EventStreamOptions) {
    const { session, log, reader, websockets } = options
    websockets.add(session)
    session.beginStream()
    this.#controller = controller
    this.#options = options
    this.#sentId = reader.position
    this.#leave = log.follow(() => this.#onChange())
    this.#timer = setInterval(() => this.#onHeartbeat(), HEARTBEAT_MS)
  }

  async pull(): Promise<void> {
    while (!this.#hasStopped) {
      const text = this.#next()
      if (text !== '') {
        this.#controller.enqueue(this.#encoder.encode(text))
        return
      }
      if (this.#options.reader.isDone) {
        this.stop()
        this.#controller.close()
        return
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
  }

  stop(): void {
    if (this.#hasStopped) return
    this.#hasStopped = true
    const { session, websockets } = this.#options
    clearInterval(this.#timer)
    this.#leave()
    websockets.remove(session)
    session.endStream()
    this.#wake?.()
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
    if (this.#wake !== undefined) this.#wake()
    else if (this.#options.reader.isLate) this.#options.onLate()
  }

  #onHeartbeat(): void {
    this.#isHeartbeatDue = this.#wake !== undefined
    this.#wake?.()
  }
}
