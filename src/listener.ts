import { once } from 'node:events'
import type { IncomingMessage, Server, ServerOptions } from 'node:http'
import type { Socket } from 'node:net'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { serve } from '@hono/node-server'
import { WebSocketServer } from 'ws'
import { Traffic } from './connection/traffic.ts'
import { NamedResponse } from './http/request-id.ts'
import { hangUpWith } from './plain-answer.ts'
import type { LimitName } from './sessions/limit-error.ts'
import { pingEach, refuseOtherUpgrades } from './upgrades.ts'

/** Close code of RFC 6455. */
const GOING_AWAY = 1001

type ServeOptions = Parameters<typeof serve>[0]
export type FetchCallback = ServeOptions['fetch']
type WebSocketServerLike = NonNullable<ServeOptions['websocket']>['server']

export interface ListenOptions {
  host: string
  /** 0 for any */
  port: number
  /** the largest WebSocket message */
  maxBodyBytes: number
  /** the largest head of a request */
  maxHeaderBytes: number
  /** for the head of a request to come, and for all of it */
  httpHeadersMs: number
  httpRequestMs: number
  /** until a connection without a request is closed, and one on which nothing moves is dropped */
  httpIdleMs: number
  httpStallMs: number
  /** between two signs of life that a WebSocket is asked for */
  websocketPingMs: number
  /** for requests in flight to finish when it closes */
  shutdownTimeoutMs: number
  /** somebody was turned away by a limit that Node keeps */
  onLimit?: (limit: LimitName) => void
}

/** An HTTP server that listens. */
export interface Listener {
  /** e.g. `http://127.0.0.1:5001` */
  readonly url: string
  /** Stops listening, and lets requests in flight finish within the deadline. */
  close(): Promise<void>
}

/** Begins to serve HTTP and WebSockets. Rejects if the address cannot be had. */
export async function listen(fetch: FetchCallback, options: ListenOptions): Promise<Listener> {
  const websockets = new WebSocketServer({ noServer: true, maxPayload: options.maxBodyBytes, perMessageDeflate: false })
  const server = serve({
    fetch: answeringTogether(fetch),
    hostname: options.host,
    port: options.port,
    serverOptions: optionsOfNode(options),
    websocket: { server: websockets as WebSocketServerLike },
  }) as Server
  // A client that reads nothing keeps its answer in our memory, and no other deadline runs then.
  server.timeout = options.httpStallMs
  // Node would leave out the headers over a number without a word, that of a proxy perhaps. Their size is limited.
  server.maxHeadersCount = 0
  // A request costs the same on any connection, so there is no number of them after which one is closed.
  server.maxRequestsPerSocket = 0
  await once(server, 'listening')
  const inFlight = new InFlight(server)
  answerInJson(server, options.onLimit)
  refuseOtherUpgrades(server)
  const stopPinging = pingEach(websockets, options.websocketPingMs)
  return {
    url: urlOf(server),
    close: async () => {
      stopPinging()
      for (const client of websockets.clients) client.close(GOING_AWAY, 'this gateway is shutting down')
      await stopListening(server, inFlight, options.shutdownTimeoutMs)
    },
  }
}

/** How much a client may send before we know what it wants, and how long it may take. */
function optionsOfNode({ maxHeaderBytes, httpHeadersMs, httpRequestMs, httpIdleMs }: ListenOptions): ServerOptions {
  const headersTimeout = Math.min(httpHeadersMs, httpRequestMs)
  return {
    ServerResponse: NamedResponse,
    // Also what a client pays for a long path; far more than a browser sends.
    maxHeaderSize: maxHeaderBytes,
    // From the first byte, or from the beginning of the connection: those who open many and say little lose them.
    headersTimeout,
    // A body a byte a second is no request. The longest body comes within it over a slow line.
    requestTimeout: httpRequestMs,
    // Longer than proxies keep theirs (nginx 60 s): who closes first must not be the side that gets the next request.
    keepAliveTimeout: httpIdleMs,
    // Node looks at the deadlines only so often, 30 s if nobody says otherwise: they are kept to within a quarter.
    connectionsCheckingInterval: Math.max(10, Math.min(5000, headersTimeout / 4)),
  }
}

