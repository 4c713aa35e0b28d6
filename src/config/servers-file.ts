import { z } from 'zod'
import { HOST_RULE, isHost } from './host.ts'
import { invalid, readJsonFile } from './json-file.ts'

/** A LysKOM server in `servers.json`. */
export interface ServerConfig {
  id: string
  name: string
  /** whether it is the built-in demo server, which the gateway starts itself */
  demo: boolean
  host: string
  port: number
}

/** A plain application in `servers.json`, which stores its sessions in the gateway. */
export interface AppConfig {
  id: string
  name: string
}

/** The port that IANA registered for LysKOM. */
const LYSKOM_PORT = 4894

/** Paths of the gateway itself, which clash with a server id; `docs` is reserved. */
const RESERVED = [
  ...['stats', 'websocket', 'metrics', 'live', 'ready', 'ping', 'admin', 'sessman', 'docs'],
  ...['add_session.cgi', 'validate.cgi', 'expire_session.cgi'],
]
const ServerId = z
  .string()
  // JavaScript puts integer keys first, so an id that begins with a digit would lose its position.
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
  z.strictObject({ name, app: z.literal(true, 'must be true where it is given') }),
  z.strictObject({ name, demo: z.literal(true, 'must be true where it is given') }),
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

/** The contents of `servers.json`. */
interface ServersFile {
  readonly servers: readonly ServerConfig[]
  readonly apps: readonly AppConfig[]
}

/**
 * Reads the LysKOM servers and the applications of `servers.json` in the order of the file.
 * @throws ConfigError with the file, the field and the reason
 */
export function readServers(file: string): ServersFile {
  const value = readJsonFile(file)
  if (!isObject(value)) throw invalid(file, [], 'must be an object keyed by server id')
  const entries = Object.entries(value)
  if (entries.length === 0) throw invalid(file, [], 'lists no server')
  const servers: ServerConfig[] = []
  const apps: AppConfig[] = []
  for (const [id, entry] of entries) {
    const idIssue = ServerId.safeParse(id).error?.issues[0]
    if (idIssue !== undefined) throw invalid(file, [id], idIssue.message)
    if (!isObject(entry)) throw invalid(file, [id], 'must be an object')
    const kind = 'app' in entry ? 0 : 'demo' in entry ? 1 : 2
    const parsed = Server.options[kind].safeParse(entry)
    if (parsed.success && 'app' in parsed.data) {
      const appIssue = AppId.safeParse(id).error?.issues[0]
      if (appIssue !== undefined) throw invalid(file, [id], appIssue.message)
      apps.push(Object.freeze({ id, name: parsed.data.name }))
    } else if (parsed.success) {
      servers.push(Object.freeze({ id, demo: false, host: '', port: 0, ...parsed.data }))
    } else {
      throw invalidEntry(file, id, entry, parsed.error.issues[0] as z.core.$ZodIssue)
    }
  }
  return { servers: Object.freeze(servers), apps: Object.freeze(apps) }
}

function invalidEntry(file: string, id: string, entry: object, issue: z.core.$ZodIssue) {
  if (issue.code === 'unrecognized_keys') return invalid(file, [id, issue.keys[0] ?? ''], 'there is no such key')
  const isMissing = issue.path.length > 0 && !Object.hasOwn(entry, issue.path[0] as PropertyKey)
  return invalid(file, [id, ...issue.path.map(String)], isMissing ? 'is missing' : issue.message)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
