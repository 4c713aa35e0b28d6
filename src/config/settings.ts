import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { COMPAT_APIS } from '../compat/compat-apis.ts'
import { FORWARDED_HEADERS } from '../http/client-address.ts'
import { TRANSPORTS } from '../http/middleware/connection-id.ts'
import { isNetwork } from '../http/trusted-proxies.ts'
import { STORE_SCHEMES } from '../store/open.ts'
import { ConfigError } from './config-error.ts'
import { HOST_RULE, isHost } from './host.ts'
import { isServiceVariable } from './kubernetes.ts'
import { type AppConfig, readServers, type ServerConfig } from './servers-file.ts'

export { ConfigError } from './config-error.ts'
export type { ServerConfig } from './servers-file.ts'

const BUNDLED_SERVERS = fileURLToPath(new URL('../../servers.json', import.meta.url))
/** The longest delay that Node timers support. */
const MAX_MS = 2 ** 31 - 1

const whole = (min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`
  return z
    .string()
    .regex(/^\d{1,15}$/, error)
    .transform(Number)
    .refine((n) => n >= min && n <= max, error)
}
const ms = whole(1, MAX_MS)
const host = z.string().min(1, 'must name an address').refine(isHost, HOST_RULE)
const origins = z.string().transform((value, context): '*' | readonly string[] => {
  if (value === '*') return value
  const list = value.split(',').map((each) => each.trim())
  for (const each of list) {
    if (!URL.canParse(each) || new URL(each).origin !== each) {
      context.addIssue({
        code: 'custom',
        message: `must be * or origins such as https://kom.example.org, with commas between them`,
      })
      return z.NEVER
    }
  }
  return list
})

const storeUrl = z.string().refine((text) => STORE_SCHEMES.some((scheme) => text.startsWith(scheme)), {
  error: `must be a URL that begins with one of ${STORE_SCHEMES.join(' ')}`,
})
const flag = z.enum(['true', 'false'], 'must be true or false').transform((text) => text === 'true')
/** Returns the schema of a comma-separated list. An empty string is an empty list. */
const list = <T>(item: z.ZodType<T, string>) =>
  z
    .string()
    .transform((text) => (text === '' ? [] : text.split(',').map((each) => each.trim())))
    .pipe(z.array(item))
const appKeys = list(
  z
    .string()
    // The error describes the rule without the value, which may be a key.
    .regex(/^[A-Za-z0-9_.*-]+:[\x21-\x2b\x2d-\x7e]+$/, 'must be app:key, the key without spaces and commas')
    .transform((text) => ({ app: text.slice(0, text.indexOf(':')), key: text.slice(text.indexOf(':') + 1) })),
)

/** A setting: the schema of its text, its default as text, and its line in `--help`. */
interface Setting<T> {
  readonly schema: z.ZodType<T, string>
  readonly fallback: string
  readonly help: string
}

function setting<T>(schema: z.ZodType<T, string>, fallback: string, help: string): Setting<T> {
  return { schema, fallback, help }
}

