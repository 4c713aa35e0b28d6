/**
 * Node emits `upgrade` for any protocol (nodejs/node#57054; Node 20 lacks the `shouldUpgradeCallback` of
 * nodejs/node#59824), and without a listener for it loses the pipelined requests in the same chunk.
 */

import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import { RegistryError } from '../../sessions/registry.ts'
import { RequestError } from '../errors/request-error.ts'
import type { Connections } from './connections.ts'
import { closeWithError } from './raw-response.ts'
import { withoutExtraSlashes } from './request-path.ts'

type UpgradeListener = (request: IncomingMessage, socket: Socket, head: Buffer) => void

/** Header fields that have a meaning only for an upgrade. */
const UPGRADE_FIELDS: ReadonlySet<string> = new Set(['upgrade', 'http2-settings'])
const ORIGIN = /^https?:\/\/[^/?#]*/i

/**
 * Upgrades requests for a WebSocket at `path`, and handles every other request with an `Upgrade` field as if it had
 * none (RFC 9110, 7.8), both when the earlier requests are answered.
 */
export function serveUpgrades(server: Server, connections: Connections, path: string): void {
  const [openWebSocket] = server.listeners('upgrade') as UpgradeListener[]
  server.removeAllListeners('upgrade')
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    const isForWebSocket = openWebSocket !== undefined && isWebSocketRequest(request, path)
    // Unshift before `detach` may wait: it fails on a socket whose client has closed its side in the meantime.
    if (!isForWebSocket) socket.unshift(Buffer.concat([withoutUpgrade(request), head]))
    connections.of(socket)?.detach(() => {
      if (!isForWebSocket) server.emit('connection', socket)
      else if (connections.isDraining) void rejectWhileDraining(socket)
      else openWebSocket(request, socket, head)
    })
  })
  // Without a listener, Node destroys the socket of a CONNECT request.
  server.on('connect', (_: IncomingMessage, socket: Socket) => {
    const error = new RequestError('method-not-allowed', 'CONNECT is not allowed here.')
    connections.of(socket)?.detach(() => void closeWithError(socket, error))
  })
}

/** Rejects a request for a WebSocket that arrives while the gateway shuts down. */
export function rejectWhileDraining(socket: Socket): Promise<void> {
  return closeWithError(socket, new RegistryError('shutting-down', 'The gateway is shutting down.'))
}

function isWebSocketRequest({ method, httpVersion, url = '', headers }: IncomingMessage, path: string): boolean {
  if (method !== 'GET' || httpVersion !== '1.1' || !tokens(headers.upgrade).includes('websocket')) return false
  const [target = ''] = url.replace(ORIGIN, '').split('?')
  if (withoutExtraSlashes(target) !== path) return false
  // The client may offer several protocols; `ws` accepts only a field with a single one.
  headers.upgrade = 'websocket'
  return true
}

/** Returns the head of a request as bytes, without its upgrade fields. */
function withoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [name = '', value = ''] = rawHeaders.slice(i, i + 2)
    if (UPGRADE_FIELDS.has(name.toLowerCase())) continue
    const kept =
      name.toLowerCase() === 'connection' ? tokens(value).filter((each) => !UPGRADE_FIELDS.has(each)) : undefined
    if (kept?.length !== 0) lines.push(`${name}: ${kept?.join(', ') ?? value}`)
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}

function tokens(list = ''): string[] {
  return list
    .toLowerCase()
    .split(',')
    .map((each) => each.trim())
}
