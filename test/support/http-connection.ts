import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { resetSocket } from '../../src/http/node/reset-socket.ts'

export interface HttpResponse {
  status: number
  /** status line and header fields, without the empty line */
  head: string
  body: Buffer
}

export interface HttpRequest {
  method: string
  path: string
  /** the connection id */
  id?: string
  json?: unknown
  headers?: Readonly<Record<string, string>>
}

/** Formats a request. */
export function requestBytes({ method, path, id, json, headers = {} }: HttpRequest): Buffer {
  const body = json === undefined ? '' : JSON.stringify(json)
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    ...(id === undefined ? [] : [`Httpkom-Connection: ${id}`]),
    ...(json === undefined ? [] : ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`]),
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`)
}

/** Returns a header field of a response, undefined if it has none. */
export function header({ head }: HttpResponse, name: string): string | undefined {
  return new RegExp(`\r\n${name}: *(.*)`, 'i').exec(head)?.[1]
}

interface Pending {
  toHead: boolean
  resolve: (response: HttpResponse | undefined) => void
  reject: (error: Error) => void
}

const EMPTY = Buffer.alloc(0)
const MAX_HEAD_BYTES = 64 * 1024

/**
 * One raw HTTP/1.1 connection, one request at a time. Unlike an HTTP library it can send parts of requests, detects
 * responses without a request, and takes little CPU from the measured server.
 */
export class HttpConnection {
  readonly socket: Socket
  /** time of the last response; 0 before the first one */
  idleSince = 0
  /** called with bytes that arrive while no response is pending */
  onUnsolicited: (bytes: Buffer) => void = () => undefined
  #received: Buffer = EMPTY
  #pending: Pending | undefined

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    // The 'close' event follows.
    socket.on('error', () => undefined)
    socket.on('close', () => this.#settle()?.resolve(undefined))
  }

  /** @param localAddress address of the client */
  static async open(port: number, localAddress = '127.0.0.1'): Promise<HttpConnection> {
    const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true })
    await once(socket, 'connect')
    return new HttpConnection(socket)
  }

  get isOpen(): boolean {
    return this.socket.readyState === 'open'
  }

  /** Resolves with the next response; undefined if the connection closes first. Rejects for an invalid response. */
  response(toHead = false): Promise<HttpResponse | undefined> {
    if (!this.isOpen) return Promise.resolve(undefined)
    return new Promise((resolve, reject) => {
      this.#pending = { toHead, resolve, reject }
    })
  }

  /** Writes a request and resolves with its response, as `response` does. */
  request(bytes: Buffer): Promise<HttpResponse | undefined> {
    const response = this.response()
    this.socket.write(bytes)
    return response
  }

  close(): void {
    this.socket.destroySoon()
  }

  /** Resets the connection (RST). */
  reset(): void {
    resetSocket(this.socket)
  }

  #read(chunk: Buffer): void {
    if (this.#pending === undefined) {
      this.onUnsolicited(chunk)
      return
    }
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    try {
      const parsed = parseResponse(this.#received, this.#pending.toHead)
      if (parsed === undefined) return
      const rest = this.#received.subarray(parsed.end)
      this.#received = EMPTY
      this.idleSince = performance.now()
      this.#settle()?.resolve(parsed.response)
      if (rest.length > 0) this.onUnsolicited(rest)
    } catch (error) {
      this.#settle()?.reject(error as Error)
      this.reset()
    }
  }

  #settle(): Pending | undefined {
    const pending = this.#pending
    this.#pending = undefined
    return pending
  }
}

/**
 * Parses the response at the start of `bytes`; undefined while it is incomplete. Stricter than clients must be.
 * @throws Error for an invalid response and for one without a length
 */
function parseResponse(bytes: Buffer, toHead: boolean): { response: HttpResponse; end: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0) {
    if (bytes.length > MAX_HEAD_BYTES) throw new Error('a response head without an end')
    return undefined
  }
  const head = bytes.toString('latin1', 0, headEnd)
  const start = headEnd + 4
  const status = Number(/^HTTP\/1\.1 (\d{3})(?: |\r|$)/.exec(head)?.[1] ?? Number.NaN)
  if (Number.isNaN(status)) throw new Error(`not an HTTP response: ${JSON.stringify(head.slice(0, 80))}`)
  if (status < 200) {
    const final = parseResponse(bytes.subarray(start), toHead)
    return final && { ...final, end: final.end + start }
  }
  if (toHead || status === 204 || status === 304) return { response: { status, head, body: EMPTY }, end: start }
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length === undefined) {
    if (!/\r\ntransfer-encoding: *chunked/i.test(head)) throw new Error(`a response ${status} without its length`)
    const chunked = parseChunks(bytes, start)
    return chunked && { response: { status, head, body: chunked.body }, end: chunked.end }
  }
  const end = start + Number(length)
  return bytes.length < end ? undefined : { response: { status, head, body: bytes.subarray(start, end) }, end }
}

function parseChunks(bytes: Buffer, start: number): { body: Buffer; end: number } | undefined {
  const chunks: Buffer[] = []
  for (let at = start; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd < 0) return undefined
    const length = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    if (Number.isNaN(length)) throw new Error('a chunk without its length')
    const end = lineEnd + 2 + length + 2
    if (bytes.length < end) return undefined
    if (length === 0) return { body: Buffer.concat(chunks), end }
    chunks.push(bytes.subarray(lineEnd + 2, end - 2))
    at = end
  }
}
