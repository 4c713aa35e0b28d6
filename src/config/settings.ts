import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { isNodeUrl } from '../cluster/node-url.ts'
import { COMPAT_APIS } from '../compat/compat-apis.ts'
import { FORWARDED_HEADERS } from '../http/input/client-address.ts'
import { isNetwork } from '../http/input/trusted-proxies.ts'
import { TRANSPORTS } from '../http/middleware/connection-id.ts'
import { STORE_SCHEMES } from '../store/open.ts'
import { HOST_RULE, isHost } from './host.ts'
import { appKeys, flag, list, ms, oneOf, optionalWhole, origins, text, type Value, whole } from './values.ts'

/** The longest draining, milliseconds. */
const MAX_DRAIN_MS = 86_400_000
const BUNDLED_SERVERS = fileURLToPath(new URL('../../servers.json', import.meta.url))

const host = text((name) => isHost(name), HOST_RULE)
const isBasePath = (path: string): boolean => /^(?:(?:\/[A-Za-z0-9._~-]+)+)?$/.test(path)
const NETWORKS_RULE = 'must be addresses and networks such as 10.0.0.0/8, with commas between them'
const storeUrl = text(
  (url) => STORE_SCHEMES.some((scheme) => url.startsWith(scheme)),
  `must be a URL that begins with one of ${STORE_SCHEMES.join(' ')}`,
)

function someOf<const W extends readonly [string, ...string[]]>(words: W): Value<readonly W[number][]> {
  const error = `must be some of ${words.join(', ')}, with commas between them`
  return list(z.enum(words, error), error)
}

/** The topics of the settings, which are the groups of `GatewayOptions`. */
export const GROUPS = {
  http: 'The HTTP interface.',
  admin: 'Metrics, health checks and administration.',
  limits: 'Limits of sessions, logins and clients.',
  lyskom: 'The connections to LysKOM servers.',
  compat: 'The compatibility APIs of other session managers.',
  demo: 'The built-in demo server.',
  cluster: 'Several nodes as one gateway.',
} as const
/** A key of `GROUPS`, `store` for the option of that name, or `command` for settings that are no gateway options. */
export type Group = keyof typeof GROUPS | 'store' | 'command'

/** A setting of the gateway or the command. */
export interface Setting<G extends Group = Group, T = unknown> {
  /** the group of `GatewayOptions` that contains it */
  readonly group: G
  /** codec between text and value */
  readonly schema: Value<T>
  /** the default, as text */
  readonly fallback: string
  /** the default of the option of `createGateway`, as text, if it differs */
  readonly embedded?: string
  /** its description in `--help` and in docs/configuration.md */
  readonly help: string
}

function setting<const G extends Group, T>(group: G, schema: Value<T>, fallback: string, help: string): Setting<G, T> {
  return { group, schema, fallback, help }
}

