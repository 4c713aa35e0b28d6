/** Hono has no response that hands its connection on: a WebSocket of another node is connected on the sockets. */

import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Context } from 'hono'
import type { Env } from '../env.ts'
import { resetSocket } from '../node/reset-socket.ts'
import type { OpenStreams } from '../open-streams.ts'

/** A connection to another node that has become a WebSocket. */
interface Upgraded {
  /** names and values by turns */
  headers: readonly string[]
  socket: Duplex
  /** what the node has sent after the headers */
  head: Uint8Array
}

/**
 * Accepts a request for a WebSocket with the headers of another node, and passes on what either side sends from then on.
 * `env.tunnelled` resolves when both connections are closed.
 */
export function tunnel(c: Context<Env>, { headers, socket: node, head }: Upgraded, streams: OpenStreams): void {
  const client = c.env?.incoming?.socket as Socket
  const lines = ['HTTP/1.1 101 Switching Protocols']
  for (let i = 0; i < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`)
  client.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  client.write(head)
  // Not `pipeline`, whose listeners exceed the limit of a socket that has those of HTTP.
  client.pipe(node).pipe(client)
  node.on('error', () => client.destroy())
  // It does not read: the timer is that of all connections, and pings of the node restart it.
  client.once('timeout', () => resetSocket(client))
  node.once('close', () => client.destroySoon())
  const closed = new Promise<void>((resolve) => {
    // The client may have disconnected while the node answered.
    if (client.destroyed) resolve()
    else client.once('close', () => resolve())
  })
  const remove = streams.add(() => client.destroySoon())
  void closed.then(() => {
    remove()
    node.destroy()
  })
  Object.assign(c.env ?? {}, { tunnelled: closed })
}
