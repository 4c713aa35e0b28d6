import { z } from 'zod'
import type { Logger } from '../ops/logger.ts'
import type { Tracing } from '../ops/tracing.ts'
import type { Backend } from '../store/index.ts'
import { ConfigError } from './config-error.ts'
import type {
  AdminOptions,
  ClusterOptions,
  CompatApiOptions,
  DemoOptions,
  HttpOptions,
  LimitOptions,
  LyskomOptions,
  StoreOptions,
} from './options.ts'
import { parseServers, type Servers } from './servers.ts'
import {
  GROUPS,
  type Group,
  SETTING_NAMES,
  SETTINGS,
  type Setting,
  type SettingName,
  type ValuesOf,
} from './settings.ts'

/** Where the command found its settings. */
export interface CommandSettings {
  /** the path of `servers.json` */
  readonly serversFile: string
  /** those that are not defaults */
  readonly sources: { readonly [N in SettingName]?: 'flag' | 'environment' }
}

/** Options of a gateway. Every option except `servers` has a default. */
export interface GatewayOptions {
  /** the LysKOM servers and the applications, in the shape of `servers.json` */
  readonly servers: Servers
  /** the session store: a URL, or a backend that the gateway closes when it closes itself */
  readonly store?: NonNullable<StoreOptions['store']> | Backend
  /** the HTTP interface */
  readonly http?: HttpOptions
  /** metrics, health checks and administration */
  readonly admin?: AdminOptions
  /** limits of sessions, logins and clients */
  readonly limits?: LimitOptions
  /** the connections to LysKOM servers */
  readonly lyskom?: LyskomOptions
  /** the compatibility APIs of other session managers */
  readonly compat?: CompatApiOptions
  /** the built-in demo server */
  readonly demo?: DemoOptions
  /** several nodes as one gateway; only for `startGateway` */
  readonly cluster?: ClusterOptions
  /** receives the log; without it nothing is logged */
  readonly logger?: Logger
  /** creates OpenTelemetry spans; see `startTracing` */
  readonly tracing?: Tracing | undefined
  /** set by the command, for `GET /admin/settings` */
  readonly command?: CommandSettings | undefined
}

/** The values of all settings, by name. */
export type SettingValues = ValuesOf<Group>

/** The complete configuration of a gateway, validated and frozen. Times are milliseconds, sizes are bytes. */
export type Config = Groups & Pick<SettingValues, 'store' | 'logLevel'> & { readonly servers: Servers }
type Groups = { readonly [G in keyof typeof GROUPS]: ValuesOf<G> }

const GROUP_NAMES = Object.keys(GROUPS) as (keyof typeof GROUPS)[]

/**
 * Creates a configuration.
 * @param values the valid values of all settings
 * @param servers the validated LysKOM servers and applications
 */
export function configOf(values: SettingValues, servers: Servers): Config {
  const groups = GROUP_NAMES.map((group) => [group, Object.freeze(pick(group, values))] as const)
  const { store, logLevel } = values
  return Object.freeze({ ...(Object.fromEntries(groups) as Groups), store, logLevel, servers: frozenCopy(servers) })
}

function pick(group: Group, values: SettingValues): Record<string, unknown> {
  const names = SETTING_NAMES.filter((name) => SETTINGS[name].group === group)
  return Object.fromEntries(names.map((name) => [name, values[name]]))
}

/**
 * Validates options and completes them with the defaults of the settings for embedded gateways. A backend in `store` is
 * not part of the configuration.
 * @throws ConfigError for an unknown option or an invalid value
 */
export function completeOptions(options: GatewayOptions): Config {
  parseServers(options.servers)
  const known = new Set<string>([
    'servers',
    'logger',
    'tracing',
    'command',
    ...GROUP_NAMES,
    ...namesOf('store'),
    ...namesOf('command'),
  ])
  checkNames('', options, known)
  const given = new Map<string, unknown>()
  for (const group of GROUP_NAMES) {
    const values = options[group] ?? {}
    checkNames(`${group}.`, values, new Set<string>(namesOf(group)))
    for (const [name, value] of Object.entries(values)) given.set(name, checked(`${group}.${name}`, name, value))
  }
  const { store } = options
  if (typeof store === 'string') given.set('store', checked('store', 'store', store))
  else if (store !== undefined && typeof store?.touch !== 'function') {
    throw new ConfigError('store: must be a URL or a backend')
  }
  const values = SETTING_NAMES.map((name) => [
    name,
    given.get(name) ?? z.decode(SETTINGS[name].schema, embeddedDefault(name)),
  ])
  const config = configOf(Object.fromEntries(values) as SettingValues, options.servers)
  if (config.cluster.workers > 1) throw new ConfigError('cluster.workers: is only for the command')
  const conflict = conflictIn(config)
  if (conflict !== undefined) {
    throw new ConfigError(`${SETTINGS[conflict.name].group}.${conflict.name}: ${conflict.reason}`)
  }
  return config
}

