import { HTTPException } from 'hono/http-exception'
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
 * What passes on the line of a session from now on, as server-sent events, until the session or the reader goes, or the
 * gateway shuts down. Nothing is listened to before, and nothing after.
 *
 * @param method without a body nobody would ever read the stream
 */
export function wireTrace(registry: Registry, { session }: OpenedSession, method: string): Response {
  if (method === 'HEAD') return new Response(null, { headers: HEADERS })
  if (registry.listenerCount('draining') >= MAX_TRACES) {
    throw new HTTPException(503, { message: `No more than ${MAX_TRACES} traces are made at a time.` })
  }
  const { connection } = session
  const encoder = new TextEncoder()
  let stop = (): void => undefined

  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        let missed = 0
        let wasFull = false

        const hasRoom = (): boolean => (controller.desiredSize ?? 0) > 0
        const write = (text: string): void => controller.enqueue(encoder.encode(text))
        const send = (event: WireEvent): void => {
          if (!hasRoom()) {
            missed++
            return
          }
          if (missed > 0) write(`event: missed\ndata: ${JSON.stringify({ events: missed })}\n\n`)
          missed = 0
          write(`data: ${JSON.stringify(wireJson(event))}\n\n`)
        }
        const end = (reason: string): void => {
          stop()
          write(`event: end\ndata: ${JSON.stringify({ reason })}\n\n`)
          controller.close()
        }
        const beat = (): void => {
          const isFull = !hasRoom()
          if (!isFull) write(':\n\n')
          else if (wasFull) end('unread')
          wasFull = isFull
        }
        const onClose = ({ code }: ConnectionError): void => end(code)
        const onDraining = (): void => end('shutdown')

        const timer = setInterval(beat, HEARTBEAT_MS)
        connection.on('wire', send)
        connection.on('close', onClose)
        registry.on('draining', onDraining)
        stop = () => {
          clearInterval(timer)
          connection.off('wire', send)
          connection.off('close', onClose)
          registry.off('draining', onDraining)
        }
        // Whoever reads it knows then that nothing will be missed.
        write(':\n\n')
      },
      cancel() {
        stop()
      },
    },
    { highWaterMark: MAX_WAITING },
  )
  return new Response(body, { headers: HEADERS })
}

function wireJson({ direction, kind, name, refNo, bytes, ms, error }: WireEvent) {
  return { direction, kind, name, ref_no: refNo, error, bytes, ms: ms && Math.round(ms * 1000) / 1000 }
}
