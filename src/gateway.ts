import type { Logger } from 'pino'
import type { Config } from './config.ts'
import type { ConnectionCounters } from './connection/connection.ts'
import { heartbeatFor } from './connection/settings.ts'
import { type DemoServer, startDemoServer } from './demo/server.ts'
import { createApp } from './http/app.ts'
import type { AccessEntry, ListedServer } from './http/context.ts'
import { HttpCounters } from './http/counters.ts'
import { type FetchCallback, listen } from './listener.ts'
import { Registry } from './sessions/registry.ts'

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
    const listener = await listen(gateway.fetch, config)
    return {
      url: listener.url + config.basePath,
      close: async () => {
        gateway.refuse()
        await listener.close()
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
    onAccess: accessLog(log),
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

/** Writes the access lines of some requests at once, when their answers are under way: nobody waits for a line. */
function accessLog(log: Logger): (entry: AccessEntry) => void {
  let entries: AccessEntry[] = []
  const write = (): void => {
    const written = entries
    entries = []
    for (const entry of written) log.info(entry, 'request')
  }
  return (entry) => {
    if (entries.length === 0) setTimeout(write, 1)
    entries.push(entry)
  }
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
