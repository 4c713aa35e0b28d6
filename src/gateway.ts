import { compatApis } from './compat/compat-apis.ts'
import { type Config, completeOptions, type GatewayOptions } from './config/config.ts'
import { parseServers, type ServerConfig } from './config/servers.ts'
import { shownSettings } from './config/shown-settings.ts'
import { heartbeatFor, unfinishedFor } from './connection/settings.ts'
import { type DemoServer, startDemoServer } from './demo/server.ts'
import { createAdminApp, createApp } from './http/app.ts'
import type { AppOptions } from './http/app-options.ts'
import type { Observers } from './http/bare-app.ts'
import { clientAddressBehind } from './http/input/client-address.ts'
import { AppKeys, keyGuessLimits } from './http/middleware/app-keys.ts'
import { type HttpServerOptions, type Listener, listen } from './http/node/listener.ts'
import { UnreadBudget } from './http/node/unread-budget.ts'
import type { ListedServer } from './http/routes/gateway.ts'
import { silentLogger } from './ops/logger.ts'
import { Metrics } from './ops/metrics/metrics.ts'
import { logServers } from './ops/server-log.ts'
import { logSessions, storeLog } from './ops/session-log.ts'
import { SessionRecords } from './sessions/records.ts'
import { Registry } from './sessions/registry.ts'
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
  readonly onLimit: Observers['onLimit']
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
  const { http, admin } = config
  const gateway = await buildGateway(config, options)
  const { onLimit, unreadBudget } = gateway
  const listeners: Listener[] = []
  const start = async (fetch: Fetch, address: Partial<HttpServerOptions>): Promise<Listener> => {
    const listener = await listen(fetch, { http: { ...http, ...address }, onLimit, unreadBudget })
    listeners.push(listener)
    return listener
  }
  try {
    const { adminHost: host, adminPort: port } = admin
    const adminListener = port === undefined ? undefined : await start(gateway.adminFetch, { host, port, basePath: '' })
    const listener = await start(gateway.fetch, {})
    return {
      url: listener.url + http.basePath,
      adminUrl: adminListener?.url,
      close: async () => {
        const deadline = performance.now() + http.shutdownTimeoutMs
        const leftMs = () => Math.max(MIN_CLOSING_MS, deadline - performance.now())
        gateway.refuse()
        await listener.close()
        // A LysKOM server or a store that does not respond must not keep the process running.
        await within(leftMs(), gateway.close())
        // Close the admin port last: its health endpoint reports the shutdown until then.
        await adminListener?.close(leftMs())
      },
    }
  } catch (error) {
    await Promise.all(listeners.map((listener) => listener.close()))
    await gateway.close()
    throw error
  }
}

/**
 * Creates a gateway without a port, and starts the demo servers among its servers.
 * Rejects with a `ConfigError` for an unknown option or an invalid value, and if the session store cannot be opened.
 */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  return await buildGateway(completeOptions(options), options)
}

async function buildGateway(complete: Config, options: GatewayOptions): Promise<Gateway> {
  const { store: storeUrl, http, limits, admin, lyskom, compat, demo } = complete
  const { logger: log = silentLogger, tracing } = options
  const started = new Date()
  const { servers: listed, apps } = parseServers(complete.servers)
  const serverIds = new Set(listed.map(({ id }) => id))

  const store = await SessionStore.open(typeof options.store === 'object' ? options.store : storeUrl, {
    isElsewhere: ({ app, key }) => serverIds.has(app) && registry.byKey(key) === undefined,
  })
  const { servers, demos } = await startServers(listed, demo)
  const metrics = new Metrics()
  const registry = new Registry({
    servers,
    connections: {
      settings: lyskom,
      heartbeat: heartbeatFor(lyskom),
      unfinished: unfinishedFor(lyskom),
      observer: metrics.connections,
      ...(tracing && { onCall: tracing.onCall }),
    },
    lyskom,
    limits,
  })
  // A record is created before its session is logged in, so it has the longer idle timeout.
  const idleMs = Math.max(limits.sessionIdleMs, limits.loginIdleMs)
  const records = new SessionRecords({ registry, store, idleMs, onStore: storeLog(log) })

  const onLimit: Gateway['onLimit'] = (limit) => metrics.limitHit(limit)
  const observers: Observers = {
    onLimit,
    onAccess(entry, isInBatch) {
      if (isInBatch) log.debug?.(entry, 'request')
      else log.info(entry, 'request')
    },
    onInternalError: (error, requestId) => log.error({ err: error, requestId }, 'internal error'),
  }
  const unreadBudget = new UnreadBudget(limits, onLimit)
  const keyGuesses = keyGuessLimits(limits)
  const clientAddress = clientAddressBehind(http.trustedProxies, http.forwardedHeader)

  metrics.watchDemos(demos)
  metrics.watch(registry, servers.keys())
  metrics.watchStore(store)
  // Only operators with the key can see the figures.
  if (admin.adminKey !== '') metrics.recordFigures(() => registry.size)
  metrics.watchUnread(() => unreadBudget.measure())
  logSessions(registry, log)
  logServers(registry, servers, log)
  if (store.evicts) log.warn('session store: its server drops sessions of applications when its memory is full')
  if (compat.insecureCompat && compat.compat.length > 0) {
    log.warn('insecure-compat: every client that reaches this gateway, web pages included, may list and end sessions')
  }

  const app: AppOptions = {
    servers,
    sessions: { registry, records, store },
    http,
    limits,
    admin: { ...admin, started, settings: shownSettings(complete, options) },
    clientAddress,
    keyGuesses,
    unreadBudget,
    metrics,
    tracing,
    observers,
  }
  const apis = compatApis(compat.compat, {
    store,
    serverIds,
    appIds: new Set(apps.map(({ id }) => id)),
    appKeys: new AppKeys(compat.appKeys, { isOpen: compat.insecureCompat, guesses: keyGuesses, subject: 'app' }),
    sessmanTtlMs: compat.sessmanTtlMs,
    clientAddress,
    observers,
  })
  return {
    fetch: createApp(app, apis).fetch,
    adminFetch: createAdminApp(app).fetch,
    onLimit,
    unreadBudget,
    refuse: () => registry.refuse(),
    close: async () => {
      await registry.closeAll()
      await records.close()
      await store.close()
      await Promise.all([...demos.values()].map((each) => each.close()))
      metrics.close()
    },
  }
}

/** Returns the servers and the demo servers by id. Starts the demo servers and fills in their addresses. */
async function startServers(
  listed: readonly ServerConfig[],
  { demoMaxTexts, demoMaxTextBytes, demoQuiet }: Config['demo'],
) {
  const limits = { texts: demoMaxTexts, textBytes: demoMaxTextBytes }
  const servers = new Map<string, ListedServer>()
  const demos = new Map<string, DemoServer>()
  for (const [sortOrder, { id, name, demo, host, port }] of listed.entries()) {
    const address = demo ? await startDemoServer({ limits, live: !demoQuiet }) : { host, port }
    if ('close' in address) demos.set(id, address)
    servers.set(id, { id, name, host: address.host, port: address.port, sortOrder })
  }
  return { servers, demos }
}
