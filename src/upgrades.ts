import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocket, WebSocketServer } from 'ws'
import { hangUpWith } from './plain-answer.ts'

type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/** Node hands over whatever asks for an upgrade, and nobody would answer those that ask for no WebSocket. */
export function refuseOtherUpgrades(server: Server): void {
  const [upgrade] = server.listeners('upgrade') as UpgradeListener[]
  server.removeAllListeners('upgrade')
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (request.headers.upgrade?.toLowerCase() === 'websocket') upgrade?.(request, socket, head)
    else void hangUpWith(socket, 400, { error_type: 'httpkom', error_msg: 'There is no upgrade but to a WebSocket.' })
  })
}

/**
 * Asks the WebSockets for a sign of life from time to time, and drops those from which nothing has come since the last
 * time: a client that vanished without a word would otherwise keep its session for ever. Any byte is a sign, since the
 * answer to a ping waits behind a long message. Returns what ends it.
 */
export function pingEach(websockets: WebSocketServer, everyMs: number): () => void {
  const lines = new WeakMap<WebSocket, { socket: { bytesRead: number }; read: number }>()
  websockets.on('connection', (client, { socket }) => lines.set(client, { socket, read: -1 }))
  const timer = setInterval(() => {
    for (const client of websockets.clients) {
      const line = lines.get(client)
      if (line === undefined) continue
      if (line.read === line.socket.bytesRead) {
        client.terminate()
      } else {
        line.read = line.socket.bytesRead
        client.ping()
      }
    }
  }, everyMs)
  timer.unref()
  return () => clearInterval(timer)
}
