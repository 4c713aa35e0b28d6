/** Node offers no `ServerResponse` after a parse error, an upgrade or CONNECT: the listener gets the bare socket. */

import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { publicError } from '../errors/public-error.ts'

/** Time for the client to read the response before the connection is closed. */
const LINGER_MS = 1000

/**
 * Writes a response to a socket that Node's HTTP server no longer handles, then closes the connection.
 *
 * @param body a value for `JSON.stringify`, or a string of JSON
 * @param more additional header fields
 * @returns a promise that resolves when the connection is closed, after a second at the latest
 */
export function closeWith(
  socket: Duplex,
  status: number,
  body: object | string,
  more: Iterable<readonly [name: string, value: string]> = [],
): Promise<void> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const headers = new Map([
    ['content-type', 'application/json'],
    ...more,
    ['content-length', String(Buffer.byteLength(text))],
    ['connection', 'close'],
  ])
  const lines = Array.from(headers, ([name, value]) => `${name}: ${value}\r\n`)
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.destroy(), LINGER_MS)
    socket.on('error', () => undefined)
    socket.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${text}`)
    // Discard further input: closing with unread data would reset the connection before the client reads the response.
    socket.resume()
  })
}

/** Writes the response for an error to a socket, then closes the connection. Resolves as `closeWith` does. */
export function closeWithError(socket: Duplex, error: unknown): Promise<void> {
  const { status, fields, headers } = publicError(error)
  return closeWith(socket, status, fields, Object.entries(headers))
}
