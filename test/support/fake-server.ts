import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { setImmediate as nextTick, setTimeout as sleep } from 'node:timers/promises'
import { errorReply, type Part, reply, time, wire } from './wire.ts'

/** A received request. `12 62 5 6Hgazonk 0` has ref 12, call 62 and args `5 6Hgazonk 0`. */
export interface FakeRequest {
  /** reference number; NaN, like `call`, if the line does not begin with two numbers */
  ref: number
  /** call number */
  call: number
  /** the parameters: the bytes after the call number and one space, without the LF */
  args: Buffer
  /** the request, without leading spaces and the LF */
  raw: Buffer
}

/**
 * Result of a handler: the bytes of the reply; `true` if the handler has replied itself, will reply later with
 * `connection.send` or never replies; `false` or undefined for the default reply.
 */
export type Answer = Buffer | boolean | undefined
/** Handles a request. */
export type Handler = (request: FakeRequest, connection: FakeConnection) => Answer | Promise<Answer>

/** A step of a script. The functions below create steps. */
export type Step =
  | { do: 'expect'; line: RegExp | string }
  | { do: 'answer'; count: number; handler: Handler }
  | { do: 'send'; bytes: Buffer; pieceSize: number }
  | { do: 'delay'; ms: number }
  | { do: 'stall' | 'reset' | 'end' }

/** Waits for the next request, which must match or start with `line`. Otherwise `close()` throws. */
export const expectRequest = (line: RegExp | string): Step => ({ do: 'expect', line })
/** Waits for `count` requests and passes each to the handler: `answerRequests(4)` covers the handshake. */
export const answerRequests = (count: number, handler: Handler = defaultAnswers()): Step => ({
  do: 'answer',
  count,
  handler,
})
/** Sends the parts, joined by `wire`. */
export const send = (...parts: Part[]): Step => ({ do: 'send', bytes: wire(...parts), pieceSize: Infinity })
/** Sends the bytes in pieces of `size`, each in a separate write and event-loop tick. */
export const sendInPieces = (bytes: Buffer, size: number): Step => ({ do: 'send', bytes, pieceSize: size })
/** Waits for `ms` milliseconds. */
export const delay = (ms: number): Step => ({ do: 'delay', ms })
/** Keeps the connection open and performs no further step. */
export const stall = (): Step => ({ do: 'stall' })
/**
 * Resets the connection (RST). Precede it with a `delay`: a reset may discard sent data, and a client on Node 20 that
 * receives data together with the RST treats it as FIN.
 */
export const reset = (): Step => ({ do: 'reset' })
/** Closes the connection (FIN). */
export const end = (): Step => ({ do: 'end' })

/** Options of `startFakeServer`. */
export interface FakeServerOptions {
  /**
   * Response to the client's greeting `A<hollerith>`. `answer` (the default) sends `LysKOM`. `stall` sends nothing but
   * handles requests. `refuse` sends the refusal of a full lyskomd before the greeting arrives, and closes the
   * connection. Bytes are sent instead of `LysKOM`.
   */
  greeting?: 'answer' | 'stall' | 'refuse' | Buffer
  /** Port for a server that replaces an earlier one; default: any free port. */
  port?: number
}

/** A running fake server. */
export interface FakeServer {
  readonly host: '127.0.0.1'
  readonly port: number
  /** All connections so far, oldest first. */
  readonly connections: readonly FakeConnection[]
  /** Deviations from the script and handler failures so far. */
  readonly problems: readonly string[]
  /**
   * Closes all connections and stops listening.
   *
   * @throws Error if there were problems
   */
  close(): Promise<void>
}

/**
 * Starts a fake LysKOM server.
 *
 * @param behaviour a handler, which is called for each request, or a script, which runs once for each connection and
 * sends only what its steps say
 */
export async function startFakeServer(
  behaviour: Step[] | Handler = () => undefined,
  options: FakeServerOptions = {},
): Promise<FakeServer> {
  const connections: FakeConnection[] = []
  const problems: string[] = []
  const server = createServer((socket) => {
    // With Nagle's algorithm the kernel would join the pieces.
    socket.setNoDelay(true)
    const connection = new FakeConnection(socket, connections.length)
    connections.push(connection)
    converse(connection, behaviour, options.greeting ?? 'answer').catch((error: unknown) => {
      problems.push(`connection ${connection.index}: ${error instanceof Error ? error.message : error}`)
      connection.reset()
    })
  })
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    connections,
    problems,
    close: async () => {
      for (const connection of connections) connection.socket.destroy()
      if (server.listening) await new Promise((resolve) => server.close(resolve))
      if (problems.length > 0) throw new Error(`problems of the fake server:\n${problems.join('\n')}`)
    },
  }
}

/**
 * Returns a handler for the calls that every session makes: who-am-i, get-time, set-connection-time-format,
 * set-client-version, accept-async and disconnect (which closes the connection). It replies not-implemented to other
 * calls and a protocol error to invalid requests, as lyskomd does.
 *
 * @param options `sessionNo`: number of each session; by default they are numbered from 1
 */
export function defaultAnswers(options: { sessionNo?: number } = {}) {
  return ({ ref, call, args }: FakeRequest, connection: FakeConnection): Answer => {
    const sessionNo = options.sessionNo ?? connection.index + 1
    if (Number.isNaN(ref)) return wire('%% LysKOM protocol error.\n')
    switch (call) {
      case 56:
        return reply(ref, sessionNo)
      case 35:
        return reply(ref, time(new Date()))
      case 120:
      case 69:
      case 80:
        return reply(ref)
      case 55:
        connection.send(reply(ref))
        if ([0, sessionNo].includes(Number(args))) connection.end()
        return true
      default:
        return errorReply(ref, 2)
    }
  }
}

