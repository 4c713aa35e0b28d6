/** `ws` sends no pings itself and notices no client that has disappeared (websockets/ws#635). */

import type { Socket } from 'node:net'
import type { WebSocket, WebSocketServer } from 'ws'

/** The byte count of a WebSocket at the last ping. */
interface Progress {
  readonly socket: Socket
  bytes: number
}

/**
 * Pings the WebSockets, and terminates those without activity since the last ping. Any received byte is activity,
 * because a pong may wait behind a long message. While the gateway has paused reading, bytes that the client reads are
 * activity.
 *
 * @returns a function that stops the pings
 */
export function pingEach(websockets: WebSocketServer, everyMs: number): () => void {
  const progress = new WeakMap<WebSocket, Progress>()
  websockets.on('connection', (client, { socket }) => progress.set(client, { socket, bytes: -1 }))
  const timer = setInterval(() => {
    for (const client of websockets.clients) {
      const last = progress.get(client)
      if (last === undefined) continue
      const { bytesRead, bytesWritten, writableLength } = last.socket
      const bytes = client.isPaused ? bytesRead + bytesWritten - writableLength : bytesRead
      if (last.bytes === bytes) {
        client.terminate()
      } else {
        last.bytes = bytes
        // On a paused socket a ping would only queue up behind the data that the client does not read.
        if (!client.isPaused) client.ping()
      }
    }
  }, everyMs)
  timer.unref()
  return () => clearInterval(timer)
}
