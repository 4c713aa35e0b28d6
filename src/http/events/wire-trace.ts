import type { Connection } from '../../connection/connection.ts'
import type { ConnectionError } from '../../connection/errors.ts'
import type { WireEvent } from '../../connection/wire-event.ts'
import type { GatewaySession } from '../../sessions/gateway-session.ts'
import type { Registry } from '../../sessions/registry.ts'
import { RequestError } from '../errors/request-error.ts'
import { COMMENT, eventFields, eventStreamResponse, type StreamSource } from './server-sent-events.ts'

/** Events that wait for a slow client; further events are dropped and counted. */
const MAX_WAITING = 1000
/** Concurrent traces of all sessions together. */
const MAX_TRACES = 8
/** Interval of heartbeats: a disconnected client may be noticed only by writing to it. */
const HEARTBEAT_MS = 15_000

/**
 * Streams the traffic on the LysKOM connection of a session as server-sent events, starting with the first read. The
 * stream ends with the session, when the client disconnects, or when the gateway shuts down. An unread response, to
 * HEAD or to a client that has disconnected, adds no listeners and does not count as a trace.
 * @throws RequestError `too-many-traces` (503) if 8 traces are running
 */
export function wireTrace(registry: Registry, { lyskom }: GatewaySession): Response {
  if (tracesOf(registry).size >= MAX_TRACES) {
    throw new RequestError('too-many-traces', `No more than ${MAX_TRACES} traces can run at the same time.`)
  }
  return eventStreamResponse((controller) => new Trace(controller, registry, lyskom.connection))
}

/** The running traces of each registry. */
const running = new WeakMap<Registry, Set<Trace>>()

function tracesOf(registry: Registry): Set<Trace> {
  const known = running.get(registry) ?? new Set()
  running.set(registry, known)
  return known
}

/** A trace that a client is reading. */
class Trace implements StreamSource {
  readonly #controller: ReadableStreamDefaultController<Uint8Array>
  readonly #encoder = new TextEncoder()
  readonly #registry: Registry
  readonly #connection: Connection
  readonly #timer: NodeJS.Timeout
  #missed = 0
  #wasFull = false

  constructor(controller: ReadableStreamDefaultController<Uint8Array>, registry: Registry, connection: Connection) {
    this.#controller = controller
    this.#registry = registry
    this.#connection = connection
    this.#timer = setInterval(this.#heartbeat, HEARTBEAT_MS)
    const traces = tracesOf(registry)
    const isLate = traces.size >= MAX_TRACES
    traces.add(this)
    connection.on('wire', this.#send)
    connection.on('close', this.#onClose)
    registry.on('draining', this.#onDraining)
    // An empty comment shows the client that the trace has started and misses no later event.
    this.#write(COMMENT)
    if (connection.dead !== undefined) this.#onClose(connection.dead)
    else if (registry.isDraining) this.#onDraining()
    else if (isLate) this.#end('too-many')
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#connection.off('wire', this.#send)
    this.#connection.off('close', this.#onClose)
    this.#registry.off('draining', this.#onDraining)
    tracesOf(this.#registry).delete(this)
  }

  readonly #send = (event: WireEvent): void => {
    if (this.#isFull()) {
      this.#missed++
      return
    }
    if (this.#missed > 0) this.#write(eventFields({ type: 'missed', data: JSON.stringify({ events: this.#missed }) }))
    this.#missed = 0
    this.#write(eventFields({ data: JSON.stringify(wireJson(event)) }))
  }

  readonly #heartbeat = (): void => {
    const isFull = this.#isFull()
    if (!isFull) this.#write(COMMENT)
    else if (this.#wasFull) this.#end('unread')
    this.#wasFull = isFull
  }

  readonly #onClose = ({ code }: ConnectionError): void => this.#end(code)
  readonly #onDraining = (): void => this.#end('shutdown')

  #end(reason: string): void {
    this.stop()
    this.#write(eventFields({ type: 'end', data: JSON.stringify({ reason }) }))
    this.#controller.close()
  }

  #isFull(): boolean {
    return (this.#controller.desiredSize ?? 0) <= -MAX_WAITING
  }

  #write(text: string): void {
    this.#controller.enqueue(this.#encoder.encode(text))
  }
}

function wireJson({ direction, kind, name, refNo, bytes, ms, error }: WireEvent) {
  return { direction, kind, name, ref_no: refNo, error, bytes, ms: ms && Math.round(ms * 1000) / 1000 }
}
