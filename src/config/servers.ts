import { z } from 'zod'
import { ConfigError } from './config-error.ts'
import { HOST_RULE, isHost } from './host.ts'

/** The LysKOM servers and the plain applications of a gateway by id, in the order in which clients list them. */
export type Servers = Readonly<Record<string, RemoteServer | DemoServer | PlainApp>>

/** A LysKOM server. */
export interface RemoteServer {
  /** the name that clients show */
  readonly name: string
  /** a host name or an IP address */
  readonly host: string
  /** default: 4894 */
  readonly port?: number
}

/** The built-in demo server, which runs in the process of the gateway. */
export interface DemoServer {
  /** the name that clients show */
  readonly name: string
  /** marks the entry as a demo server */
  readonly demo: true
}

/** An application without a LysKOM server, which stores its sessions in the gateway through a compatibility API. */
export interface PlainApp {
  /** the name of the application */
  readonly name: string
  /** marks the entry as an application */
  readonly app: true
}

/** A LysKOM server with its id. */
export interface ServerConfig {
  /** server id, the first segment of request paths */
  id: string
  /** the name that clients show */
  name: string
  /** whether it is the built-in demo server */
  demo: boolean
  /** host name or IP address; empty for the demo server */
  host: string
  /** TCP port; 0 for the demo server */
  port: number
}

/** A plain application with its id. */
export interface AppConfig {
  /** app id, as in requests to the compatibility APIs */
  id: string
  /** the name of the application */
  name: string
}

/** The port that IANA registered for LysKOM. */
const LYSKOM_PORT = 4894

/** Paths of the gateway itself, which cannot be server ids. */
const RESERVED = [
  ...['stats', 'websocket', 'metrics', 'live', 'ready', 'ping', 'admin', 'sessman', 'docs', 'app'],
  ...['add_session.cgi', 'validate.cgi', 'expire_session.cgi'],
]
const ServerId = z
  .string()
  // JavaScript objects list integer keys first, so an id of digits would lose its position.
  .regex(
    /^[A-Za-z][A-Za-z0-9_.-]*$/,
    'a server id is a letter, then letters, digits, hyphens, full stops and underscores',
  )
  .refine((id) => !RESERVED.includes(id), 'is a path of the gateway itself')
const name = z
  .string('must be a string')
  .refine((text) => text.trim() !== '', 'must not be empty')
  .refine((text) => !/\p{Cc}/u.test(text), 'must not hold control characters')
const AppId = z.string().regex(/^[A-Za-z0-9_-]{3,20}$/, 'an app id is 3 to 20 letters, digits, hyphens and underscores')
const Server = z.union([
  z.strictObject({ name, app: z.literal(true, 'must be true') }),
  z.strictObject({ name, demo: z.literal(true, 'must be true') }),
  z.strictObject({
    name,
    host: z.string('must be a string').refine(isHost, HOST_RULE),
    port: z
      .int('must be a whole number from 1 to 65535')
      .min(1, 'must be a whole number from 1 to 65535')
      .max(65535, 'must be a whole number from 1 to 65535')
      .default(LYSKOM_PORT),
  }),
])

/**
 * Creates the error for an invalid field.
 * @param path keys of the field, outermost first
 * @param reason why the field is invalid
 */
export type Fail = (path: readonly string[], reason: string) => Error

/**
 * Validates servers and applications, and separates them.
 * @param value the value of a `servers.json`
 * @param fail creates the error to throw; default: a `ConfigError` with the path
 * @throws the error that `fail` creates for the first invalid field
 */
export function parseServers(value: unknown, fail: Fail = ofOption): { servers: ServerConfig[]; apps: AppConfig[] } {
  if (!isObject(value)) throw fail([], 'must be an object keyed by server id')
  const entries = Object.entries(value)
  if (entries.length === 0) throw fail([], 'must list at least one server')
  const servers: ServerConfig[] = []
  const apps: AppConfig[] = []
  for (const [id, entry] of entries) {
    const idIssue = ServerId.safeParse(id).error?.issues[0]
    if (idIssue !== undefined) throw fail([id], idIssue.message)
    if (!isObject(entry)) throw fail([id], 'must be an object')
    const kind = 'app' in entry ? 0 : 'demo' in entry ? 1 : 2
    const parsed = Server.options[kind].safeParse(entry)
    if (parsed.success && 'app' in parsed.data) {
      const appIssue = AppId.safeParse(id).error?.issues[0]
      if (appIssue !== undefined) throw fail([id], appIssue.message)
      apps.push({ id, name: parsed.data.name })
    } else if (parsed.success) {
      servers.push({ id, demo: false, host: '', port: 0, ...parsed.data })
    } else {
      throw invalidEntry(fail, id, entry, parsed.error.issues[0] as z.core.$ZodIssue)
    }
  }
  return { servers, apps }
}

function ofOption(path: readonly string[], reason: string): ConfigError {
  return new ConfigError(`${['servers', ...path].join('.')}: ${reason}`)
}

function invalidEntry(fail: Fail, id: string, entry: object, issue: z.core.$ZodIssue): Error {
  if (issue.code === 'unrecognized_keys') return fail([id, issue.keys[0] ?? ''], 'there is no such key')
  const isMissing = issue.path.length > 0 && !Object.hasOwn(entry, issue.path[0] as PropertyKey)
  return fail([id, ...issue.path.map(String)], isMissing ? 'is missing' : issue.message)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
