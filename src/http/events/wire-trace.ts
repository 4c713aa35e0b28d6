import { HTTPException } from 'hono/http-exception'
import type { Connection } from '../../connection/connection.ts'
import type { ConnectionError } from '../../connection/errors.ts'
import type { WireEvent } from '../../connection/wire-event.ts'
import type { OpenedSession, Registry } from '../../sessions/registry.ts'

/** Events that wait for a slow reader; those that come then are left out, and counted. */
const MAX_WAITING = 1000
/** Traces at a time, for all sessions together. */
const MAX_TRACES = 8
/** A reader that is gone may be noticed only by writing to it. */
const HEARTBEAT_MS = 15_000

/** Streams of server-sent events. A proxy must not keep them back. */
const HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Type': 'text/event-stream; charset=utf-8',
  'X-Accel-Buffering': 'no',
}

/**
 * Streams what passes on the connection of a session, from the first read on, as server-sent events. The stream ends with
 * the session, when its reader leaves, or when the gateway shuts down. It listens to nothing and takes no place among the
 * traces before it is read: a response to HEAD, or one whose client has left, never is.
 */
export function wireTrace(registry: Registry, { session }: OpenedSession): Response {
  if (registry.listenerCount('draining') >= MAX_TRACES) {
    throw new HTTPException(503, { message: `No more than ${MAX_TRACES} traces are made at a time.` })
  }
  let trace: Trace | undefined
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        trace ??= new Trace(controller, registry, session.connection)
      },
      cancel() {
        trace?.stop()
      },
    },
    // A stream that keeps chunks in advance would be pulled without a reader.
    { highWaterMark: 0 },
  )
  return new Response(body, { headers: HEADERS })
}

/** A trace that is being read. */
class Trace {
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
    this.#timer = setInterval(this.#beat, HEARTBEAT_MS)
    const isLate = registry.listenerCount('draining') >= MAX_TRACES
    connection.on('wire', this.#send)
    connection.on('close', this.#onClose)
    registry.on('draining', this.#onDraining)
    // The reader knows from now on that it misses nothing.
    this.#write(':\n\n')
    if (connection.dead !== undefined) this.#onClose(connection.dead)
    else if (registry.isDraining) this.#onDraining()
    else if (isLate) this.#end('too-many')
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#connection.off('wire', this.#send)
    this.#connection.off('close', this.#onClose)
    this.#registry.off('draining', this.#onDraining)
  }

  readonly #send = (event: WireEvent): void => {
    if (!this.#hasRoom()) {
      this.#missed++
      return
    }
    if (this.#missed > 0) this.#write(`event: missed\ndata: ${JSON.stringify({ events: this.#missed })}\n\n`)
    this.#missed = 0
    this.#write(`data: ${JSON.stringify(wireJson(event))}\n\n`)
  }

  readonly #beat = (): void => {
    const isFull = !this.#hasRoom()
    if (!isFull) this.#write(':\n\n')
    else if (this.#wasFull) this.#end('unread')
    this.#wasFull = isFull
  }

  readonly #onClose = ({ code }: ConnectionError): void => this.#end(code)
  readonly #onDraining = (): void => this.#end('shutdown')

  #end(reason: string): void {
    this.stop()
    this.#write(`event: end\ndata: ${JSON.stringify({ reason })}\n\n`)
    this.#controller.close()
  }

  #hasRoom(): boolean {
    return (this.#controller.desiredSize ?? 0) > -MAX_WAITING
  }

  #write(text: string): void {
    this.#controller.enqueue(this.#encoder.encode(text))
  }
}

function wireJson({ direction, kind, name, refNo, bytes, ms, error }: WireEvent) {
  return { direction, kind, name, ref_no: refNo, error, bytes, ms: ms && Math.round(ms * 1000) / 1000 }
}