/** All settings: `sessionIdleMs` is the flag `--session-idle-ms` and the variable `KOMGATE_SESSION_IDLE_MS`. */
export const SETTINGS = {
  servers: setting(
    'command',
    text((path) => path !== '', 'must name a file'),
    BUNDLED_SERVERS,
    'file that lists the LysKOM servers',
  ),
  host: setting('http', host, '127.0.0.1', 'address to listen on'),
  port: setting('http', whole(0, 65535), '5001', 'port to listen on; 0 picks a free one'),
  adminHost: setting('admin', host, '127.0.0.1', 'address that the admin port listens on'),
  adminPort: setting(
    'admin',
    optionalWhole(0, 65535),
    '',
    'separate port for metrics, health checks and administration; 0 picks a free one',
  ),
  adminKey: setting(
    'admin',
    text((key) => /^(?:[\x21-\x7e]{16,})?$/.test(key), 'must be 16 or more characters, without spaces'),
    '',
    'key for the administration API, which lists and ends all sessions',
  ),
  basePath: setting(
    'http',
    text(isBasePath, 'must be a path such as /kom, without a slash at its end'),
    '',
    'path prefix of every route, such as /httpkom',
  ),
  trustedProxies: setting(
    'http',
    list(z.string().refine(isNetwork, NETWORKS_RULE), NETWORKS_RULE),
    '',
    'addresses and networks of reverse proxies, separated by commas',
  ),
  forwardedHeader: setting(
    'http',
    oneOf(FORWARDED_HEADERS, `must be ${FORWARDED_HEADERS.join(' or ')}`),
    'x-forwarded-for',
    'header in which trusted proxies report the client address: x-forwarded-for or forwarded',
  ),
  sessionIdleMs: setting('limits', ms, '1800000', 'idle timeout of an anonymous session'),
  loginIdleMs: setting('limits', ms, '604800000', 'idle timeout of a session while a person is logged in'),
  maxSessions: setting('limits', whole(1, 1_000_000), '20000', 'maximum number of sessions, on each node of a cluster'),
  maxSessionsPerAddress: setting(
    'limits',
    whole(1, 1_000_000),
    '200',
    'maximum number of sessions for one client address, on all nodes of a cluster',
  ),
  maxSessionsPerPerson: setting(
    'limits',
    whole(1, 1_000_000),
    '50',
    'maximum number of sessions on which one person is logged in, on all nodes of a cluster',
  ),
  maxOpeningsPerMinute: setting(
    'limits',
    whole(1, 10_000_000),
    '1200',
    'sessions that one client address may open per minute',
  ),
  maxLoginsPerMinute: setting(
    'limits',
    whole(1, 10_000_000),
    '600',
    'logins that one client address may try per minute',
  ),
  freeLoginFailures: setting(
    'limits',
    whole(1, 1_000_000),
    '5',
    'consecutive wrong passwords for one person from one client address before logins are delayed',
  ),
  freeLoginFailuresPerPerson: setting(
    'limits',
    whole(1, 1_000_000),
    '100',
    'wrong passwords for one person from unknown networks before logins from these networks are delayed',
  ),
  maxLoginDelayMs: setting('limits', ms, '300000', 'maximum login delay; it starts at one second and doubles'),
  maxBodyBytes: setting('http', whole(1, 2 ** 30), '8388608', 'maximum request body size'),
  maxHeaderBytes: setting('http', whole(1024, 1_048_576), '16384', 'maximum size of the request headers'),
  httpHeadersMs: setting('http', ms, '20000', 'timeout for receiving the request headers'),
  httpRequestMs: setting('http', ms, '120000', 'timeout for receiving a complete request with its body'),
  httpIdleMs: setting('http', ms, '75000', 'keep-alive timeout of an HTTP connection without a request'),
  httpStallMs: setting('http', ms, '180000', 'timeout of an HTTP connection without traffic in either direction'),
  maxUnreadBytesPerConnection: setting(
    'limits',
    whole(1, 2 ** 30),
    '1048576',
    'unread responses of one WebSocket before the gateway stops reading from it',
  ),
  maxUnreadBytesPerAddress: setting(
    'limits',
    whole(1, 2 ** 40),
    '67108864',
    'unread responses and request bodies held for one client address before its most stalled connections are dropped',
  ),
  maxUnreadBytes: setting(
    'limits',
    whole(1, 2 ** 40),
    '268435456',
    'unread responses and request bodies held for all clients together',
  ),
  maxWebsocketsPerSession: setting(
    'limits',
    whole(1, 1000),
    '8',
    'maximum number of WebSockets and event streams per session',
  ),
  maxWebsocketMessagesPerSecond: setting(
    'limits',
    whole(1, 1_000_000),
    '1000',
    'maximum number of messages per second on one WebSocket',
  ),
  websocketPingMs: setting('http', ms, '30000', 'WebSocket ping interval'),
  bodyCacheBytes: setting(
    'lyskom',
    whole(0, 2 ** 40),
    '33554432',
    'size of the cache of text bodies for each LysKOM server',
  ),
  connectTimeoutMs: setting('lyskom', ms, '10000', 'timeout for opening a session on a LysKOM server'),
  serverRetryMs: setting(
    'lyskom',
    ms,
    '2000',
    'delay before the next attempt to reach a LysKOM server after three consecutive failures',
  ),
  callTimeoutMs: setting('lyskom', ms, '20000', 'timeout for the reply to a call'),
  keepaliveMs: setting('lyskom', ms, '30000', 'idle time of a LysKOM connection before a keepalive call is sent'),
  keepaliveTimeoutMs: setting('lyskom', ms, '10000', 'timeout for the reply to a keepalive call'),
  maxMessageBytes: setting(
    'lyskom',
    whole(1024, 2 ** 30),
    '33554432',
    'maximum size of a message from a LysKOM server',
  ),
  demoMaxTexts: setting(
    'demo',
    whole(1, 1_000_000),
    '10000',
    'texts that clients may write to the demo server; above it their oldest are deleted',
  ),
  demoMaxTextBytes: setting(
    'demo',
    whole(1, 2 ** 40),
    '33554432',
    'bytes of those texts, with their aux-items and links; above it their oldest are deleted',
  ),
  demoQuiet: {
    ...setting('demo', flag, 'false', 'true stops the persons of the demo server from writing texts every few minutes'),
    embedded: 'true',
  },
  shutdownTimeoutMs: setting('http', ms, '10000', 'time for requests in flight to finish after SIGTERM or SIGINT'),
  corsOrigins: setting('http', origins, '*', 'origins whose pages may use the API, * for all'),
  corsMaxAgeMs: setting('http', ms, '3600000', 'how long browsers cache a CORS preflight response'),
  store: setting(
    'store',
    storeUrl,
    'memory:',
    'where session records are kept: memory:, redis://, postgres://, mysql:// and so on',
  ),
  compat: setting('compat', someOf(COMPAT_APIS), '', 'compatibility APIs to serve'),
  appKeys: setting('compat', appKeys, '', 'application keys as app:key, separated by commas; the app * stands for all'),
  insecureCompat: setting('compat', flag, 'false', 'true serves the compatibility APIs without a key'),
  transports: setting(
    'http',
    someOf(TRANSPORTS),
    '',
    'additional ways to send the connection id: bearer, cookie, query',
  ),
  cookieSameSite: setting(
    'http',
    oneOf(['lax', 'strict', 'none'], 'must be lax, strict or none'),
    'lax',
    'SameSite attribute of the session cookie',
  ),
  cookiePartitioned: setting('http', flag, 'false', 'true adds the Partitioned attribute to the session cookie'),
  autoCreate: setting('http', flag, 'false', 'true opens a session for a request without a connection id'),
  sessmanTtlMs: setting('compat', ms, '86400000', 'lifetime of a sessman session after its last update'),
  cluster: setting(
    'cluster',
    text((url) => url === '' || /^rediss?:\/\//.test(url), 'must be a URL such as redis://host:6379/0'),
    '',
    'Redis database by which several nodes are one gateway: redis:// or rediss://',
  ),
  clusterKey: setting(
    'cluster',
    text((key) => /^(?:[\x21-\x7e]{32,})?$/.test(key), 'must be 32 or more characters, without spaces'),
    '',
    'key with which the nodes sign their requests to each other',
  ),
  nodeUrl: setting(
    'cluster',
    text(
      (url) => url === '' || isNodeUrl(url),
      'must be a URL such as http://10.0.0.7:5002, with a port and without a path',
    ),
    '',
    'where other nodes reach this one; it listens on that port, and further workers on the ports after it',
  ),
  nodeHost: setting(
    'cluster',
    text((name) => name === '' || isHost(name), HOST_RULE),
    '',
    'address to listen on for other nodes; default: the host of the node URL',
  ),
  leaseMs: setting(
    'cluster',
    whole(300, 600_000),
    '10000',
    'time after which a node that has ended is gone for the others',
  ),
  drainMs: setting(
    'cluster',
    whole(0, MAX_DRAIN_MS),
    '0',
    'time after SIGTERM or SIGINT in which the gateway serves its open sessions but opens no others',
  ),
  workers: setting(
    'cluster',
    whole(1, 64),
    '1',
    'number of nodes that the command starts on this machine; they share the port, and more than 1 need a cluster',
  ),
  web: setting(
    'http',
    oneOf(['on', 'off'], 'must be on or off'),
    'on',
    'whether the web client is served below /app/, to which / redirects browsers: on or off',
  ),
  logLevel: setting(
    'command',
    oneOf(['trace', 'debug', 'info', 'warn', 'error', 'silent'], 'must be trace, debug, info, warn, error or silent'),
    'info',
    'trace, debug, info, warn, error or silent',
  ),
} as const

/** The name of a setting. */
export type SettingName = keyof typeof SETTINGS

/** The values of all settings of a group. */
export type ValuesOf<G extends Group> = {
  readonly [N in SettingName as (typeof SETTINGS)[N]['group'] extends G
    ? N
    : never]: (typeof SETTINGS)[N] extends Setting<Group, infer T> ? T : never
}

/** The names of all settings. */
export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[]
