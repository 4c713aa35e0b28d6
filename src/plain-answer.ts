import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'

/** For a client to read the answer before the line is cut. */
const LINGER_MS = 1000

/**
 * Writes an answer to a socket that no request of Node's has any more, and hangs up: in a while even on a client that
 * goes on sending. Resolves when the line is closed.
 * @param body what `JSON.stringify` takes, or JSON
 * @param more header lines
 */
export function hangUpWith(
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
    // What the client sends on is nobody's to read; its end closes the line.
    socket.resume()
  })
}
