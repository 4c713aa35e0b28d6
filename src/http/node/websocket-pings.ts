import type { Socket } from 'node:net'
import type { WebSocket, WebSocketServer } from 'ws'

/** How far a WebSocket had come at the last ping. */
interface Progress {
  readonly socket: Socket
  bytes: number
}

/**
 * Pings the WebSockets, and terminates those that showed no activity since the last ping. Any received byte is activity,
 * because a pong may wait behind a long message. While nothing is read from a client because it reads too little, it is
 * what the client reads. `ws` has no keepalive of its own.
 *
 * @returns stops the pings
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
        // A ping would only queue up behind what the client does not read.
        if (!client.isPaused) client.ping()
      }
    }
  }, everyMs)
  timer.unref()
  return () => clearInterval(timer)
}
