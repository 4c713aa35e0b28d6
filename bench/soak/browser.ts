import type { HttpAnswer } from './http-answer.ts'
import { countOne, type Ledger } from './ledger.ts'
import { Line } from './line.ts'
import type { Place } from './place.ts'
import { ANSWER_MS, KEEP_ALIVE_MS } from './times.ts'
import { within } from './within.ts'

/** Connections that a browser opens to one host. */
const MAX_LINES = 6
/** Statuses of requests to a faulty server: the session is gone, or the server is unavailable or does not respond. */
const FAULTY = [403, 502, 503, 504]
/** Additional statuses on a server that loses data in a crash. */
const FORGOTTEN = [400, 404]

export interface Asked {
  method: string
  path: string
  /** the connection id */
  id?: string
  json?: unknown
  headers?: Readonly<Record<string, string>>
  /** the statuses that the API has for it */
  allow: readonly number[]
}

/** The visit cannot continue: because of a fault, or of a problem that is already recorded. */
export class CutShort extends Error {
  override readonly name = 'CutShort'
}

export interface BrowserOptions {
  /** the gateway's */
  port: number
  /** the client's, on the loopback network */
  address: string
  ledger: Ledger
  place: Place
  /** kind of client, for reports */
  kind: string
}

/** A client with several connections, like a browser. It checks every response. */
export class Browser {
  readonly #options: BrowserOptions
  readonly #idle: Line[] = []
  readonly #lines = new Set<Line>()
  readonly #queue: (() => void)[] = []
  #busy = 0
  #asked = 0
  #hasLeft = false

  constructor(options: BrowserOptions) {
    this.#options = options
  }

  /** Sends a request and records the response. Rejects with `CutShort` if the visit cannot continue after it. */
  async ask(asked: Asked): Promise<HttpAnswer> {
    const line = await this.#take()
    try {
      return await this.exchange(line, asked, (bytes) => void line.socket.write(bytes))
    } finally {
      this.#giveBack(line)
    }
  }

  /** The same on a given connection with a custom write. */
  async exchange(line: Line, asked: Asked, write: (bytes: Buffer) => void | Promise<void>): Promise<HttpAnswer> {
    const { ledger, place, kind, address } = this.#options
    ledger.asked++
    const requestId = `${address}-${++this.#asked}`
    const answering = line.answer(asked.method === 'HEAD').catch((error: Error) => error)
    await write(requestBytes({ ...asked, headers: { 'X-Request-Id': requestId, ...asked.headers } }))
    const start = performance.now()
    const what = `${kind}: ${asked.method} ${asked.path} (${place.id})`
    const answer = await within(ANSWER_MS, answering)
    if (answer instanceof Error) return this.#fail('wrong answer', `${what}: ${answer.message}`)
    if (answer === 'late') {
      line.reset()
      return this.#fail('unanswered', `${what}: nothing within ${ANSWER_MS} ms`)
    }
    if (answer === undefined && this.#hasLeft) {
      ledger.left++
      throw new CutShort(`${what}: the client has left`)
    }
    if (answer === undefined) {
      const before = line.idleSince === 0 ? 'new' : `idle for ${Math.round(start - line.idleSince)} ms`
      return this.#fail('unanswered', `${what}: the connection, ${before}, was closed`)
    }
    ledger.answered++
    ledger.time(place.weather, performance.now() - start)
    if (answer.headers.get('connection') === 'close') line.close()
    this.#judge(what, answer, asked, requestId)
    return answer
  }

  /** Opens a separate connection, for what browsers do not do. */
  async line(): Promise<Line> {
    const { port, address, ledger } = this.#options
    const line = await Line.open(port, address, (bytes) =>
      ledger.problem('unasked', JSON.stringify(bytes.toString('latin1', 0, 100))),
    ).catch((error: Error) => this.#fail('unanswered', `no connection: ${error.message}`))
    this.#lines.add(line)
    line.socket.once('close', () => this.#lines.delete(line))
    return line
  }

  close(): void {
    this.#hasLeft = true
    for (const line of this.#lines) line.close()
  }

  /** Resets every connection (RST). */
  vanish(): void {
    this.#hasLeft = true
    for (const line of this.#lines) line.reset()
  }

  /** Checks that the API defines the response. Throws `CutShort` if the visit cannot continue after it. */
  #judge(what: string, { status, headers, body }: HttpAnswer, asked: Asked, requestId: string): void {
    const { ledger, place } = this.#options
    countOne(ledger.statuses, status)
    const said = body.toString('utf8', 0, 300)
    if (status >= 400 && asked.method !== 'HEAD' && !isErrorBody(body)) {
      ledger.problem('wrong answer', `${what}: ${status} with a body that tells nothing: ${said}`)
    }
    // Responses that Node sends before a request reaches the gateway have no request id.
    if ((headers.get('x-request-id') ?? (status >= 400 ? requestId : '')) !== requestId) {
      ledger.problem('wrong answer', `${what}: ${status} to ${headers.get('x-request-id')}, not ${requestId}`)
    }
    if ((status === 429 || status === 503) && !/^\d+$/.test(headers.get('retry-after') ?? '')) {
      ledger.problem('wrong answer', `${what}: ${status} without Retry-After`)
    }
    if (asked.allow.includes(status)) return
    const isForgotten = place.crashes > 0 && FORGOTTEN.includes(status)
    if (place.weather === 'calm' || !(FAULTY.includes(status) || isForgotten))
      this.#fail('wrong answer', `${what}: ${status} ${said}`)
    throw new CutShort(`${what}: ${status}`)
  }

  #fail(kind: 'unanswered' | 'wrong answer', what: string): never {
    this.#options.ledger.problem(kind, what)
    throw new CutShort(what)
  }

  async #take(): Promise<Line> {
    while (this.#busy >= MAX_LINES) await new Promise<void>((resolve) => this.#queue.push(resolve))
    this.#busy++
    for (let line = this.#idle.pop(); line !== undefined; line = this.#idle.pop()) {
      if (line.isOpen && performance.now() - line.idleSince < KEEP_ALIVE_MS) return line
      line.close()
    }
    try {
      return await this.line()
    } catch (error) {
      this.#busy--
      throw error
    }
  }

  #giveBack(line: Line): void {
    this.#busy--
    if (line.isOpen) this.#idle.push(line)
    this.#queue.shift()?.()
  }
}

/** A request as bytes. */
export function requestBytes({ method, path, id, json, headers = {} }: Asked): Buffer {
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

/** Older clients treat an empty body as success. */
function isErrorBody(body: Buffer): boolean {
  try {
    const { error_type, error_msg } = JSON.parse(body.toString()) as Record<string, unknown>
    return typeof error_type === 'string' && typeof error_msg === 'string' && error_msg !== ''
  } catch {
    return false
  }
}
