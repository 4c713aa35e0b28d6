import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { errorReply, type Part, reply, time, wire } from './wire.ts'

/** One request as it came: `12 62 5 6Hgazonk 0` is ref 12, call 62, args `5 6Hgazonk 0`. */
export interface FakeRequest {
  /** NaN when the line does not begin with two numbers; so is `call`. */
  ref: number
  call: number
  /** The bytes after the call's number and one space, without the LF. Text: `args.toString('latin1')`. */
  args: Buffer
  /** The whole line, without the spaces before it and the LF. */
  raw: Buffer
}

/**
 * What a handler makes of a request. Bytes are sent as the answer. `true`: the handler has answered, will do so later
 * with `connection.send`, or never. `false` or nothing: the default answer is given.
 */
export type Answer = Buffer | boolean | undefined
export type Handler = (request: FakeRequest, connection: FakeConnection) => Answer | Promise<Answer>

/** One line of a dialogue; made by the functions below. */
export type Step =
  | { do: 'expect'; line: RegExp | string }
  | { do: 'answer'; count: number; handler: Handler }
  | { do: 'send'; bytes: Buffer; pieceSize: number }
  | { do: 'delay'; ms: number }
  | { do: 'stall' | 'reset' | 'end' }

/** Waits for the next request; its whole line must match, or begin with the string. Otherwise `close()` throws. */
export const expectRequest = (line: RegExp | string): Step => ({ do: 'expect', line })
/** Waits for so many requests and answers each through the handler: `answerRequests(4)` lets the handshake pass. */
export const answerRequests = (count: number, handler: Handler = defaultAnswers()): Step => ({
  do: 'answer',
  count,
  handler,
})
export const send = (...parts: Part[]): Step => ({ do: 'send', bytes: wire(...parts), pieceSize: Infinity })
/** Sends the bytes cut into pieces of `size`, each written on its own, in its own turn of the event loop. */
export const sendInPieces = (bytes: Buffer, size: number): Step => ({ do: 'send', bytes, pieceSize: size })
export const delay = (ms: number): Step => ({ do: 'delay', ms })
/** Says nothing more, and leaves the line open. */
export const stall = (): Step => ({ do: 'stall' })
/**
 * Breaks the line with a RST. Put a `delay` before it: what was just sent may be lost, and a client on Node 20 that finds
 * bytes and the RST at the same time takes it for an orderly end.
 */
export const reset = (): Step => ({ do: 'reset' })
/** Closes the line in order, with a FIN. */
export const end = (): Step => ({ do: 'end' })

export interface FakeServerOptions {
  /**
   * What follows the client's `A<hollerith>`: `answer` (the default) is `LysKOM`; `stall` is nothing, though requests
   * are still carried out; `refuse` does as a full lyskomd, which waits for no first line: its word, and the end; bytes
   * are sent in the place of `LysKOM`.
   */
  greeting?: 'answer' | 'stall' | 'refuse' | Buffer
  /** For a server that comes back where another was. By default any free port. */
  port?: number
}

export interface FakeServer {
  readonly host: '127.0.0.1'
  readonly port: number
  /** Every connection there has been, the first one first. */
  readonly connections: readonly FakeConnection[]
  /** What went against the script, or failed in a handler, so far. */
  readonly problems: readonly string[]
  /**
   * Breaks all connections and stops listening.
   * @throws Error when there were problems, so that a test which closes its server cannot miss them.
   */
  close(): Promise<void>
}

/**
 * Starts a LysKOM server that does what the test says, to every connection. A handler is asked about each request as it
 * arrives; a script runs from top to bottom, once for each connection, and answers nothing by itself after the greeting.
 */
export async function startFakeServer(
  behaviour: Step[] | Handler = () => undefined,
  options: FakeServerOptions = {},
): Promise<FakeServer> {
  const connections: FakeConnection[] = []
  const problems: string[] = []
  const server = createServer((socket) => {
    // Without it the kernel would join the pieces that a test sends one by one.
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
      if (problems.length > 0) throw new Error(`the fake server met problems:\n${problems.join('\n')}`)
    },
  }
}

/**
 * Proper answers to the calls that every session makes: who-am-i, get-time, set-connection-time-format,
 * set-client-version, accept-async and disconnect (which closes the line). Any other is not-implemented, as in lyskomd,
 * and so is its word for what is no request at all. Sessions are numbered from 1 unless a number is given.
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

/** The server's end of one connection. */
export class FakeConnection {
  readonly socket: Socket
  /** 0 for the first connection of the server. */
  readonly index: number
  /** The client's first line without its LF, `A7Hprobe%x`; empty before it has come. */
  hello = ''
  /** The requests so far, in the order they came. */
  readonly received: FakeRequest[] = []
  /** Settles when the line is closed, whoever closed it. */
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
    // A client that breaks the line is what many tests are about; `closed` tells.
    socket.on('error', () => {})
  }

  /** Writes the parts, as `wire` puts them together, in one piece. */
  send(...parts: Part[]): void {
    this.socket.write(wire(...parts))
  }

  async sendInPieces(bytes: Buffer, size: number): Promise<void> {
    for (let at = 0; at < bytes.length; at += size) {
      this.socket.write(bytes.subarray(at, at + size))
      await nextTurn()
    }
  }

  end(): void {
    this.socket.end()
  }

  reset(): void {
    this.socket.resetAndDestroy()
  }

  /** @internal Settles when the client's first line has come. */
  async greeted(): Promise<void> {
    while (this.hello === '') await this.#more()
  }

  /** @internal The next request that nobody has taken yet. */
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
  // A handler that takes its time must not hold up the requests behind, so they are not awaited one after the other.
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

/** Cuts what a client sends into lines. An LF inside a Hollerith string ends no line. */
class RequestFramer {
  #bytes = Buffer.alloc(0)
  /** Where to look next; beyond the end while a string is still arriving. */
  #at = 0
  /** What has been read of the current token. */
  #token = ''

  push(chunk: Buffer): Buffer[] {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    const lines: Buffer[] = []
    let start = 0
    while (this.#at < this.#bytes.length) {
      const character = String.fromCharCode(this.#bytes[this.#at++] ?? 0)
      // The first line of all has its string glued to the protocol's letter: `A7Hprobe%x`.
      const length = character === 'H' ? /^A?(\d+)$/.exec(this.#token)?.[1] : undefined
      this.#token = ' \n'.includes(character) || length !== undefined ? '' : this.#token + character
      if (length !== undefined) this.#at += Number(length)
      if (character === '\n') {
        lines.push(this.#bytes.subarray(start, this.#at - 1))
        start = this.#at
      }
    }
    this.#bytes = this.#bytes.subarray(start)
    this.#at -= start
    return lines
  }
}
