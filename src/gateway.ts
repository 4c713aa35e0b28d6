import type { Logger } from 'pino'
import { compatApis } from './compat/compat-apis.ts'
import type { Config } from './config/settings.ts'
import type { ConnectionCounters } from './connection/connection.ts'
import { heartbeatFor, unfinishedFor } from './connection/settings.ts'
import { type DemoServer, startDemoServer } from './demo/server.ts'
import { createAdminApp } from './http/admin-app.ts'
import { createApp } from './http/app.ts'
import { AppKeys } from './http/app-keys.ts'
import { clientAddressBehind } from './http/client-address.ts'
import type { AppOptions, ListedServer } from './http/context.ts'
import { HttpCounters } from './http/counters.ts'
import { requestSpans } from './http/middleware/spans.ts'
import { type FetchCallback, type Listener, listen } from './http/node/listener.ts'
import { UnreadBudget } from './http/node/unread-budget.ts'
import { Metrics } from './ops/metrics/metrics.ts'
import { logServers } from './ops/server-log.ts'
import type { Tracing } from './ops/tracing.ts'
import { GuessLimits } from './sessions/guess-limits.ts'
import { SessionRecords } from './sessions/records.ts'
import { Registry } from './sessions/registry.ts'
import { handleOf } from './store/record.ts'
import { SessionStore } from './store/store.ts'
import { within } from './within.ts'

/** The shortest time in milliseconds for each closing step at the deadline: the process exits within a second of it. */
const MIN_CLOSING_MS = 400

/** A gateway without a port, for a program that has its own HTTP server. */
export interface Gateway {
  /** handles a request through the `fetch` interface of Hono and its Node server */
  readonly fetch: FetchCallback
  /** handles requests for metrics, health and administration only; with an `adminPort`, `fetch` does not serve them */
  readonly adminFetch: FetchCallback
  /** to call for each limit that the HTTP server enforces before a request reaches `fetch` */
  readonly onLimit: AppOptions['onLimit']
  /** bounds the memory of responses that clients do not read; `fetch` counts those of WebSockets */
  readonly unreadBudget: UnreadBudget
  /** Rejects new sessions; open sessions continue. */
  refuse(): void
  /** Closes every LysKOM session and the session store. */
  close(): Promise<void>
}

/** A gateway that listens on a port. */
export interface ListeningGateway {
  /** the base URL, e.g. `http://127.0.0.1:5001` */
  readonly url: string
  /** the base URL of metrics, health and administration if they have their own port */
  readonly adminUrl: string | undefined
  /** Stops listening, lets requests in flight finish within the deadline, and closes every LysKOM session. */
  close(): Promise<void>
}

/**
 * Starts a gateway and the demo servers of its configuration, and listens.
 * Rejects if the address is not available or the session store cannot be opened.
 */
export async function startGateway(config: Config, log: Logger, tracing?: Tracing): Promise<ListeningGateway> {
  const gateway = await createGateway(config, log, tracing)
  try {
    const admin = await listenForAdmin(gateway, config)
    const { onLimit, unreadBudget } = gateway
    const listener = await listen(gateway.fetch, { ...config, onLimit, unreadBudget }).catch(async (error: unknown) => {
      await admin?.close()
      throw error
    })
    return {
      url: listener.url + config.basePath,
      adminUrl: admin?.url,
      close: async () => {
        const deadline = performance.now() + config.shutdownTimeoutMs
        const leftMs = () => Math.max(MIN_CLOSING_MS, deadline - performance.now())
        gateway.refuse()
        await listener.close()
        // A LysKOM server or a store that does not respond must not keep the process running.
        await within(leftMs(), gateway.close())
        // Close the admin port last: its health endpoint reports the shutdown until then.
        await admin?.close(leftMs())
      },
    }
  } catch (error) {
    await gateway.close()
    throw error
  }
}

async function listenForAdmin(gateway: Gateway, config: Config): Promise<Listener | undefined> {
  if (config.adminPort === undefined) return undefined
  const { adminHost: host, adminPort: port } = config
  const { onLimit, unreadBudget } = gateway
  return await listen(gateway.adminFetch, { ...config, host, port, basePath: '', onLimit, unreadBudget })
}

