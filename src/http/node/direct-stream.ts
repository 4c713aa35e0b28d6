/**
 * Streams that write to Node's response themselves. Web streams and node-server's writer take more time for an event than
 * its JSON, and 4 kB for each stream.
 */

import { resetSocket } from './reset-socket.ts'
import type { TrackedResponse } from './tracked-response.ts'

/** Where a stream writes. */
export interface StreamSink {
  /** Writes text or bytes. Returns false if the client must read first; `resume` of the source follows. */
  write(piece: string | Uint8Array): boolean
  /** Ends the stream. */
  end(): void
  /** Breaks the stream off, and discards what the client has not read. */
  fail(error: Error): void
}

/** What writes a stream. */
export interface SinkSource {
  /** Called at first, and when the client can take more. */
  resume(): void
  /** Called when the client has disconnected. */
  stop(): void
}

/** The body of a response as a source. */
export interface DirectStream {
  /** the same as a web stream, by which the response is recognized */
  readonly body: ReadableStream<Uint8Array>
  readonly start: (sink: StreamSink) => SinkSource
}

/** Sends a response if its body is the direct stream of Node's response. Returns whether it is. */
export function sendDirectly(response: Response, outgoing: TrackedResponse): boolean {
  const { stream } = outgoing
  // Hono's response to HEAD has no body.
  if (stream === undefined || response.body !== stream.body) return false
  outgoing.stream = undefined
  // The client may have disconnected.
  if (outgoing.destroyed) return true
  outgoing.on('error', () => undefined)
  const onWritten = (error: Error | null | undefined): void => {
    outgoing.hasStreamed ||= !error
  }
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  const source = stream.start({
    write: (piece) => outgoing.write(piece, onWritten),
    end: () => void outgoing.end(),
    fail: () => outgoing.socket && resetSocket(outgoing.socket),
  })
  outgoing.on('drain', () => source.resume())
  outgoing.on('close', () => source.stop())
  source.resume()
  return true
}
