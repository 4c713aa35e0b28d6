import { z } from 'zod'
import { extractLayout, KEY_PARAMETERS, TABLE_PARAMETERS } from '../store/layout.ts'
import { type BackendConfig, check } from './sxapi-config.ts'

/** The location of a resource's server: the parts of a store URL. */
interface ServerLocation {
  host: string
  port?: number | undefined
  user?: string | undefined
  password?: string | undefined
  /** the name of a database or a bucket, or a database number */
  path?: string | undefined
}

/** A parsed resource: a URL, or the parts of one. */
type ParsedResource = string | ServerLocation

const text = z.string('must be a string')
const host = text.regex(/^[A-Za-z0-9._:-]+$/, 'must be a host name or an address; a URL can say more')
const invalidPort = 'must be a whole number from 1 to 65535'
/** The examples of SXAPI write the port as a string. */
const port = z
  .union([z.int(), z.string().regex(/^\d+$/, invalidPort).transform(Number)], invalidPort)
  .refine((n) => n >= 1 && n <= 65535, invalidPort)
/** Driver options of SXAPI that the stores here do not use: times are in UTC, text in UTF-8. */
const unused = z.unknown().optional()
const object = 'must be an object, or a URL'

const Sql = (kind: 'mysql' | 'postgres') =>
  z
    .strictObject(
      {
        _class: z.literal(kind, `must be "${kind}"`).optional(),
        server: z.strictObject(
          {
            host,
            port: port.optional(),
            user: text.optional(),
            password: text.optional(),
            database: text.min(1, 'must not be empty'),
            charset: unused,
            timezone: unused,
            connectTimeout: unused,
          },
          'must be an object',
        ),
        keepAliveInterval: unused,
      },
      object,
    )
    .transform(({ server: { database, ...place } }): ParsedResource => ({ ...place, path: database }))

const invalidDb = 'must be the number of a database'

const Redis = z
  .strictObject(
    {
      _class: z.literal('redis', 'must be "redis"').optional(),
      url: text.optional(),
      host: host.optional(),
      port: port.optional(),
      user: text.optional(),
      password: text.optional(),
      db: z.union([z.int(invalidDb).min(0, invalidDb), z.string().regex(/^\d+$/, invalidDb)], invalidDb).optional(),
      return_buffers: unused,
    },
    object,
  )
  .superRefine(({ _class, return_buffers, url, host, ...more }, context) => {
    if (url === undefined && host === undefined)
      context.addIssue({ code: 'custom', path: ['host'], message: 'is missing' })
    const beside = Object.entries({ host, ...more }).find(([, value]) => url !== undefined && value !== undefined)
    if (beside) context.addIssue({ code: 'custom', path: [beside[0]], message: 'must be in the "url"' })
  })
  .transform(({ url, host = '', db, ...place }): ParsedResource => url ?? { ...place, host, path: db?.toString() })

const Memcache = z
  .strictObject(
    {
      _class: z.literal('memcache', 'must be "memcache"').optional(),
      host: host.default('127.0.0.1'),
      port: port.optional(),
    },
    object,
  )
  .transform((place): ParsedResource => place)

/** `couchbase://host[/bucket]`, or the address of the cluster's web console, as in the examples of SXAPI. */
const CLUSTER = /^(?:couchbase|http):\/\/([A-Za-z0-9._,:-]+?)(?::8091)?(?:\/[^?]*)?$/

const Couchbase = z
  .strictObject(
    {
      _class: z.literal('couchbase', 'must be "couchbase"').optional(),
      cluster: text.regex(CLUSTER, 'must be a URL such as couchbase://host'),
      bucket: text.min(1, 'must not be empty'),
      // Current Couchbase clusters do not allow anonymous access.
      user: text.min(1, 'must not be empty'),
      password: text.optional(),
      insertOptions: unused,
      updateOptions: unused,
      deleteOptions: unused,
    },
    object,
  )
  .transform(({ cluster, bucket, user, password }): ParsedResource => {
    return { host: CLUSTER.exec(cluster)?.[1] ?? '', user, password, path: bucket }
  })

