import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { z } from 'zod'

/** A LysKOM server as `servers.json` names it. */
export interface ServerConfig {
  id: string
  name: string
  /** the built-in demo server, which komgate starts itself */
  demo: boolean
  host: string
  port: number
}

/** What was asked for wrongly: one line that names the place and the reason. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** The port that IANA registered for LysKOM. */
const LYSKOM_PORT = 4894
const BUNDLED_SERVERS = fileURLToPath(new URL('../servers.json', import.meta.url))
/** The longest delay that a timer of Node takes. */
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

/** One setting: how its text is read, its default as text, and what `--help` says. */
interface Setting<T> {
  readonly schema: z.ZodType<T, string>
  readonly fallback: string
  readonly help: string
}

function setting<T>(schema: z.ZodType<T, string>, fallback: string, help: string): Setting<T> {
  return { schema, fallback, help }
}

/** Every setting, once: `sessionIdleMs` is the flag `--session-idle-ms` and the variable `KOMGATE_SESSION_IDLE_MS`. */
export const SETTINGS = {
  servers: setting(z.string().min(1, 'must name a file'), BUNDLED_SERVERS, 'file that lists the LysKOM servers'),
  host: setting(z.string().min(1, 'must name an address'), '127.0.0.1', 'address to listen on'),
  port: setting(whole(0, 65535), '5001', 'port to listen on, 0 for any'),
  basePath: setting(
    z.string().regex(/^(?:(?:\/[A-Za-z0-9._~-]+)+)?$/, 'must be a path such as /kom, without a slash at its end'),
    '',
    'what a proxy in front leaves before every path',
  ),
  sessionIdleMs: setting(ms, '1800000', 'a session that no request has used for so long is closed'),
  maxSessions: setting(whole(1, 1_000_000), '20000', 'sessions held at most'),
  maxSessionsPerAddress: setting(whole(1, 1_000_000), '1000', 'sessions held at most for one client address'),
  maxBodyBytes: setting(whole(1, 2 ** 30), '8388608', 'largest request body'),
  bodyCacheBytes: setting(whole(0, 2 ** 40), '33554432', 'texts kept in memory for each LysKOM server'),
  connectTimeoutMs: setting(ms, '10000', 'for a LysKOM server to accept a session'),
  callTimeoutMs: setting(ms, '20000', 'for a LysKOM server to answer a call'),
  keepaliveMs: setting(ms, '30000', 'silence after which a LysKOM server is asked for a sign of life'),
  keepaliveTimeoutMs: setting(ms, '10000', 'for that sign to come'),
  maxMessageBytes: setting(whole(1024, 2 ** 30), '33554432', 'largest message from a LysKOM server'),
  shutdownTimeoutMs: setting(ms, '10000', 'for requests in flight to finish on SIGTERM or SIGINT'),
  corsOrigins: setting(origins, '*', 'origins whose pages may use the API, * for all'),
  corsMaxAgeMs: setting(ms, '3600000', 'how long a browser may remember a CORS preflight'),
  logLevel: setting(
    z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'], 'must be trace, debug, info, warn, error or silent'),
    'info',
    'trace, debug, info, warn, error or silent',
  ),
} as const

type SettingName = keyof typeof SETTINGS
type Values = { readonly [N in SettingName]: (typeof SETTINGS)[N] extends Setting<infer T> ? T : never }

/** All that a gateway needs to know, checked and frozen. Times in milliseconds, sizes in bytes. */
export type Config = Omit<Values, 'servers'> & { readonly servers: readonly ServerConfig[] }

/** What a command line asks for. */
export type Command =
  | { readonly action: 'help' | 'version'; readonly config?: undefined }
  | { readonly action: 'run' | 'check'; readonly config: Config }

type Environment = Readonly<Record<string, string | undefined>>
type Flags = Readonly<Record<string, unknown>>

/**
 * Reads the command line, the environment and `servers.json`; a flag goes before a variable.
 * @throws ConfigError for anything unknown or wrong; nothing falls back to a default in silence
 */