/** Returns the default of an option, as text. */
export function embeddedDefault(name: SettingName): string {
  const { embedded, fallback }: Setting = SETTINGS[name]
  return embedded ?? fallback
}

/** Returns a setting that is not valid together with the others, and why. */
export function conflictIn({ http, admin, cluster }: Config): { name: SettingName; reason: string } | undefined {
  const adminPorts = portsFrom(admin.adminPort, cluster.workers)
  if (adminPorts.includes(http.port) && isSameHost(admin.adminHost, http.host)) {
    return { name: 'adminPort', reason: `must differ from the port that komgate listens on${ofWorkers(cluster)}` }
  }
  if (adminPorts.some(isTooHigh)) return { name: 'adminPort', reason: TOO_HIGH }
  if (cluster.cluster === '') {
    return cluster.workers === 1 ? undefined : { name: 'cluster', reason: 'is missing; several workers need one' }
  }
  if (cluster.clusterKey === '') return { name: 'clusterKey', reason: 'is missing; the nodes of a cluster share it' }
  if (http.httpStallMs <= http.websocketPingMs) {
    return { name: 'httpStallMs', reason: 'must be longer than the ping interval of WebSockets on other nodes' }
  }
  // Workers find ports of their own.
  if (cluster.nodeUrl === '' && cluster.workers > 1) return undefined
  if (cluster.nodeUrl === '') return { name: 'nodeUrl', reason: 'is missing; other nodes reach this one there' }
  const { hostname, port } = new URL(cluster.nodeUrl)
  const isNodeHost = (host: string): boolean => [hostname, cluster.nodeHost].some((each) => isSameHost(each, host))
  const nodePorts = portsFrom(Number(port || 80), cluster.workers)
  if (nodePorts.includes(http.port) && isNodeHost(http.host)) {
    const reason = `must have another port than the one that komgate listens on${ofWorkers(cluster)}`
    return { name: 'nodeUrl', reason }
  }
  if (nodePorts.some(isTooHigh)) return { name: 'nodeUrl', reason: TOO_HIGH }
  if (nodePorts.some((each) => adminPorts.includes(each)) && isNodeHost(admin.adminHost)) {
    return { name: 'adminPort', reason: `must differ from the port of the node URL${ofWorkers(cluster)}` }
  }
  return undefined
}

const MAX_PORT = 65_535
const TOO_HIGH = `is too high: there is no port for each worker up to ${MAX_PORT}`
const isTooHigh = (port: number): boolean => port > MAX_PORT

/** Returns the ports of the workers, from a port on; none for a port that the system chooses. */
function portsFrom(port: number | undefined, workers: number): number[] {
  return port ? Array.from({ length: workers }, (_, i) => port + i) : []
}

function ofWorkers({ workers }: Config['cluster']): string {
  return workers > 1 ? `, for each of the ${workers} workers` : ''
}

/** Whether two addresses to listen on may be the same; one of them may stand for all addresses. */
function isSameHost(one: string, other: string): boolean {
  return one === other || [one, other].some((host) => host === '0.0.0.0' || host === '::')
}

function namesOf(group: Group): string[] {
  return SETTING_NAMES.filter((name) => SETTINGS[name].group === group)
}

function checkNames(prefix: string, options: object, known: ReadonlySet<string>): void {
  const unknown = Object.keys(options).find((name) => !known.has(name))
  if (unknown !== undefined) throw new ConfigError(`${prefix}${unknown}: there is no such option`)
}

function checked(place: string, name: string, value: unknown): unknown {
  const { schema } = SETTINGS[name as keyof typeof SETTINGS] as Setting
  const encoded = z.safeEncode(schema, value)
  if (encoded.success || value === undefined) return value
  throw new ConfigError(`${place}: ${encoded.error.issues[0]?.message}`)
}

function frozenCopy(servers: Servers): Servers {
  const entries = Object.entries(servers).map(([id, server]) => [id, Object.freeze({ ...server })] as const)
  return Object.freeze(Object.fromEntries(entries))
}