type Kind = Exclude<BackendConfig['type'], 'memory'>

const KINDS = {
  mysql: { schemes: ['mysql:'], object: Sql('mysql'), parameters: TABLE_PARAMETERS },
  postgres: { schemes: ['postgres:', 'postgresql:'], object: Sql('postgres'), parameters: TABLE_PARAMETERS },
  couchbase: { schemes: ['couchbase:', 'couchbases:'], object: Couchbase, parameters: KEY_PARAMETERS },
  memcache: { schemes: ['memcache:'], object: Memcache, parameters: KEY_PARAMETERS },
  redis: { schemes: ['redis:', 'rediss:'], object: Redis, parameters: KEY_PARAMETERS },
} as const satisfies Record<
  Kind,
  { schemes: readonly string[]; object: z.ZodType<ParsedResource>; parameters: readonly string[] }
>

/**
 * SXAPI's `resources` section: for each id an object as in SXAPI, or the URL of a store. Only the resource that the
 * backend names is validated.
 */
export type SessionResources = Readonly<Record<string, unknown>>

/**
 * Returns the URL of the store that a backend and its resource describe.
 *
 * @throws TypeError with the name of the invalid field; the message never holds a password
 */
export function storeUrl(backend: BackendConfig, resources: SessionResources | string): string {
  const { type, resource = '' } = backend
  const url = new URL(type === 'memory' ? 'memory:' : resourceUrl(type, resource, resources))
  const parameters = type === 'memory' ? [] : KINDS[type].parameters
  for (const [key, value] of layoutOf(backend)) {
    if (parameters.includes(key)) url.searchParams.set(key, value)
  }
  try {
    extractLayout(new URL(url), parameters)
  } catch (error) {
    throw new TypeError(`session.backend: ${(error as Error).message}`)
  }
  return url.href
}

function resourceUrl(type: Kind, id: string, resources: SessionResources | string): string {
  if (typeof resources === 'string') return checkedUrl(type, resources, 'resources')
  if (!Object.hasOwn(resources, id)) throw new TypeError(`session.backend.resource: there is no resource "${id}"`)
  const place = `resources.${id}`
  const resource = resources[id]
  const found = typeof resource === 'string' ? resource : check(KINDS[type].object, resource, place)
  return checkedUrl(type, typeof found === 'string' ? found : formatUrl(KINDS[type].schemes[0], found), place)
}

function checkedUrl(type: Kind, url: string, place: string): string {
  const schemes: readonly string[] = KINDS[type].schemes
  if (URL.canParse(url) && schemes.includes(new URL(url).protocol)) return url
  throw new TypeError(`${place}: must be a URL that begins with ${schemes.join('// or ')}//`)
}

function formatUrl(
  scheme: string,
  { host: name, port: number, user = '', password, path = '' }: ServerLocation,
): string {
  const secret = password === undefined ? '' : `:${encodeURIComponent(password)}`
  const account = user === '' && secret === '' ? '' : `${encodeURIComponent(user)}${secret}@`
  const bracketed = name.split(':').length > 2 ? `[${name}]` : name
  return `${scheme}//${account}${bracketed}${number === undefined ? '' : `:${number}`}/${encodeURIComponent(path)}`
}

/** Returns the layout of the records as query parameters of a store URL, whether or not the kind of store has them. */
function layoutOf({ type, table, sid_field, key_ns, fields }: BackendConfig): [string, string][] {
  const named = Object.entries(fields).map(([field, name]) => [`fields.${field}`, name] as const)
  const entries = [
    ['table', table],
    ['sid_field', sid_field],
    ['key_ns', key_ns ?? defaultKeyNs(type, sid_field)],
  ]
  return [...entries, ...named].filter((entry): entry is [string, string] => entry[1] !== undefined)
}

/** Returns the default key prefix of SXAPI. */
function defaultKeyNs(type: BackendConfig['type'], sidField: string | undefined): string | undefined {
  if (type === 'redis' || type === 'memcache') return `${sidField}::`
  return type === 'couchbase' ? '' : undefined
}
