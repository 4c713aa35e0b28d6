import { compatApis } from './compat/compat-apis.ts'
import { type Config, completeOptions, type GatewayOptions } from './config/config.ts'
import { parseServers, type ServerConfig } from './config/servers.ts'
import { heartbeatFor, unfinishedFor } from './connection/settings.ts'
import { type DemoServer, startDemoServer } from './demo/server.ts'
import { createAdminApp } from './http/admin-app.ts'
import { createApp } from './http/app.ts'
import { AppKeys } from './http/app-keys.ts'
import { clientAddressBehind } from './http/client-address.ts'
import type { AppOptions, ListedServer } from './http/context.ts'
import { requestSpans } from './http/middleware/spans.ts'
import { type Listener, listen } from './http/node/listener.ts'
import { UnreadBudget } from './http/node/unread-budget.ts'
import { type Logger, silentLogger } from './ops/logger.ts'
import { Metrics } from './ops/metrics/metrics.ts'
import { logServers } from './ops/server-log.ts'
import { GuessLimits } from './sessions/guess-limits.ts'
import { SessionRecords } from './sessions/records.ts'
import { Registry } from './sessions/registry.ts'
import { handleOf } from './store/record.ts'
import { SessionStore } from './store/store.ts'
import { within } from './within.ts'

/** The shortest time in milliseconds for each closing step at the deadline: the process exits within a second of it. */
const MIN_CLOSING_MS = 400

type Fetch = (request: Request, env?: object) => Response | Promise<Response>