/** The server side of a connection. */
export class FakeConnection {
  readonly socket: Socket
  /** 0 for the first connection of the server. */
  readonly index: number
  /** The client's greeting without its LF, `A7Hprobe%x`; empty until it arrives. */
  hello = ''
  /** The requests so far, in order of arrival. */
  readonly received: FakeRequest[] = []
  /** Resolves when either side has closed the connection. */
  readonly closed: Promise<void>
  #wake: () => void = () => {}
  #taken = 0

  constructor(socket: Socket, index: number) {
    this.socket = socket
    this.index = index
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
    const framer = new RequestFramer()
    socket.on('data', (chunk: Buffer) => {
      for (const line of framer.push(chunk)) {
        if (this.hello === '') this.hello = line.toString('latin1')
        else this.received.push(parse(line))
      }
      this.#wake()
    })
    // The client side may break the connection. Tests use `closed` to wait for that.
    socket.on('error', () => {})
  }

  /** Sends the parts, joined by `wire`, in one write. */
  send(...parts: Part[]): void {
    this.socket.write(wire(...parts))
  }

  /** Sends the bytes in pieces of `size`, each in a separate write and event-loop tick. */
  async sendInPieces(bytes: Buffer, size: number): Promise<void> {
    for (let at = 0; at < bytes.length; at += size) {
      this.socket.write(bytes.subarray(at, at + size))
      await nextTick()
    }
  }

  /** Closes the connection (FIN). */
  end(): void {
    this.socket.end()
  }

  /** Resets the connection (RST). */
  reset(): void {
    this.socket.resetAndDestroy()
  }

  /** @internal Resolves when the client's greeting has arrived. */
  async greeted(): Promise<void> {
    while (this.hello === '') await this.#more()
  }

  /** @internal Returns the next request that is not consumed yet. */
  async take(): Promise<FakeRequest> {
    for (;;) {
      const request = this.received[this.#taken]
      if (request) {
        this.#taken++
        return request
      }
      await this.#more()
    }
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}

/** Sends the greeting, and runs the script or calls the handler. */
async function converse(
  connection: FakeConnection,
  behaviour: Step[] | Handler,
  greeting: 'answer' | 'stall' | 'refuse' | Buffer,
): Promise<void> {
  if (greeting === 'refuse') {
    connection.send('%% No connections left.\n')
    connection.end()
    return
  }
  await connection.greeted()
  if (greeting !== 'stall') connection.send(greeting === 'answer' ? 'LysKOM\n' : greeting)
  if (typeof behaviour !== 'function') {
    for (const step of behaviour) await perform(step, connection)
    return
  }
  // Do not await handlers one by one: a slow one must not delay later requests.
  await new Promise((_, reject) => {
    const serve = async () => {
      for (;;) answer(await connection.take(), connection, behaviour).catch(reject)
    }
    serve().catch(reject)
  })
}

async function perform(step: Step, connection: FakeConnection): Promise<void> {
  switch (step.do) {
    case 'expect': {
      const line = (await connection.take()).raw.toString('latin1')
      const matches = typeof step.line === 'string' ? line.startsWith(step.line) : step.line.test(line)
      if (!matches) throw new Error(`expected ${step.line}, got ${JSON.stringify(line.slice(0, 500))}`)
      return
    }
    case 'answer':
      for (let n = 0; n < step.count; n++) await answer(await connection.take(), connection, step.handler)
      return
    case 'send':
      return connection.sendInPieces(step.bytes, step.pieceSize)
    case 'delay':
      return sleep(step.ms)
    case 'stall':
      return new Promise(() => {})
    case 'reset':
      return connection.reset()
    case 'end':
      return connection.end()
  }
}

const SPACE = 0x20
const fallback = defaultAnswers()

async function answer(request: FakeRequest, connection: FakeConnection, handler: Handler): Promise<void> {
  const bytes = (await handler(request, connection)) || fallback(request, connection)
  if (Buffer.isBuffer(bytes)) connection.send(bytes)
}

function parse(line: Buffer): FakeRequest {
  const raw = line.subarray(line.findIndex((byte) => byte !== SPACE))
  const [start, ref, call] = /^(\d+) +(\d+)(?: |$)/.exec(raw.toString('latin1')) ?? []
  return { ref: Number(ref), call: Number(call), args: raw.subarray(start?.length ?? 0), raw }
}

/** Splits client data into lines. An LF inside a Hollerith string does not end a line. */
class RequestFramer {
  #bytes = Buffer.alloc(0)
  /** Chunks inside an incomplete string; they are joined when it ends. */
  #chunks: Buffer[] = []
  #length = 0
  /** The next position to scan. It is beyond the end of the bytes while a string is incomplete. */
  #at = 0
  /** The part of the current token read so far. */
  #token = ''

  push(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk)
    this.#length += chunk.length
    if (this.#at >= this.#length) return []
    this.#bytes = Buffer.concat([this.#bytes, ...this.#chunks], this.#length)
    this.#chunks = []
    const lines: Buffer[] = []
    let start = 0
    while (this.#at < this.#bytes.length) {
      const character = String.fromCharCode(this.#bytes[this.#at++] ?? 0)
      // In the greeting the string follows the protocol letter directly: `A7Hprobe%x`.
      const length = character === 'H' ? /^A?(\d+)$/.exec(this.#token)?.[1] : undefined
      this.#token = ' \n'.includes(character) || length !== undefined ? '' : this.#token + character
      if (length !== undefined) this.#at += Number(length)
      if (character === '\n') {
        lines.push(this.#bytes.subarray(start, this.#at - 1))
        start = this.#at
      }
    }
    this.#bytes = this.#bytes.subarray(start)
    this.#length -= start
    this.#at -= start
    return lines
  }
}