/** All settings: `sessionIdleMs` is the flag `--session-idle-ms` and the variable `KOMGATE_SESSION_IDLE_MS`. */
export const SETTINGS = {
  servers: setting(z.string().min(1, 'must name a file'), BUNDLED_SERVERS, 'file that lists the LysKOM servers'),
  host: setting(host, '127.0.0.1', 'address to listen on'),
  port: setting(whole(0, 65535), '5001', 'port to listen on; 0 picks a free one'),
  adminHost: setting(host, '127.0.0.1', 'address that the admin port listens on'),
  adminPort: setting(
    z
      .string()
      .transform((text) => (text === '' ? undefined : text))
      .pipe(whole(0, 65535).optional()),
    '',
    'separate port for metrics, health checks and administration; 0 picks a free one',
  ),
  adminKey: setting(
    z.string().regex(/^(?:[\x21-\x7e]{16,})?$/, 'must be 16 or more characters, without spaces'),
    '',
    'key for the administration API, which lists and ends all sessions',
  ),
  basePath: setting(
    z.string().regex(/^(?:(?:\/[A-Za-z0-9._~-]+)+)?$/, 'must be a path such as /kom, without a slash at its end'),
    '',
    'path prefix of every route, such as /httpkom',
  ),
  trustedProxies: setting(
    list(z.string().refine(isNetwork, 'must be addresses and networks such as 10.0.0.0/8, with commas between them')),
    '',
    'addresses and networks of reverse proxies, separated by commas',
  ),
  forwardedHeader: setting(
    z.enum(FORWARDED_HEADERS, `must be ${FORWARDED_HEADERS.join(' or ')}`),
    'x-forwarded-for',
    'header in which trusted proxies report the client address: x-forwarded-for or forwarded',
  ),
  sessionIdleMs: setting(ms, '1800000', 'idle timeout of a session'),
  maxSessions: setting(whole(1, 1_000_000), '20000', 'maximum number of sessions'),
  maxSessionsPerAddress: setting(whole(1, 1_000_000), '200', 'maximum number of sessions for one client address'),
  maxSessionsPerPerson: setting(
    whole(1, 1_000_000),
    '50',
    'maximum number of sessions on which one person is logged in',
  ),
  maxOpeningsPerMinute: setting(whole(1, 10_000_000), '1200', 'sessions that one client address may open per minute'),
  maxLoginsPerMinute: setting(whole(1, 10_000_000), '600', 'logins that one client address may try per minute'),
  freeLoginFailures: setting(
    whole(1, 1_000_000),
    '5',
    'consecutive wrong passwords for one person from one client address before logins are delayed',
  ),
  freeLoginFailuresPerPerson: setting(
    whole(1, 1_000_000),
    '100',
    'wrong passwords for one person from unknown networks before logins from these networks are delayed',
  ),
  maxLoginDelayMs: setting(ms, '300000', 'maximum login delay; it starts at one second and doubles'),
  maxBodyBytes: setting(whole(1, 2 ** 30), '8388608', 'maximum request body size'),
  maxHeaderBytes: setting(whole(1024, 1_048_576), '16384', 'maximum size of the request headers'),
  httpHeadersMs: setting(ms, '20000', 'timeout for receiving the request headers'),
  httpRequestMs: setting(ms, '120000', 'timeout for receiving a complete request with its body'),
  httpIdleMs: setting(ms, '75000', 'keep-alive timeout of an HTTP connection without a request'),
  httpStallMs: setting(ms, '180000', 'timeout of an HTTP connection without traffic in either direction'),
  maxUnreadBytesPerConnection: setting(
    whole(1, 2 ** 30),
    '1048576',
    'unread responses of one WebSocket before the gateway stops reading from it',
  ),
  maxUnreadBytesPerAddress: setting(
    whole(1, 2 ** 40),
    '67108864',
    'unread responses held for one client address before its most stalled connections are dropped',
  ),
  maxUnreadBytes: setting(whole(1, 2 ** 40), '268435456', 'unread responses held for all clients together'),
  maxWebsocketsPerSession: setting(whole(1, 1000), '8', 'maximum number of WebSockets per session'),
  maxWebsocketMessagesPerSecond: setting(
    whole(1, 1_000_000),
    '1000',
    'maximum number of messages per second on one WebSocket',
  ),
  websocketPingMs: setting(ms, '30000', 'WebSocket ping interval'),
  bodyCacheBytes: setting(whole(0, 2 ** 40), '33554432', 'size of the cache of text bodies for each LysKOM server'),
  connectTimeoutMs: setting(ms, '10000', 'timeout for opening a session on a LysKOM server'),
  serverRetryMs: setting(
    ms,
    '2000',
    'delay before the next attempt to reach a LysKOM server after three consecutive failures',
  ),
  callTimeoutMs: setting(ms, '20000', 'timeout for the reply to a call'),
  keepaliveMs: setting(ms, '30000', 'idle time of a LysKOM connection before a keepalive call is sent'),
  keepaliveTimeoutMs: setting(ms, '10000', 'timeout for the reply to a keepalive call'),
  maxMessageBytes: setting(whole(1024, 2 ** 30), '33554432', 'maximum size of a message from a LysKOM server'),
  demoMaxTexts: setting(
    whole(1, 1_000_000),
    '10000',
    'texts that clients may write to the demo server; above it their oldest are deleted',
  ),
  demoMaxTextBytes: setting(
    whole(1, 2 ** 40),
    '33554432',
    'bytes of those texts, with their aux-items and links; above it their oldest are deleted',
  ),
  shutdownTimeoutMs: setting(ms, '10000', 'time for requests in flight to finish after SIGTERM or SIGINT'),
  corsOrigins: setting(origins, '*', 'origins whose pages may use the API, * for all'),
  corsMaxAgeMs: setting(ms, '3600000', 'how long browsers cache a CORS preflight response'),
  store: setting(
    storeUrl,
    'memory:',
    'where session records are kept: memory:, redis://, postgres://, mysql:// and so on',
  ),
  compat: setting(
    list(z.enum(COMPAT_APIS, `must be some of ${COMPAT_APIS.join(', ')}, with commas between them`)),
    '',
    'compatibility APIs to serve',
  ),
  appKeys: setting(appKeys, '', 'application keys as app:key, separated by commas; the app * stands for all'),
  insecureCompat: setting(flag, 'false', 'true serves the compatibility APIs without a key'),
  transports: setting(
    list(z.enum(TRANSPORTS, `must be some of ${TRANSPORTS.join(', ')}, with commas between them`)),
    '',
    'additional ways to send the connection id: bearer, cookie, query',
  ),
  cookieSameSite: setting(
    z.enum(['lax', 'strict', 'none'], 'must be lax, strict or none'),
    'lax',
    'SameSite attribute of the session cookie',
  ),
  cookiePartitioned: setting(flag, 'false', 'true adds the Partitioned attribute to the session cookie'),
  autoCreate: setting(flag, 'false', 'true opens a session for a request without a connection id'),
  sessmanTtlMs: setting(ms, '86400000', 'lifetime of a sessman session after its last update'),
  logLevel: setting(
    z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'], 'must be trace, debug, info, warn, error or silent'),
    'info',
    'trace, debug, info, warn, error or silent',
  ),
} as const