/** A gateway without a port, for a program that has its own HTTP server. */
export interface Gateway {
  /** handles a request; `env` is that of Hono's Node server, without which client addresses are unknown */
  readonly fetch: Fetch
  /** handles requests for metrics, health and administration only; with an `adminPort`, `fetch` does not serve them */
  readonly adminFetch: Fetch
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
 * Creates a gateway as `createGateway` does and listens on `http.host` and `http.port`. Rejects as `createGateway` does,
 * and if the address is not available.
 */
export async function startGateway(options: GatewayOptions): Promise<ListeningGateway> {
  const config = completeOptions(options)
  const gateway = await createGateway(options)
  try {
    const admin = await listenForAdmin(gateway, config)
    const { onLimit, unreadBudget } = gateway
    const listener = await listen(gateway.fetch, { ...config.limits, ...config.http, onLimit, unreadBudget }).catch(
      async (error: unknown) => {
        await admin?.close()
        throw error
      },
    )
    return {
      url: listener.url + config.http.basePath,
      adminUrl: admin?.url,
      close: async () => {
        const deadline = performance.now() + config.http.shutdownTimeoutMs
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
  const { adminHost: host, adminPort: port } = config.admin
  if (port === undefined) return undefined
  const { onLimit, unreadBudget } = gateway
  return await listen(gateway.adminFetch, {
    ...config.limits,
    ...config.http,
    host,
    port,
    basePath: '',
    onLimit,
    unreadBudget,
  })
}

/**
 * Creates a gateway without a port, and starts the demo servers among its servers.
 * Rejects with a `ConfigError` for an unknown option or an invalid value, and if the session store cannot be opened.
 */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const config = completeOptions(options)
  const { logger: log = silentLogger, tracing } = options
  const { servers: listed, apps } = parseServers(config.servers)
  const serverIds = new Set(listed.map(({ id }) => id))
  const store = await SessionStore.open(config.store, {
    isElsewhere: ({ app, key }) => serverIds.has(app) && registry.byKey(key) === undefined,
  })
  if (store.evicts) log.warn('session store: its server drops sessions of applications when its memory is full')
  const { servers, demos, closeDemos } = await startServers(listed, config)
  const metrics = new Metrics()
  metrics.watchDemos(demos)
  const registry = new Registry({
    servers,
    connections: {
      settings: config.lyskom,
      heartbeat: heartbeatFor(config.lyskom),
      unfinished: unfinishedFor(config.lyskom),
      observer: metrics.connections,
      ...(tracing && { onCall: tracing.onCall }),
    },
    serverRetryMs: config.lyskom.serverRetryMs,
    bodyCacheBytes: config.lyskom.bodyCacheBytes,
    idleMs: config.limits.sessionIdleMs,
    ...config.limits,
  })
  const keyGuesses = new GuessLimits({
    limit: 'key-failures',
    message: 'Too many wrong keys; wait before the next one.',
    free: config.limits.freeLoginFailures,
    freeInAll: config.limits.freeLoginFailuresPerPerson,
    maxDelayMs: config.limits.maxLoginDelayMs,
  })
  const records = new SessionRecords({ registry, store, idleMs: config.limits.sessionIdleMs, onStore: storeLog(log) })
  logSessions(registry, log)
  logServers(registry, servers, log)
  metrics.watch(registry, servers.keys())
  metrics.watchStore(store)

  if (config.compat.insecureCompat && config.compat.compat.length > 0) {
    log.warn('insecure-compat: every client that reaches this gateway, web pages included, may list and end sessions')
  }
  const onLimit: AppOptions['onLimit'] = (limit) => metrics.limitHit(limit)
  const unreadBudget = new UnreadBudget({ ...config.limits, ...config.http, onLimit })
  metrics.watchUnread(() => unreadBudget.measure())
  const app: AppOptions = {
    servers,
    registry,
    store,
    records,
    transports: config.http.transports,
    cookieSameSite: config.http.cookieSameSite,
    cookiePartitioned: config.http.cookiePartitioned,
    autoCreate: config.http.autoCreate,
    sessionIdleMs: config.limits.sessionIdleMs,
    clientAddress: clientAddressBehind(config.http.trustedProxies, config.http.forwardedHeader),
    apps: new Set(apps.map(({ id }) => id)),
    appKeys: new AppKeys(config.compat.appKeys, {
      isOpen: config.compat.insecureCompat,
      guesses: keyGuesses,
      subject: 'app',
    }),
    sessmanTtlMs: config.compat.sessmanTtlMs,
    metrics,
    ...(tracing && { requestSpans: requestSpans(tracing) }),
    adminKey: config.admin.adminKey,
    keyGuesses,
    hasAdminPort: config.admin.adminPort !== undefined,
    basePath: config.http.basePath,
    corsOrigins: config.http.corsOrigins,
    corsMaxAgeSeconds: Math.round(config.http.corsMaxAgeMs / 1000),
    maxBodyBytes: config.http.maxBodyBytes,
    maxWebsocketsPerSession: config.limits.maxWebsocketsPerSession,
    maxWebsocketMessagesPerSecond: config.limits.maxWebsocketMessagesPerSecond,
    unreadBudget,
    onLimit,
    onAccess: (entry) => log.info(entry, 'request'),
    onInternalError: (error, requestId) => log.error({ err: error, requestId }, 'internal error'),
  }
  return {
    fetch: createApp(app, compatApis(config.compat.compat, app)).fetch,
    adminFetch: createAdminApp(app).fetch,
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
async function startServers(listed: readonly ServerConfig[], config: Config) {
  const demos = new Map<string, DemoServer>()
  const limits = { texts: config.demo.demoMaxTexts, textBytes: config.demo.demoMaxTextBytes }
  const servers = new Map<string, ListedServer>()
  for (const [sortOrder, { id, name, demo, host, port }] of listed.entries()) {
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

function logSessions(registry: Registry, log: Logger): void {
  registry.on('opened', ({ key, serverId, lyskom }, requestId) => {
    const { sessionNo } = lyskom.connection
    log.info({ session: handleOf(key), server: serverId, sessionNo, requestId }, 'session opened')
  })
  registry.on('closed', ({ key, serverId }, reason, requestId) => {
    log.info({ session: handleOf(key), server: serverId, reason, requestId }, 'session closed')
  })
}