/** Lets the answers that one turn of the event loop has brought leave one after the other at its end, unless there is one. */
function answeringTogether(fetch: FetchCallback): FetchCallback {
  const traffic = new Traffic()
  let endOfTurn: Promise<void> | undefined
  return async (request, env) => {
    const response = await fetch(request, env)
    if (env.outgoing === undefined && response instanceof Response) await refuseUpgrade(env.incoming, response)
    if (traffic.leavesAtOnce()) return response
    endOfTurn ??= setImmediate().then(() => {
      endOfTurn = undefined
    })
    await endOfTurn
    return response
  }
}

/** Who asked for a WebSocket and gets none is told why; else there would be a status alone. */
async function refuseUpgrade({ socket }: Pick<IncomingMessage, 'socket'>, response: Response): Promise<void> {
  if (response.status >= 400) await hangUpWith(socket, response.status, await response.clone().text(), response.headers)
}

function urlOf(server: Server): string {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('not listening on TCP')
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${host}:${address.port}`
}

/** Takes no more connections and no more requests, and resolves when those in flight are answered, or the time is up. */
async function stopListening(server: Server, inFlight: InFlight, timeoutMs: number): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  await Promise.race([inFlight.none(), setTimeout(timeoutMs, undefined, { ref: false })])
  // What is left has no request in flight: connections kept alive, or opened by browsers in advance.
  server.closeAllConnections()
  await closed
}

/** The requests that have come and are not answered. */
class InFlight {
  #count = 0
  /** Of each connection: of what still waits on one that is closed, Node says nothing. */
  readonly #perSocket = new Map<Socket, number>()
  #isClosing = false
  #whenNone: (() => void) | undefined

  constructor(server: Server) {
    server.prependListener('connection', (socket: Socket) => {
      this.#perSocket.set(socket, 0)
      socket.once('close', () => {
        this.#change(-(this.#perSocket.get(socket) ?? 0))
        this.#perSocket.delete(socket)
      })
    })
    server.prependListener('request', ({ socket }, response) => {
      this.#add(socket, 1)
      if (this.#isClosing) response.setHeader('Connection', 'close')
      response.once('close', () => this.#add(socket, -1))
    })
  }

  #add(socket: Socket, n: 1 | -1): void {
    const count = this.#perSocket.get(socket)
    if (count === undefined) return
    this.#perSocket.set(socket, count + n)
    this.#change(n)
  }

  #change(n: number): void {
    this.#count += n
    if (this.#count === 0) this.#whenNone?.()
  }

  /** Resolves when there are none. From now on clients are told not to send more. */
  none(): Promise<void> {
    this.#isClosing = true
    return new Promise((resolve) => {
      this.#whenNone = resolve
      if (this.#count === 0) resolve()
    })
  }
}

/** What Node itself answers, before any request has come to the application: errors with a body, as all the others. */
function answerInJson(server: Server, onLimit: ListenOptions['onLimit']): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') {
      socket.destroy()
      return
    }
    const { status, message, limit } = CLIENT_ERRORS[error.code ?? ''] ?? NOT_HTTP
    if (limit !== undefined) onLimit?.(limit)
    void hangUpWith(socket, status, { error_type: 'httpkom', error_msg: message, limit })
  })
  server.on('checkExpectation', (_, response) => {
    const body = JSON.stringify({ error_type: 'httpkom', error_msg: 'Nothing else is expected than 100-continue.' })
    response.writeHead(417, { 'Content-Type': 'application/json' }).end(body)
  })
}

interface ClientError {
  status: number
  message: string
  limit?: LimitName
}

const NOT_HTTP: ClientError = { status: 400, message: 'The request is not HTTP.' }
const CLIENT_ERRORS: Readonly<Partial<Record<string, ClientError>>> = {
  HPE_HEADER_OVERFLOW: { status: 431, message: 'The headers are too large.', limit: 'header-size' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, message: 'The request did not come in time.', limit: 'request-time' },
}
