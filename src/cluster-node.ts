import type { Cluster } from './cluster/cluster.ts'
import { ClusterSettingError } from './cluster/errors.ts'
import { hostOf } from './cluster/node-url.ts'
import { ConfigError } from './config/config-error.ts'
import type { ValuesOf } from './config/settings.ts'
import { nodeRequests } from './http/cluster/node-requests.ts'
import type { HttpServerOptions } from './http/node/listener.ts'
import type { Logger } from './ops/logger.ts'
import type { GuessLimits } from './sessions/guess-limits.ts'
import type { Registry } from './sessions/registry.ts'
import { loadDriver } from './store/driver.ts'
import type { SessionStore } from './store/store.ts'

type Fetch = (request: Request, env?: object) => Response | Promise<Response>
/** How much longer the head of a request is when another node has forwarded it, at most: with its header and two ids. */
const ADDED_HEADER_BYTES = 1024
const ANY_ADDRESS = ['0.0.0.0/0', '::/0']

type ClusterSettings = ValuesOf<'cluster'>

/** What a gateway is among the nodes of a cluster. */
export interface ClusterNode {
  /** Returns the options of the listener for other nodes that differ from those for clients. */
  listenerOptions(http: Pick<HttpServerOptions, 'maxHeaderBytes'>): Partial<HttpServerOptions>
  /** handles the requests of other nodes */
  readonly fetch: Fetch
  /**
   * Becomes a node, when it listens at its address.
   * @throws ConfigError if a setting does not fit the other nodes
   * @throws StoreError if Redis fails
   */
  join(): Promise<void>
}

/**
 * Connects to the Redis database of a cluster; undefined without one.
 * @throws StoreError if Redis cannot be reached or used
 * @throws TypeError for an invalid URL, or if a package is not installed
 */
export async function openCluster(settings: ClusterSettings): Promise<Cluster | undefined> {
  const { cluster: redisUrl, ...options } = settings
  if (redisUrl === '') return undefined
  const { Cluster } = await loadDriver(['redis', 'undici'], () => import('./cluster/cluster.ts'), 'cluster')
  return await Cluster.open({ redisUrl, ...options })
}

/** Options of `clusterNode`. */
export interface ClusterNodeOptions {
  /** handles the requests of clients */
  fetch: Fetch
  /** handles the requests of operators */
  adminFetch: Fetch
  registry: Registry
  store: SessionStore
  /** the limits on wrong keys */
  keyGuesses: GuessLimits
  log: Logger
  options: ClusterSettings
}

/** Makes a gateway a node: its sessions end when another node takes its slot. */
export function clusterNode(
  cluster: Cluster,
  { fetch, adminFetch, registry, store, keyGuesses, log, options }: ClusterNodeOptions,
): ClusterNode {
  const { port } = new URL(options.nodeUrl)
  const { lease } = cluster
  lease.on('lost', () => {
    log.error('cluster: another node has taken the slot of this one, whose sessions end')
    void registry.endAll('fenced')
  })
  // Its sessions end soon: further requests for them are rejected while it finishes those that have begun.
  registry.once('draining', () => void lease.release())
  lease.on('renewal', (error) => {
    if (error === undefined) log.info('cluster: the lease is renewed again')
    else
      log.error({ err: error }, 'cluster: the lease cannot be renewed; new sessions are rejected when it has expired')
  })
  cluster.on('warning', (text) => log.warn(`cluster: ${text}`))
  exchangeMessages(cluster, { registry, store, keyGuesses })
  const onRejected = (error: Error): void =>
    log.warn(`cluster: a request from another node is rejected: ${error.message}`)
  return {
    listenerOptions: ({ maxHeaderBytes }) => ({
      host: options.nodeHost || hostOf(options.nodeUrl),
      port: Number(port || 80),
      maxHeaderBytes: maxHeaderBytes + ADDED_HEADER_BYTES,
      // Each node limits what its own clients do not read. All clients of a node have its address.
      trustedProxies: ANY_ADDRESS,
    }),
    fetch: nodeRequests({ cluster, registry, fetch, adminFetch, onRejected }),
    async join() {
      const answers = await joined(cluster)
      await cluster.sessionCounts.start(() => registry.counts())
      if (!answers) log.warn(`cluster: nothing answers at ${options.nodeUrl}, the URL of this node`)
      log.info(`cluster: node ${options.nodeUrl} holds slot ${lease.slot}`)
    },
  }
}

/** Joins a cluster as `Cluster.join` does, with errors of the configuration as such. */
async function joined(cluster: Cluster): Promise<boolean> {
  try {
    return await cluster.join()
  } catch (error) {
    if (!(error instanceof ClusterSettingError)) throw error
    throw new ConfigError(`cluster.${error.setting}: ${error.message}`, { cause: error })
  }
}

/** Sends to other nodes what happens on this one, and applies what happens on others. */
function exchangeMessages(
  { bus, sessionCounts }: Cluster,
  { registry, store, keyGuesses }: Pick<ClusterNodeOptions, 'registry' | 'store' | 'keyGuesses'>,
): void {
  const { changes, admission, logins } = registry
  changes.on('made', (made) => bus.publish({ kind: 'change', made }))
  store.on('ended', ({ key }) => bus.publish({ kind: 'ended', key }))
  admission.on('opening', (address) => bus.publish({ kind: 'opening', address }))
  logins.on('login', (address) => bus.publish({ kind: 'login', address }))
  logins.guesses.on('ended', (attempt) => bus.publish({ kind: 'guess', of: 'password', attempt }))
  logins.on('crowded', (crowd) => bus.publish({ kind: 'crowded', crowd }))
  keyGuesses.on('ended', (attempt) => bus.publish({ kind: 'guess', of: 'key', attempt }))
  bus.on('gap', () => changes.reportLoss())
  bus.on('message', (message, from) => {
    if (message.kind === 'change') changes.receive({ ...message.made, node: from })
    else if (message.kind === 'ended') void registry.byKey(message.key)?.close('ended')
    else if (message.kind === 'opening') admission.recordOpening(message.address)
    else if (message.kind === 'login') logins.recordLogin(message.address)
    else if (message.kind === 'crowded') {
      if (message.crowd.process === sessionCounts.id) void logins.replaceLongestIdle(message.crowd.person)
    } else if (message.kind === 'guess') (message.of === 'key' ? keyGuesses : logins.guesses).record(message.attempt)
  })
}
