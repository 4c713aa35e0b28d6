/**
 * What node-server 2.1 leaves out: deadlines and limits of requests, a shutdown with a deadline, and the
 * body of a response that rejects an upgrade, since node-server writes its status and headers alone. Responses are
 * coalesced: without that, who-am-i on 32 connections has 15 % less throughput.
 */

import { once } from 'node:events'
import type { Server, ServerOptions } from 'node:http'
import type { Socket } from 'node:net'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { createAdaptorServer } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { WebSocketServer } from 'ws'
import { WriteCoalescer } from '../../connection/write-coalescer.ts'
import type { LimitName } from '../../sessions/limit-error.ts'
import type { Env } from '../env.ts'
import { Connections } from './connections.ts'
import { sendDirectly } from './direct-stream.ts'
import type { RequestHandler } from './http-connection.ts'
import { answerNodeErrors } from './node-errors.ts'
import { closeWith } from './raw-response.ts'
import { TrackedRequest } from './tracked-request.ts'
import { TrackedResponse } from './tracked-response.ts'
import type { UnreadBudget } from './unread-budget.ts'
import { rejectWhileDraining, serveUpgrades } from './upgrades.ts'
import { pingEach } from './websocket-pings.ts'

/** Close code of RFC 6455. */
const GOING_AWAY = 1001

type ServeOptions = Parameters<typeof createAdaptorServer>[0]
/** A `fetch` function as node-server calls it. */
export type FetchCallback = ServeOptions['fetch']
type WebSocketServerLike = NonNullable<ServeOptions['websocket']>['server']

/** Options of an HTTP server. Times in milliseconds, sizes in bytes. */
export interface HttpServerOptions {
  host: string
  /** 0 for any free port */
  port: number
  /** prefix of every path, that of the WebSocket included */
  basePath: string
  /** addresses and networks of proxies, to which the limits for each address do not apply */
  trustedProxies: readonly string[]
  /** the largest WebSocket message */
  maxBodyBytes: number
  /** the largest request head */
  maxHeaderBytes: number
  /** the deadlines for the head of a request and for the whole request */
  httpHeadersMs: number
  httpRequestMs: number
  /** timeouts for a connection without a request and for one without any traffic */
  httpIdleMs: number
  httpStallMs: number
  /** the WebSocket ping interval */
  websocketPingMs: number
  /** the deadline for requests in flight when the listener closes */
  shutdownTimeoutMs: number
}

/** Options of a listener. */
export interface ListenOptions {
  http: HttpServerOptions
  /** bounds the memory of responses that clients do not read; several listeners may share it */
  unreadBudget: UnreadBudget
  /** called for each request that a limit rejects before it reaches `fetch` */
  onLimit?: (limit: LimitName) => void
  /** whether each worker of a `node:cluster` has a port of its own; default: they share it, as Node's workers do */
  isExclusive?: boolean
  /** whether it listens until the requests in flight are answered, so that others see that it still works on them */
  listensToTheEnd?: boolean
}

/** A listening HTTP server. */
export interface Listener {
  /** the base URL, e.g. `http://127.0.0.1:5001` */
  readonly url: string
  /**
   * Stops listening, waits for the requests in flight and the WebSockets' closing handshakes until the deadline, and
   * closes every connection.
   *
   * @param timeoutMs overrides `shutdownTimeoutMs`
   */
  close(timeoutMs?: number): Promise<void>
}

/** Starts serving HTTP and WebSockets. Rejects if the address is not available. */
export async function listen(fetch: FetchCallback, options: ListenOptions): Promise<Listener> {
  const { http, unreadBudget: budget, onLimit, isExclusive = false, listensToTheEnd = false } = options
  const websockets = new WebSocketServer({ noServer: true, maxPayload: http.maxBodyBytes, perMessageDeflate: false })
  const isDraining = (): boolean => connections.isDraining
  const server = createAdaptorServer({
    fetch: coalescing(fetch, isDraining),
    hostname: http.host,
    serverOptions: nodeOptions(http),
    websocket: { server: websockets as WebSocketServerLike },
  }) as Server
  const connections = new Connections(server, {
    budget,
    trustedProxies: http.trustedProxies,
    ...(onLimit && { onLimit }),
  })
  // No other deadline applies to a client that does not read its response, which stays in memory.
  server.timeout = http.httpStallMs
  // By default Node 20 silently drops headers beyond about 1,000 (nodejs/node#61284), maybe those of a proxy.
  // `maxHeaderSize` limits their size.
  server.maxHeadersCount = 0
  // Every request costs the same, so connections are not closed after a number of requests.
  server.maxRequestsPerSocket = 0
  handleInOrder(server, connections)
  answerNodeErrors(server, connections, onLimit)
  serveUpgrades(server, connections, `${http.basePath}/websocket`)
  server.listen({ host: http.host, port: http.port, exclusive: isExclusive })
  await once(server, 'listening')
  const stopPinging = pingEach(websockets, http.websocketPingMs)
  return {
    url: urlOf(server),
    close: async (timeoutMs = http.shutdownTimeoutMs) => {
      stopPinging()
      for (const client of websockets.clients) client.close(GOING_AWAY, 'this gateway is shutting down')
      await stopListening(server, connections, { timeoutMs, listensToTheEnd })
    },
  }
}

