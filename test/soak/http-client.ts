import PQueue from 'p-queue'
import {
  HttpConnection,
  type HttpRequest,
  type HttpResponse,
  header,
  requestBytes,
} from '../support/http-connection.ts'
import type { Observations } from './observations.ts'
import type { Random } from './random.ts'
import type { Server } from './server.ts'
import { KEEP_ALIVE_MS, RESPONSE_MS } from './settings.ts'
import { withDeadline } from './with-deadline.ts'

/** Connections that a browser opens to one host. */
const MAX_CONNECTIONS = 6
/** Statuses of requests to a faulty server: the session is gone, or the server is unavailable or does not respond. */
const FAULT_STATUSES = [403, 502, 503, 504]
/** Additional statuses on a server that has lost data in a crash. */
const DATA_LOSS_STATUSES = [400, 404]

export interface CheckedRequest extends HttpRequest {
  /** the statuses that the API defines for it */
  allow: readonly number[]
}

/** The client cannot continue: because of a fault, or of a problem that is already recorded. */
export class Interrupted extends Error {}

/** What a client knows and shares. */
export interface ClientOptions {
  /** port of the gateway */
  port: number
  /** loopback address of the client */
  address: string
  observations: Observations
  server: Server
  /** kind of client, for reports */
  kind: string
  random: Random
}

type Closable = Pick<HttpConnection, 'close' | 'reset'>

/** An HTTP client with several connections, like a browser. It checks every response. */
export class HttpClient {
  readonly #idle: HttpConnection[] = []
  readonly #connections = new Set<Closable>()
  readonly #queue = new PQueue({ concurrency: MAX_CONNECTIONS })
  #lastRequest = 0
  #hasLeft = false

  constructor(readonly options: ClientOptions) {}

  /** Sends a request and checks the response. Rejects with `Interrupted` if the client cannot continue after it. */
  request(request: CheckedRequest): Promise<HttpResponse> {
    return this.#queue.add(async () => {
      const connection = await this.#idleConnection()
      try {
        return await this.requestOn(connection, request)
      } finally {
        if (connection.isOpen) this.#idle.push(connection)
      }
    })
  }

  /** The same on a given connection; `write` replaces a single write of all bytes. */
  async requestOn(
    connection: HttpConnection,
    request: CheckedRequest,
    write: (bytes: Buffer) => unknown = (bytes) => connection.socket.write(bytes),
  ): Promise<HttpResponse> {
    const { address, observations, server, kind } = this.options
    observations.requests.sent++
    const requestId = `${address}-${++this.#lastRequest}`
    const pending = connection.response(request.method === 'HEAD').catch((error: Error) => error)
    await write(requestBytes({ ...request, headers: { 'X-Request-Id': requestId, ...request.headers } }))
    const start = performance.now()
    const what = `${kind}: ${request.method} ${request.path} (${server.id})`
    const response = await withDeadline(RESPONSE_MS, pending)
    if (response instanceof Error) return this.#fail('wrong response', `${what}: ${response.message}`)
    if (response === 'late') {
      connection.reset()
      return this.#fail('no response', `${what}: nothing within ${RESPONSE_MS} ms`)
    }
    if (response === undefined && this.#hasLeft) {
      observations.requests.aborted++
      throw new Interrupted(`${what}: the client has left`)
    }
    if (response === undefined) return this.#fail('no response', `${what}: the connection was closed`)
    observations.requests.answered++
    observations.latency(server.isFaulty ? 'faulty' : 'stable', performance.now() - start)
    if (header(response, 'connection') === 'close') connection.close()
    this.#check(what, response, request, requestId)
    return response
  }

  /** Opens a separate connection, for what browsers do not do. */
  async connect(): Promise<HttpConnection> {
    const { port, address, observations, server, kind } = this.options
    const connection = await HttpConnection.open(port, address).catch((error: Error) =>
      this.#fail('no response', `no connection: ${error.message}`),
    )
    connection.onUnsolicited = (bytes) => {
      const response = JSON.stringify(bytes.toString('latin1', 0, 600))
      observations.problem('unsolicited', `${kind} (${server.id}): ${response}`)
    }
    this.closeAtEnd(connection)
    connection.socket.once('close', () => this.#connections.delete(connection))
    return connection
  }

  /** Registers a connection that `close` and `reset` end. */
  closeAtEnd(connection: Closable): void {
    this.#connections.add(connection)
  }

  close(): void {
    this.#hasLeft = true
    for (const connection of this.#connections) connection.close()
  }

  /** Resets every connection (RST). */
  reset(): void {
    this.#hasLeft = true
    for (const connection of this.#connections) connection.reset()
  }

  /** Checks that the API defines the response. Throws `Interrupted` if the client cannot continue after it. */
  #check(what: string, response: HttpResponse, request: CheckedRequest, requestId: string): void {
    const { observations, server, kind } = this.options
    const { status, body } = response
    observations.statuses.add(status)
    const text = body.toString('utf8', 0, 300)
    const wrong = (reason: string): void => observations.problem('wrong response', `${what}: ${status} ${reason}`)
    const isError = isErrorBody(body) || (kind === 'malformed' && isOfNginx(response))
    if (status >= 400 && request.method !== 'HEAD' && !isError) wrong(`without an error message: ${text}`)
    // Responses that Node sends before a request reaches the gateway have no request id.
    const respondedId = header(response, 'x-request-id') ?? (status >= 400 ? requestId : '')
    if (respondedId !== requestId) wrong(`to ${respondedId}, not ${requestId}`)
    if ((status === 429 || status === 503) && !/^\d+$/.test(header(response, 'retry-after') ?? '')) {
      wrong('without Retry-After')
    }
    if (request.allow.includes(status)) return
    const isDataLoss = server.crashes > 0 && DATA_LOSS_STATUSES.includes(status)
    if (!server.isFaulty || !(FAULT_STATUSES.includes(status) || isDataLoss)) wrong(text)
    throw new Interrupted(`${what}: ${status}`)
  }

  #fail(kind: 'no response' | 'wrong response', what: string): never {
    this.options.observations.problem(kind, what)
    throw new Interrupted(what)
  }

  async #idleConnection(): Promise<HttpConnection> {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.isOpen && performance.now() - connection.idleSince < KEEP_ALIVE_MS) return connection
      connection.close()
    }
    return await this.connect()
  }
}

/** Whether nginx has rejected a request itself, which it has not passed on. */
function isOfNginx({ status, body }: HttpResponse): boolean {
  return status < 500 && body.includes('<center>nginx')
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
