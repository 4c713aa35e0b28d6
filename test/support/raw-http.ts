import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect } from 'vitest'

/** A TCP connection to an HTTP server. */
export interface RawClient {
  readonly socket: Socket
  /** all received bytes, decoded as ISO 8859-1 */
  readonly text: string
  /** Resolves when the received text matches. */
  received(pattern: RegExp): Promise<void>
  /** Resolves with the received text when the gateway has closed the connection. */
  closed(): Promise<string>
}

/** Opens a TCP connection to the HTTP server at `url`, for bytes that an HTTP client would not send. */
export async function openRaw(url: string): Promise<RawClient> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  let text = ''
  let isClosed = false
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    isClosed = true
  })
  await once(socket, 'connect')
  return {
    socket,
    get text() {
      return text
    },
    received: async (pattern) => {
      await expect.poll(() => pattern.test(text), { interval: 2, timeout: 5000 }).toBe(true)
    },
    closed: async () => {
      if (!isClosed) await once(socket, 'close')
      return text
    },
  }
}

/** Formats a request with a `Host` header. */
export function rawRequest(method: string, path: string, fields: Record<string, string> = {}, body = ''): string {
  const all = { Host: 'x', ...(body !== '' && { 'Content-Length': String(Buffer.byteLength(body)) }), ...fields }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`
}

/** The statuses of the responses in a text, in order. */
export function statuses(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
}

/** Headers of a request for a WebSocket. */
export const WEBSOCKET_FIELDS = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
}
