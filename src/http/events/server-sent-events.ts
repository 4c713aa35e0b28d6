/**
 * Server-sent events (HTML, 9.2). Not by `streamSSE` of Hono 4: it starts a stream before anything reads it, so that
 * one for HEAD or for a client that has disconnected never ends, and it replaces `Cache-Control`.
 */

import type { SinkSource, StreamSink } from '../node/direct-stream.ts'
import { SECURITY } from '../node/responses.ts'
import { TrackedResponse } from '../node/tracked-response.ts'

/** `X-Accel-Buffering` keeps nginx from buffering the stream. */
const HEADERS = Object.freeze({
  ...SECURITY,
  'Cache-Control': 'no-store',
  'Content-Type': 'text/event-stream; charset=utf-8',
  'X-Accel-Buffering': 'no',
})

/** A comment, which clients ignore. */
export const COMMENT = ':\n\n'

/** What produces the bytes of a stream. */
export interface StreamSource {
  /** Called when the client can take more. */
  resume?(): void
  /** Called when the client has disconnected. */
  stop(): void
}

/**
 * Returns a response that streams server-sent events.
 * @param start called when the response is first read, which does not happen for HEAD
 */
export function eventStreamResponse(
  start: (controller: ReadableStreamDefaultController<Uint8Array>) => StreamSource,
): Response {
  let source: StreamSource | undefined
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        source ??= start(controller)
        source.resume?.()
      },
      cancel() {
        source?.stop()
      },
    },
    // With a high-water mark above 0 the stream would be pulled before anything reads it.
    { highWaterMark: 0 },
  )
  return new Response(body, { headers: HEADERS })
}

/**
 * Returns a response that streams server-sent events to a sink: Node's response, or a web stream without it.
 * @param outgoing Node's response, if there is one
 * @param start called when the response is first read, which does not happen for HEAD
 */
export function sinkStreamResponse(outgoing: unknown, start: (sink: StreamSink) => SinkSource): Response {
  const encoder = new TextEncoder()
  const response = eventStreamResponse((controller) => {
    const sink: StreamSink = {
      write(piece) {
        controller.enqueue(typeof piece === 'string' ? encoder.encode(piece) : piece)
        return false
      },
      end: () => controller.close(),
      fail: (error) => controller.error(error),
    }
    return start(sink)
  })
  const { body } = response
  if (outgoing instanceof TrackedResponse && body !== null) outgoing.stream = { body, start }
  return response
}

/** Returns a response without events that ends at once. The client connects again. @param retryMs the delay until then */
export function emptyEventStream(retryMs: number): Response {
  return new Response(retryField(retryMs), { headers: HEADERS })
}

/** Sets the delay after which a client whose stream has ended connects again. @param ms milliseconds */
export function retryField(ms: number): string {
  return `retry: ${ms}\n\n`
}

/** Sets the position of a client without an event. */
export function idField(id: string): string {
  return `id: ${id}\n\n`
}

/** Formats an event. @param data a single line */
export function eventFields({ id, type, data }: { id?: string; type?: string; data: string }): string {
  return `${id === undefined ? '' : `id: ${id}\n`}${type === undefined ? '' : `event: ${type}\n`}data: ${data}\n\n`
}