type SettingName = keyof typeof SETTINGS
type Values = { readonly [N in SettingName]: (typeof SETTINGS)[N] extends Setting<infer T> ? T : never }

/** The complete configuration of a gateway, validated and frozen. Times in milliseconds, sizes in bytes. */
export type Config = Omit<Values, 'servers'> & {
  readonly servers: readonly ServerConfig[]
  readonly apps: readonly AppConfig[]
}

/** A parsed command line. */
export type Command =
  | { readonly action: 'help' | 'version'; readonly config?: undefined }
  | { readonly action: 'run' | 'check'; readonly config: Config }

type Environment = Readonly<Record<string, string | undefined>>
type Flags = Readonly<Record<string, unknown>>

/**
 * Reads the command line, the environment and `servers.json`. Flags override environment variables.
 * @throws ConfigError for unknown or invalid settings; no invalid value falls back to its default
 */
export function readCommand(args: readonly string[], env: Environment): Command {
  const flags = readFlags(args)
  if (flags.help) return { action: 'help' }
  if (flags.version) return { action: 'version' }
  return { action: flags.check ? 'check' : 'run', config: configure(flags, env) }
}

/**
 * Reads a configuration as `readCommand` does, for a program that embeds the gateway: `readConfig(['--port', '0'])`.
 */
export function readConfig(args: readonly string[] = [], env: Environment = {}): Config {
  return configure(readFlags(args), env)
}

function configure(flags: Flags, env: Environment): Config {
  const { servers, ...values } = readSettings(flags, env)
  return Object.freeze({
    ...values,
    ...readServers(servers),
  })
}

/** Returns the command-line flag of a setting, without the dashes. */
export function flagName(name: SettingName): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** Returns the environment variable of a setting. */
export function variableName(name: SettingName): string {
  return `KOMGATE_${flagName(name).replaceAll('-', '_').toUpperCase()}`
}

const NAMES = Object.keys(SETTINGS) as SettingName[]

function readFlags(args: readonly string[]): Flags {
  const switches = ['help', 'version', 'check'].map((name) => [name, { type: 'boolean' as const }])
  const values = NAMES.map((name) => [flagName(name), { type: 'string' as const }])
  try {
    return parseArgs({ args: [...args], options: Object.fromEntries([...switches, ...values]), strict: true }).values
  } catch (error) {
    throw new ConfigError(`command line: ${(error as Error).message.split('\n')[0]}`)
  }
}

function readSettings(flags: Flags, env: Environment): Values {
  const known = new Set(NAMES.map(variableName))
  for (const variable of Object.keys(env)) {
    if (!variable.startsWith('KOMGATE_') || known.has(variable)) continue
    if (readVariable(variable, env) === undefined) continue
    throw new ConfigError(`environment: ${variable}: there is no such setting`)
  }
  const values = Object.fromEntries(NAMES.map((name) => [name, readSetting(name, flags, env)])) as Values
  if (values.adminPort === values.port && values.port !== 0 && values.adminHost === values.host) {
    throw new ConfigError(`${placeOf('adminPort', flags)}: must differ from the port that komgate listens on`)
  }
  return values
}

/** Returns the value of an environment variable, undefined if Kubernetes has set it for a Service. */
function readVariable(variable: string, env: Environment): string | undefined {
  const value = env[variable]
  return value === undefined || isServiceVariable(variable, value) ? undefined : value
}

function placeOf(name: SettingName, flags: Flags): string {
  const isFlag = flags[flagName(name)] !== undefined
  return isFlag ? `command line: --${flagName(name)}` : `environment: ${variableName(name)}`
}

function readSetting(name: SettingName, flags: Flags, env: Environment): unknown {
  const flag = flags[flagName(name)] as string | undefined
  const variable = readVariable(variableName(name), env)
  const parsed = SETTINGS[name].schema.safeParse(flag ?? variable ?? SETTINGS[name].fallback)
  if (parsed.success) return parsed.data
  throw new ConfigError(`${placeOf(name, flags)}: ${parsed.error.issues[0]?.message}`)
}