/** Handles the requests of each connection one after the other. */
function handleInOrder(server: Server, connections: Connections): void {
  const [handle] = server.listeners('request') as RequestHandler[]
  server.removeAllListeners('request')
  if (handle !== undefined) server.on('request', connections.inOrder(handle))
}

/** Returns the limits of Node's HTTP server for the size and the duration of a request. */
function nodeOptions({ maxHeaderBytes, httpHeadersMs, httpRequestMs, httpIdleMs }: HttpServerOptions): ServerOptions {
  const headersTimeout = Math.min(httpHeadersMs, httpRequestMs)
  return {
    IncomingMessage: TrackedRequest,
    ServerResponse: TrackedResponse,
    // This also bounds the length of a path; browsers send far less.
    maxHeaderSize: maxHeaderBytes,
    // Counted from the first byte, or from the start of the connection: protects against slow clients (Slowloris).
    headersTimeout,
    // Large enough for the largest body over a slow connection.
    requestTimeout: httpRequestMs,
    // Longer than the timeouts of proxies (nginx 60 s), so that the gateway does not close as the next request arrives.
    keepAliveTimeout: httpIdleMs,
    // Node checks the deadlines at this interval, 30 s by default: requests time out at most a quarter late.
    connectionsCheckingInterval: Math.max(10, Math.min(5000, Math.ceil(headersTimeout / 4))),
  }
}

/** Coalesces responses: the first one of a quiet tick goes out immediately, others together at its end. */
function coalescing(fetch: FetchCallback, isDraining: () => boolean): FetchCallback {
  const coalescer = new WriteCoalescer()
  let endOfTick: Promise<void> | undefined
  return async (request, env) => {
    const response = await fetch(request, env)
    const { incoming, outgoing } = env
    if (response instanceof Response) {
      const { tunnelled } = env as Env['Bindings'] & object
      if (tunnelled !== undefined) await tunnelled
      else if (outgoing === undefined) await rejectUpgrade(incoming.socket as Socket, response, isDraining())
      else if (outgoing instanceof TrackedResponse && sendDirectly(response, outgoing)) return RESPONSE_ALREADY_SENT
    }
    if (coalescer.mayWriteNow()) return response
    endOfTick ??= setImmediate().then(() => {
      endOfTick = undefined
    })
    await endOfTick
    return response
  }
}

/** Writes the whole error response to a request for a WebSocket, with its body. */
async function rejectUpgrade(socket: Socket, response: Response, isDraining: boolean): Promise<void> {
  if (response.status >= 400) await closeWith(socket, response.status, await response.text(), response.headers)
  else if (isDraining) await rejectWhileDraining(socket)
}

function urlOf(server: Server): string {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('not listening on TCP')
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${host}:${address.port}`
}

/**
 * Stops accepting connections and requests. Resolves when every connection is closed, at the deadline at the latest.
 */
async function stopListening(
  server: Server,
  connections: Connections,
  { timeoutMs, listensToTheEnd }: { timeoutMs: number; listensToTheEnd: boolean },
): Promise<void> {
  const closed = once(server, 'close')
  const deadline = setTimeout(timeoutMs, undefined, { ref: false })
  if (!listensToTheEnd) server.close()
  await Promise.race([connections.drained(), deadline])
  if (listensToTheEnd) server.close()
  // Closes connections that are kept alive or that browsers opened in advance, but not WebSockets.
  server.closeAllConnections()
  await Promise.race([closed, deadline])
  connections.destroyAll()
  await closed
}
