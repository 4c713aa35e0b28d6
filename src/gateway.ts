import { once } from 'node:events'
import type { Server } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { type ServerType, serve } from '@hono/node-server'
import type { Logger } from 'pino'
import { WebSocketServer } from 'ws'
import type { Config } from './config.ts'
import type { ConnectionCounters } from './connection/connection.ts'
import { heartbeatFor } from './connection/settings.ts'
import { type DemoServer, startDemoServer } from './demo/server.ts'
import { createApp } from './http/app.ts'
import type { ListedServer } from './http/context.ts'
import { HttpCounters } from './http/counters.ts'
import { Registry } from './sessions/registry.ts'

/** Close code of RFC 6455. */
const GOING_AWAY = 1001

type ServeOptions = Parameters<typeof serve>[0]
type FetchCallback = ServeOptions['fetch']
type WebSocketServerLike = NonNullable<ServeOptions['websocket']>['server']

/** A gateway without a port: for a program that has a server of its own. */
export interface Gateway {
  /** answers a request as Hono's and Node's `fetch` interface has it */
  readonly fetch: FetchCallback
  /** Opens no more sessions, while those there are go on. */
  refuse(): void
  /** Closes every LysKOM session. */
  close(): Promise<void>
}

/** A gateway that listens. */
export interface ListeningGateway {
  /** where it listens, e.g. `http://127.0.0.1:5001` */
  readonly url: string
  /** Stops listening, lets requests in flight finish within the deadline, and closes every LysKOM session. */
  close(): Promise<void>
}

/** Starts what the configuration asks for, the demo server included, and listens. Rejects if it cannot. */
export async function startGateway(config: Config, log: Logger): Promise<ListeningGateway> {
  const gateway = await createGateway(config, log)
  try {
    const websockets = new WebSocketServer({
      noServer: true,
      maxPayload: config.maxBodyBytes,
      perMessageDeflate: false,
    })
    const server = (await listen(gateway.fetch, websockets, config)) as Server
    const inFlight = new InFlight(server)
    answerInJson(server)
    return {
      url: urlOf(server) + config.basePath,
      close: async () => {
        for (const client of websockets.clients) client.close(GOING_AWAY, 'this gateway is shutting down')
        gateway.refuse()
        await stopListening(server, inFlight, config.shutdownTimeoutMs)
        await gateway.close()
      },
    }
  } catch (error) {
    await gateway.close()
    throw error
  }
}

/** Starts what the configuration asks for, the demo server included, but does not listen. */
export async function createGateway(config: Config, log: Logger): Promise<Gateway> {
  const { servers, closeDemos } = await startServers(config)
  const calls: ConnectionCounters = { replies: 0, errors: 0, messages: 0 }
  const registry = new Registry({
    servers,
    connections: { settings: config, heartbeat: heartbeatFor(config), counters: calls },
    bodyCacheBytes: config.bodyCacheBytes,
    idleMs: config.sessionIdleMs,
    maxSessions: config.maxSessions,
    maxSessionsPerAddress: config.maxSessionsPerAddress,
  })
  const sessions = countSessions(registry)
  logSessions(registry, log)

  const http = new HttpCounters()
  const app = createApp({
    servers,
    registry,
    counters: http,
    stats: () => stats(http, registry, sessions, calls),
    basePath: config.basePath,
    corsOrigins: config.corsOrigins,
    corsMaxAgeSeconds: Math.round(config.corsMaxAgeMs / 1000),
    maxBodyBytes: config.maxBodyBytes,
    onAccess: (entry) => log.info(entry, 'request'),
    onInternalError: (error) => log.error({ err: error }, 'internal error'),
  })
  return {
    fetch: app.fetch,
    refuse: () => registry.refuse(),
    close: async () => {
      await registry.closeAll()
      await closeDemos()
    },
  }
}

/** The servers by id, demo servers started and given their addresses. */
async function startServers(config: Config) {
  const demos: DemoServer[] = []
  const servers = new Map<string, ListedServer>()
  for (const [sortOrder, { id, name, demo, host, port }] of config.servers.entries()) {
    const address = demo ? await startDemoServer() : { host, port }
    if ('close' in address) demos.push(address)
    servers.set(id, { id, name, host: address.host, port: address.port, sortOrder })
  }
  const closeDemos = async (): Promise<void> => {
    await Promise.all(demos.map((demo) => demo.close()))
  }
  return { servers, closeDemos }
}

async function listen(fetch: FetchCallback, websockets: WebSocketServer, { host, port }: Config): Promise<ServerType> {
  const server = serve({ fetch, hostname: host, port, websocket: { server: websockets as WebSocketServerLike } })
  await once(server, 'listening')
  return server
}

function urlOf(server: ServerType): string {
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
  #isClosing = false
  #whenNone: (() => void) | undefined

  constructor(server: Server) {
    server.prependListener('request', (_, response) => {
      this.#count++
      if (this.#isClosing) response.setHeader('Connection', 'close')
      response.once('close', () => {
        this.#count--
        if (this.#count === 0) this.#whenNone?.()
      })
    })
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
function answerInJson(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') {
      socket.destroy()
      return
    }
    const tooLarge = error.code === 'HPE_HEADER_OVERFLOW'
    const body = JSON.stringify({
      error_type: 'httpkom',
      error_msg: tooLarge ? 'The headers are too large.' : 'The request is not HTTP.',
    })
    const status = tooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request'
    const headers = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close`
    socket.end(`HTTP/1.1 ${status}\r\n${headers}\r\n\r\n${body}`)
  })
  server.on('checkExpectation', (_, response) => {
    const body = JSON.stringify({ error_type: 'httpkom', error_msg: 'Nothing else is expected than 100-continue.' })
    response.writeHead(417, { 'Content-Type': 'application/json' }).end(body)
  })
}

interface SessionCounters {
  opened: number
  closed: Map<string, number>
}

function countSessions(registry: Registry): SessionCounters {
  const counters: SessionCounters = { opened: 0, closed: new Map() }
  registry.on('opened', () => counters.opened++)
  registry.on('closed', (_, reason) => counters.closed.set(reason, (counters.closed.get(reason) ?? 0) + 1))
  return counters
}

function logSessions(registry: Registry, log: Logger): void {
  registry.on('opened', ({ handle, serverId, session }) => {
    log.info({ session: handle, server: serverId, sessionNo: session.connection.sessionNo }, 'session opened')
  })
  registry.on('closed', ({ handle, serverId }, reason) => {
    log.info({ session: handle, server: serverId, reason }, 'session closed')
  })
}

/** One flat object of numbers, as httpkom's `/stats`. */
function stats(http: HttpCounters, registry: Registry, sessions: SessionCounters, calls: ConnectionCounters) {
  return {
    'komgate.http.requests.received.last': http.requests,
    ...Object.fromEntries(http.byStatus().map(([status, n]) => [`komgate.http.responses.sent.${status}.last`, n])),
    'komgate.sessions.active.last': registry.size,
    'komgate.sessions.opened.last': sessions.opened,
    ...Object.fromEntries([...sessions.closed].map(([reason, n]) => [`komgate.sessions.closed.${reason}.last`, n])),
    'komgate.connections.responses.received.ok.last': calls.replies,
    'komgate.connections.responses.received.error.last': calls.errors,
    'komgate.connections.responses.received.async.last': calls.messages,
  }
}