export function readCommand(args: readonly string[], env: Environment): Command {
  const flags = readFlags(args)
  if (flags.help) return { action: 'help' }
  if (flags.version) return { action: 'version' }
  return { action: flags.check ? 'check' : 'run', config: configure(flags, env) }
}

/** Reads a configuration as `readCommand` does, for a program that embeds the gateway: `readConfig(['--port', '0'])`. */
export function readConfig(args: readonly string[] = [], env: Environment = {}): Config {
  return configure(readFlags(args), env)
}

function configure(flags: Flags, env: Environment): Config {
  const { servers, ...values } = readSettings(flags, env)
  return Object.freeze({
    ...values,
    servers: Object.freeze(readServers(servers).map((server) => Object.freeze(server))),
  })
}

export function flagName(name: SettingName): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

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
    if (variable.startsWith('KOMGATE_') && !known.has(variable)) {
      throw new ConfigError(`environment: ${variable}: there is no such setting`)
    }
  }
  return Object.fromEntries(NAMES.map((name) => [name, readSetting(name, flags, env)])) as Values
}

function readSetting(name: SettingName, flags: Flags, env: Environment): unknown {
  const flag = flags[flagName(name)] as string | undefined
  const variable = env[variableName(name)]
  const parsed = SETTINGS[name].schema.safeParse(flag ?? variable ?? SETTINGS[name].fallback)
  if (parsed.success) return parsed.data
  const place = flag === undefined ? `environment: ${variableName(name)}` : `command line: --${flagName(name)}`
  throw new ConfigError(`${place}: ${parsed.error.issues[0]?.message}`)
}

/** Paths of the gateway's own that a server id would hide. */
const RESERVED = ['stats', 'websocket', 'metrics', 'live', 'ready', 'ping', 'admin', 'sessman']
const ServerId = z
  .string()
  // One that begins with a digit would lose its place in the order: JavaScript puts such keys first.
  .regex(
    /^[A-Za-z][A-Za-z0-9_.-]*$/,
    'a server id is a letter, then letters, digits, hyphens, full stops and underscores',
  )
  .refine((id) => !RESERVED.includes(id), 'is a path of the gateway itself')
const name = z.string('must be a string').min(1, 'must not be empty')
const Server = z.union([
  z.strictObject({ name, demo: z.literal(true, 'must be true where it is given') }),
  z.strictObject({
    name,
    host: z.string('must be a string').regex(/^[A-Za-z0-9._:-]+$/, 'must be a host name or an address'),
    port: z
      .int('must be a whole number from 1 to 65535')
      .min(1, 'must be a whole number from 1 to 65535')
      .max(65535, 'must be a whole number from 1 to 65535')
      .default(LYSKOM_PORT),
  }),
])

function readServers(file: string): ServerConfig[] {
  const fail = (key: string, reason: string): never => {
    throw new ConfigError([file, key, reason].filter((part) => part !== '').join(': '))
  }
  let entries: [string, unknown][] = []
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return fail('', 'must be an object keyed by server id')
    entries = Object.entries(value)
  } catch (error) {
    if (error instanceof ConfigError) throw error
    const { code, message } = error as NodeJS.ErrnoException
    return fail('', code === 'ENOENT' ? 'there is no such file' : (message.split('\n')[0] ?? 'cannot be read'))
  }
  if (entries.length === 0) return fail('', 'lists no server')
  return entries.map(([id, entry]) => {
    const idIssue = ServerId.safeParse(id).error?.issues[0]
    if (idIssue !== undefined) return fail(id, idIssue.message)
    if (typeof entry !== 'object' || entry === null) return fail(id, 'must be an object')
    const isDemo = 'demo' in entry
    const parsed = Server.options[isDemo ? 0 : 1].safeParse(entry)
    if (parsed.success) return { id, demo: false, host: '', port: 0, ...parsed.data }
    const issue = parsed.error.issues[0] as z.core.$ZodIssue
    if (issue.code === 'unrecognized_keys') return fail([id, issue.keys[0]].join('.'), 'there is no such key')
    const missing = issue.path.length > 0 && !Object.hasOwn(entry, issue.path[0] as PropertyKey)
    return fail([id, ...issue.path].join('.'), missing ? 'is missing' : issue.message)
  })
}
