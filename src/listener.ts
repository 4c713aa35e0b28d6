import { once } from 'node:events'
import type { Server, ServerOptions } from 'node:http'
import type { Socket } from 'node:net'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { serve } from '@hono/node-server'
import { WebSocketServer } from 'ws'
import { Traffic } from './connection/traffic.ts'
import { Connections } from './http/node/connections.ts'
import type { RequestHandler } from './http/node/http-connection.ts'
import { answerNodeErrors } from './http/node/node-errors.ts'
import { closeWith } from './http/node/raw-response.ts'
import { TrackedResponse } from './http/node/tracked-response.ts'
import { UnreadBudget, type UnreadLimits } from './http/node/unread-budget.ts'
import { refuseWhileDraining, serveUpgrades } from './http/node/upgrades.ts'
import { pingEach } from './http/node/websocket-pings.ts'

/** Close code of RFC 6455. */
const GOING_AWAY = 1001

type ServeOptions = Parameters<typeof serve>[0]
export type FetchCallback = ServeOptions['fetch']
type WebSocketServerLike = NonNullable<ServeOptions['websocket']>['server']

export interface ListenOptions extends UnreadLimits {
  host: string
  /** 0 for any */
  port: number
  /** precedes every path, that of the WebSocket included */
  basePath: string
  /** addresses and networks of proxies, to which the limits for each address do not apply */
  trustedProxies: readonly string[]
  /** the largest WebSocket message */
  maxBodyBytes: number
  /** the largest head of a request */
  maxHeaderBytes: number
  /** for the head of a request to arrive, and for all of it */
  httpHeadersMs: number
  httpRequestMs: number
  /** until a connection without a request is closed, and one without any traffic is dropped */
  httpIdleMs: number
  httpStallMs: number
  /** between two pings of a WebSocket */
  websocketPingMs: number
  /** for requests in flight to finish when the listener closes */
  shutdownTimeoutMs: number
  /** the memory for unread responses that this listener shares with others; its own by default */
  unreadBudget?: UnreadBudget
}

/** An HTTP server that listens. */
export interface Listener {
  /** e.g. `http://127.0.0.1:5001` */
  readonly url: string
  /**
   * Stops listening, waits for the requests in flight and the WebSockets' closing handshakes until the deadline, and
   * closes every connection.
   *
   * @param timeoutMs instead of `shutdownTimeoutMs`
   */
  close(timeoutMs?: number): Promise<void>
}

/** Begins to serve HTTP and WebSockets. Rejects if the address is not available. */
export async function listen(fetch: FetchCallback, options: ListenOptions): Promise<Listener> {
  const websockets = new WebSocketServer({ noServer: true, maxPayload: options.maxBodyBytes, perMessageDeflate: false })
  const isDraining = (): boolean => connections.isDraining
  const server = serve({
    fetch: answeringTogether(fetch, isDraining),
    hostname: options.host,
    port: options.port,
    serverOptions: optionsOfNode(options),
    websocket: { server: websockets as WebSocketServerLike },
  }) as Server
  const connections = new Connections(server, {
    ...options,
    budget: options.unreadBudget ?? new UnreadBudget(options),
  })
  // A client that reads nothing keeps its answer in our memory, and no other deadline runs then.
  server.timeout = options.httpStallMs
  // Node would leave out the headers over a number without a word, that of a proxy perhaps. Their size is limited.
  server.maxHeadersCount = 0
  // A request costs the same on any connection, so there is no number of them after which one is closed.
  server.maxRequestsPerSocket = 0
  takeInOrder(server, connections)
  answerNodeErrors(server, connections, options.onLimit)
  serveUpgrades(server, connections, `${options.basePath}/websocket`)
  await once(server, 'listening')
  const stopPinging = pingEach(websockets, options.websocketPingMs)
  return {
    url: urlOf(server),
    close: async (timeoutMs = options.shutdownTimeoutMs) => {
      stopPinging()
      for (const client of websockets.clients) client.close(GOING_AWAY, 'this gateway is shutting down')
      await stopListening(server, connections, timeoutMs)
    },
  }
}

/** Handles the requests of each connection one after the other. */
function takeInOrder(server: Server, connections: Connections): void {
  const [handle] = server.listeners('request') as RequestHandler[]
  server.removeAllListeners('request')
  if (handle !== undefined) server.on('request', connections.inOrder(handle))
}

/** How much a client may send before we know what it wants, and how long it may take. */
function optionsOfNode({ maxHeaderBytes, httpHeadersMs, httpRequestMs, httpIdleMs }: ListenOptions): ServerOptions {
  const headersTimeout = Math.min(httpHeadersMs, httpRequestMs)
  return {
    ServerResponse: TrackedResponse,
    // Also what a client pays for a long path; far more than a browser sends.
    maxHeaderSize: maxHeaderBytes,
    // From the first byte, or from the beginning of the connection: those who open many and say little lose them.
    headersTimeout,
    // A body a byte a second is no request. The longest body comes within it over a slow line.
    requestTimeout: httpRequestMs,
    // Longer than proxies keep theirs (nginx 60 s): who closes first must not be the side that gets the next request.
    keepAliveTimeout: httpIdleMs,
    // Node looks at the deadlines only so often, 30 s if nobody says otherwise: they are kept to within a quarter.
    connectionsCheckingInterval: Math.max(10, Math.min(5000, Math.ceil(headersTimeout / 4))),
  }
}

/** Lets the answers that one turn of the event loop has brought leave one after the other at its end, unless there is one. */
function answeringTogether(fetch: FetchCallback, isDraining: () => boolean): FetchCallback {
  const traffic = new Traffic()
  let endOfTurn: Promise<void> | undefined
  return async (request, env) => {
    const response = await fetch(request, env)
    if (env.outgoing === undefined && response instanceof Response) {
      await refuseUpgrade(env.incoming.socket as Socket, response, isDraining())
    }
    if (traffic.leavesAtOnce()) return response
    endOfTurn ??= setImmediate().then(() => {
      endOfTurn = undefined
    })
    await endOfTurn
    return response
  }
}

/** Writes the whole error response to a request for a WebSocket; node-server would write its status alone. */
async function refuseUpgrade(socket: Socket, response: Response, isDraining: boolean): Promise<void> {
  if (response.status >= 400) await closeWith(socket, response.status, await response.text(), response.headers)
  else if (isDraining) await refuseWhileDraining(socket)
}

function urlOf(server: Server): string {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('not listening on TCP')
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${host}:${address.port}`
}

/** Stops accepting connections and requests. Resolves when every connection is closed, at the deadline at the latest. */
async function stopListening(server: Server, connections: Connections, timeoutMs: number): Promise<void> {
  const closed = once(server, 'close')
  const deadline = setTimeout(timeoutMs, undefined, { ref: false })
  server.close()
  await Promise.race([connections.drained(), deadline])
  // Connections that are kept alive, or that browsers opened in advance. It leaves out WebSockets.
  server.closeAllConnections()
  await Promise.race([closed, deadline])
  connections.destroyAll()
  await closed
}
