import { setTimeout } from 'node:timers/promises'
import type { Cluster } from './cluster/cluster.ts'
import { hostOf } from './cluster/node-url.ts'
import { type ClusterNode, clusterNode, openCluster } from './cluster-node.ts'
import { compatApis } from './compat/compat-apis.ts'
import { type Config, completeOptions, type GatewayOptions } from './config/config.ts'
import { ConfigError } from './config/config-error.ts'
import { parseServers, type ServerConfig } from './config/servers.ts'
import { shownSettings } from './config/shown-settings.ts'
import { heartbeatFor, unfinishedFor } from './connection/settings.ts'
import { type DemoServerOptions, startDemoServer } from './demo/server.ts'
import { createAdminApp, createApp } from './http/app.ts'
import type { AppOptions } from './http/app-options.ts'
import type { Observers } from './http/bare-app.ts'
import { clientAddressBehind } from './http/input/client-address.ts'
import { AppKeys, keyGuessLimits } from './http/middleware/app-keys.ts'
import { type HttpServerOptions, type Listener, type ListenOptions, listen } from './http/node/listener.ts'
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

/** The default of the session store. */
const MEMORY = 'memory:'

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
  /** Rejects new sessions, and ends the events of the open ones, which otherwise continue. */
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
  /**
   * Stops listening, lets requests in flight finish within the deadline, and closes every LysKOM session.
   * @param endDraining aborts the wait of `cluster.drainMs`
   */
  close(endDraining?: AbortSignal): Promise<void>
}

/**
 * Creates a gateway as `createGateway` does and listens on `http.host` and `http.port`. Rejects as `createGateway` does,
 * and if the address is not available.
 */
