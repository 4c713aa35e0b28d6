import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

const LF = 0x0a
const SPACE = 0x20
const ZERO = 0x30
const NINE = 0x39
const EQUALS = 0x3d

const WHO_AM_I = 56
const GET_TIME = 35
const DISCONNECT = 55
const TIME = Buffer.from(' 0 0 12 1 0 126 4 0 0')

const connections = new Set<Socket>()

/** Starts a LysKOM server that supports the handshake, who-am-i, get-time and disconnect. Returns its port. */
export async function listen(): Promise<number> {
  let sessions = 0
  const server = createServer({ noDelay: true }, (socket) => new FakeSession(socket, ++sessions))
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** Number of connected clients. */
export function connected(): number {
  return connections.size
}

/**
 * Parses requests in place and writes replies into a reused buffer. It assumes that a packet contains whole requests
 * and that a line feed ends one, which holds for the gateway in these measurements.
 */
class FakeSession {
  readonly #socket: Socket
  readonly #sessionNo: Buffer
  #replies = Buffer.allocUnsafe(4096)
  #length = 0
  #greeted = false

  constructor(socket: Socket, sessionNo: number) {
    this.#socket = socket
    this.#sessionNo = Buffer.from(` ${sessionNo}`)
    connections.add(socket)
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    // A broken connection must not stop the measurement.
    socket.on('error', () => undefined)
    socket.once('close', () => connections.delete(socket))
  }

  #read(chunk: Buffer): void {
    let at = 0
    if (!this.#greeted) {
      at = afterLine(chunk, 0)
      this.#greeted = true
      this.#socket.write('LysKOM\n')
    }
    while (at < chunk.length) at = this.#request(chunk, at)
    if (this.#length === 0) return
    const sent = this.#socket.write(this.#replies.subarray(0, this.#length))
    // The kernel has not taken all bytes, so the buffer must not be overwritten.
    if (!sent || this.#socket.writableLength > 0) this.#replies = Buffer.allocUnsafe(4096)
    this.#length = 0
  }

  /** Answers the request at `at`. Returns the start of the next one. */
  #request(chunk: Buffer, at: number): number {
    while (chunk[at] === SPACE) at++
    if (at === chunk.length) return at
    const refStart = at
    while (isDigit(chunk[at])) at++
    const refEnd = at++
    let call = 0
    for (; isDigit(chunk[at]); at++) call = call * 10 + (chunk[at] as number) - ZERO
    this.#replies[this.#length++] = EQUALS
    for (let i = refStart; i < refEnd; i++) this.#replies[this.#length++] = chunk[i] as number
    if (call === WHO_AM_I) this.#append(this.#sessionNo)
    else if (call === GET_TIME) this.#append(TIME)
    this.#replies[this.#length++] = LF
    if (call === DISCONNECT) {
      this.#socket.end(Buffer.from(this.#replies.subarray(0, this.#length)))
      this.#length = 0
    }
    return afterLine(chunk, at)
  }

  #append(bytes: Buffer): void {
    for (let i = 0; i < bytes.length; i++) this.#replies[this.#length++] = bytes[i] as number
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE
}

function afterLine(chunk: Buffer, at: number): number {
  const end = chunk.indexOf(LF, at)
  if (end < 0) throw new Error('a packet that ends within a request')
  return end + 1
}
