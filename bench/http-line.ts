import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface HttpResponse {
  status: number
  body: string
}

/**
 * One keep-alive connection to an HTTP server, one request at a time. It costs much less CPU than a general HTTP
 * client, because the load generator shares the processors with what it measures.
 */
export class HttpLine {
  readonly #socket: Socket
  #received = ''
  #answer: ((response: HttpResponse) => void) | undefined
  #fail: ((error: Error) => void) | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('error', (error) => this.#fail?.(error))
    socket.on('close', () => this.#fail?.(new Error('the HTTP server closed the connection')))
  }

  static async open(port: number): Promise<HttpLine> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    return new HttpLine(socket)
  }

  /** Sends a request and calls `answer` with its response as soon as it has arrived. */
  exchange(bytes: Buffer, answer: (response: HttpResponse) => void, fail: (error: Error) => void): void {
    this.#answer = answer
    this.#fail = fail
    this.#socket.write(bytes)
  }

  request(bytes: Buffer): Promise<HttpResponse> {
    return new Promise((resolve, reject) => this.exchange(bytes, resolve, reject))
  }

  close(): void {
    this.#fail = undefined
    this.#socket.destroy()
  }

  #read(chunk: Buffer): void {
    this.#received += chunk.toString('latin1')
    const headEnd = this.#received.indexOf('\r\n\r\n')
    if (headEnd < 0) return
    const head = this.#received.slice(0, headEnd)
    const status = Number(head.slice(9, 12))
    const length = status === 204 ? '0' : /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
    if (length === undefined) {
      this.#fail?.(new Error('a response without its length'))
      return
    }
    const end = headEnd + 4 + Number(length)
    if (this.#received.length < end) return
    const body = this.#received.slice(headEnd + 4, end)
    this.#received = ''
    this.#answer?.({ status, body })
  }
}

/** Formats a request. */
export function httpRequest(method: string, path: string, { id, json }: { id?: string; json?: unknown } = {}): Buffer {
  const body = json === undefined ? '' : JSON.stringify(json)
  const headers = [
    `${method} ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    ...(id === undefined ? [] : [`Httpkom-Connection: ${id}`]),
    ...(body === '' ? [] : ['Content-Type: application/json', `Content-Length: ${body.length}`]),
  ]
  return Buffer.from(`${headers.join('\r\n')}\r\n\r\n${body}`)
}