export async function startGateway(options: GatewayOptions): Promise<ListeningGateway> {
  const config = completeOptions(options)
  const { http, admin } = config
  const gateway = await buildGateway(config, options)
  const { onLimit, unreadBudget, node } = gateway
  const listeners: Listener[] = []
  const start = async (
    fetch: Fetch,
    address: Partial<HttpServerOptions>,
    more: Pick<ListenOptions, 'isExclusive' | 'listensToTheEnd'> = {},
  ): Promise<Listener> => {
    const listener = await listen(fetch, { http: { ...http, ...address }, onLimit, unreadBudget, ...more })
    listeners.push(listener)
    return listener
  }
  try {
    const { adminHost: host, adminPort: port } = admin
    const adminListener =
      port === undefined
        ? undefined
        : await start(gateway.adminFetch, { host, port, basePath: '' }, { isExclusive: true })
    const ofNodes = { isExclusive: true, listensToTheEnd: true }
    const nodeListener = node && (await start(node.fetch, node.listenerOptions(http), ofNodes))
    await node?.join()
    const listener = await start(gateway.fetch, {})
    return {
      url: listener.url + http.basePath,
      adminUrl: adminListener?.url,
      close: async (endDraining) => {
        await gateway.drain(config.cluster.drainMs, endDraining)
        const deadline = performance.now() + http.shutdownTimeoutMs
        const leftMs = () => Math.max(MIN_CLOSING_MS, deadline - performance.now())
        gateway.refuse()
        await Promise.all([listener.close(), nodeListener?.close()])
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
  const config = completeOptions(options)
  // Other nodes need a port.
  if (config.cluster.cluster !== '') throw new ConfigError('cluster.cluster: is only for `startGateway`')
  return await buildGateway(config, options)
}

/** A gateway, and what it is among the nodes of a cluster. */
interface BuiltGateway extends Gateway {
  readonly node?: ClusterNode | undefined
  /** Rejects new sessions. Resolves after a time, or when `end` aborts. */
  drain(ms: number, end?: AbortSignal): Promise<void>
}

/** Builds a gateway. What it has opened is closed if a later step fails. */
async function buildGateway(complete: Config, options: GatewayOptions): Promise<BuiltGateway> {
  const opened: { close(): Promise<void> }[] = []
  try {
    return await build(complete, options, opened)
  } catch (error) {
    for (const each of opened.toReversed()) await each.close()
    throw error
  }
}

/** @param opened receives what must be closed */
async function build(
  complete: Config,
  options: GatewayOptions,
  opened: { close(): Promise<void> }[],
): Promise<BuiltGateway> {
  const { http, limits, admin, lyskom, compat } = complete
  const { logger: log = silentLogger, tracing } = options
  const started = new Date()
  const { servers: listed, apps } = parseServers(complete.servers)
  const serverIds = new Set(listed.map(({ id }) => id))

  const cluster = await openCluster(complete.cluster)
  if (cluster !== undefined) opened.push(cluster)
  const store = await SessionStore.open(typeof options.store === 'object' ? options.store : storeUrlOf(complete), {
    isElsewhere: ({ app, key }) => serverIds.has(app) && registry.byKey(key) === undefined,
  })
  opened.push(store)
  const { servers, demos } = await startServers(listed, complete, { cluster, opened })
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
    ...(cluster && { newId: () => cluster.newId(), counts: cluster.sessionCounts }),
  })
  // A record is created before its session is logged in, so it has the longer idle timeout.
  const idleMs = Math.max(limits.sessionIdleMs, limits.loginIdleMs)
  const records = new SessionRecords({ registry, store, idleMs, onStore: storeLog(log) })

  const onLimit: Gateway['onLimit'] = (limit) => metrics.limitHit(limit)
  const observers: Observers = {
    onLimit,
    onAccess(entry, isPart) {
      if (isPart) log.debug?.(entry, 'request')
      else log.info(entry, 'request')
    },
    onInternalError: (error, requestId) => log.error({ err: error, requestId }, 'internal error'),
    onForeignNode: (error) => log.warn(`cluster: ${error.message}`),
  }
  const unreadBudget = new UnreadBudget(limits, onLimit)
  const keyGuesses = keyGuessLimits(limits)
  const clientAddress = clientAddressBehind(http.trustedProxies, http.forwardedHeader)

  metrics.watchDemos(demos)
  metrics.watch(registry, servers.keys())
  metrics.watchStore(store)
  if (cluster !== undefined) metrics.watchCluster(cluster)
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
    cluster,
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
  const { fetch } = createApp(app, apis)
  const { fetch: adminFetch } = createAdminApp(app)
  const node =
    cluster && clusterNode(cluster, { fetch, adminFetch, registry, store, keyGuesses, log, options: complete.cluster })
  return {
    fetch,
    node,
    adminFetch,
    onLimit,
    unreadBudget,
    refuse: () => registry.drain(),
    async drain(ms, end) {
      if (ms === 0) return
      registry.refuse()
      await setTimeout(ms, undefined, { signal: end }).catch(() => undefined)
    },
    close: async () => {
      await registry.closeAll()
      await records.close()
      await store.close()
      await Promise.all([...demos.values()].map((each) => each.close()))
      await cluster?.close()
      metrics.close()
    },
  }
}

/** Returns the URL of the session store. Nodes of a cluster share one, by default in the Redis database of the cluster. */
function storeUrlOf({ store, cluster: { cluster } }: Config): string {
  return cluster !== '' && store === MEMORY ? cluster : store
}

/** A demo server that this process may run. */
interface Demo {
  readonly limitHits: ReadonlyMap<string, number>
  close(): Promise<void>
}

/** Returns the servers and the demo servers by id. Starts the demo servers and fills in their addresses. */
async function startServers(
  listed: readonly ServerConfig[],
  { demo: settings, cluster: { nodeHost, nodeUrl } }: Config,
  { cluster, opened }: { cluster: Cluster | undefined; opened: { close(): Promise<void> }[] },
) {
  const limits = { texts: settings.demoMaxTexts, textBytes: settings.demoMaxTextBytes }
  const servers = new Map<string, ListedServer>()
  const demos = new Map<string, Demo>()
  for (const [sortOrder, { id, name, demo, host, port }] of listed.entries()) {
    const server: ListedServer = { id, name, host, port, sortOrder }
    servers.set(id, server)
    if (!demo) continue
    const start = (options: DemoServerOptions = {}) =>
      startDemoServer({ limits, live: !settings.demoQuiet, ...options })
    if (cluster === undefined) {
      const own = await start()
      opened.push(own)
      demos.set(id, own)
      Object.assign(server, { host: own.host, port: own.port })
    } else {
      const shared = cluster.sharedDemo(id, () => start({ host: nodeHost || hostOf(nodeUrl) }), server)
      opened.push(shared)
      await shared.open()
      demos.set(id, shared)
    }
  }
  return { servers, demos }
}