/** Starts a gateway and the demo servers of its configuration without listening. */
export async function createGateway(config: Config, log: Logger, tracing?: Tracing): Promise<Gateway> {
  const serverIds = new Set(config.servers.map(({ id }) => id))
  const store = await SessionStore.open(config.store, {
    isElsewhere: ({ app, key }) => serverIds.has(app) && registry.byKey(key) === undefined,
  })
  if (store.evicts) log.warn('session store: its server drops sessions of applications when its memory is full')
  const { servers, demos, closeDemos } = await startServers(config)
  const metrics = new Metrics()
  metrics.watchDemos(demos)
  const calls: ConnectionCounters = { replies: 0, errors: 0, messages: 0 }
  const registry = new Registry({
    servers,
    connections: {
      settings: config,
      heartbeat: heartbeatFor(config),
      unfinished: unfinishedFor(config),
      counters: calls,
      observer: metrics.connections,
      ...(tracing && { onCall: tracing.onCall }),
    },
    serverRetryMs: config.serverRetryMs,
    bodyCacheBytes: config.bodyCacheBytes,
    idleMs: config.sessionIdleMs,
    maxSessions: config.maxSessions,
    maxSessionsPerAddress: config.maxSessionsPerAddress,
    maxSessionsPerPerson: config.maxSessionsPerPerson,
    maxOpeningsPerMinute: config.maxOpeningsPerMinute,
    maxLoginsPerMinute: config.maxLoginsPerMinute,
    freeLoginFailures: config.freeLoginFailures,
    freeLoginFailuresPerPerson: config.freeLoginFailuresPerPerson,
    maxLoginDelayMs: config.maxLoginDelayMs,
  })
  const keyGuesses = new GuessLimits({
    limit: 'key-failures',
    message: 'Too many wrong keys; wait before the next one.',
    free: config.freeLoginFailures,
    freeInAll: config.freeLoginFailuresPerPerson,
    maxDelayMs: config.maxLoginDelayMs,
  })
  const records = new SessionRecords({ registry, store, idleMs: config.sessionIdleMs, onStore: storeLog(log) })
  const sessions = countSessions(registry)
  logSessions(registry, log)
  logServers(registry, servers, log)
  metrics.watch(registry, servers.keys())
  metrics.watchStore(store)

  if (config.insecureCompat && config.compat.length > 0) {
    log.warn('insecure-compat: every client that reaches this gateway, web pages included, may list and end sessions')
  }
  const onLimit: AppOptions['onLimit'] = (limit) => metrics.limitHit(limit)
  const unreadBudget = new UnreadBudget({ ...config, onLimit })
  metrics.watchUnread(() => unreadBudget.measure())
  const http = new HttpCounters()
  const options: AppOptions = {
    servers,
    registry,
    store,
    records,
    transports: config.transports,
    cookieSameSite: config.cookieSameSite,
    cookiePartitioned: config.cookiePartitioned,
    autoCreate: config.autoCreate,
    sessionIdleMs: config.sessionIdleMs,
    clientAddress: clientAddressBehind(config.trustedProxies, config.forwardedHeader),
    apps: new Set(config.apps.map(({ id }) => id)),
    appKeys: new AppKeys(config.appKeys, { isOpen: config.insecureCompat, guesses: keyGuesses, subject: 'app' }),
    sessmanTtlMs: config.sessmanTtlMs,
    counters: http,
    metrics,
    ...(tracing && { requestSpans: requestSpans(tracing) }),
    adminKey: config.adminKey,
    keyGuesses,
    hasAdminPort: config.adminPort !== undefined,
    stats: () => stats(http, registry, sessions, calls),
    basePath: config.basePath,
    corsOrigins: config.corsOrigins,
    corsMaxAgeSeconds: Math.round(config.corsMaxAgeMs / 1000),
    maxBodyBytes: config.maxBodyBytes,
    maxWebsocketsPerSession: config.maxWebsocketsPerSession,
    maxWebsocketMessagesPerSecond: config.maxWebsocketMessagesPerSecond,
    unreadBudget,
    onLimit,
    onAccess: (entry) => log.info(entry, 'request'),
    onInternalError: (error, requestId) => log.error({ err: error, requestId }, 'internal error'),
  }
  return {
    fetch: createApp(options, compatApis(config.compat, options)).fetch,
    adminFetch: createAdminApp(options).fetch,
    onLimit,
    unreadBudget,
    refuse: () => registry.refuse(),
    close: async () => {
      await registry.closeAll()
      await records.close()
      await store.close()
      await closeDemos()
      metrics.close()
    },
  }
}

/** Returns the servers by id. Starts the demo servers and fills in their addresses. */
async function startServers(config: Config) {
  const demos = new Map<string, DemoServer>()
  const limits = { texts: config.demoMaxTexts, textBytes: config.demoMaxTextBytes }
  const servers = new Map<string, ListedServer>()
  for (const [sortOrder, { id, name, demo, host, port }] of config.servers.entries()) {
    const address = demo ? await startDemoServer({ limits }) : { host, port }
    if ('close' in address) demos.set(id, address)
    servers.set(id, { id, name, host: address.host, port: address.port, sortOrder })
  }
  const closeDemos = async (): Promise<void> => {
    await Promise.all([...demos.values()].map((demo) => demo.close()))
  }
  return { servers, demos, closeDemos }
}

function storeLog(log: Logger): (state: 'unavailable' | 'available', reason?: unknown) => void {
  return (state, reason) => {
    if (state === 'available') log.info('session store: available again')
    else log.error({ err: reason }, 'session store: failing; LysKOM sessions continue')
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
  registry.on('opened', ({ key, serverId, session }, requestId) => {
    const { sessionNo } = session.connection
    log.info({ session: handleOf(key), server: serverId, sessionNo, requestId }, 'session opened')
  })
  registry.on('closed', ({ key, serverId }, reason, requestId) => {
    log.info({ session: handleOf(key), server: serverId, reason, requestId }, 'session closed')
  })
}

/** Returns the statistics as one flat object of numbers, as httpkom's `/stats` does. */
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
