import { z } from 'zod'

/** Seconds: what a database takes for a moment from now on is far beyond. */
const MAX_DURATION = 2 ** 31 - 1

const name = z.string('must be a string').min(1, 'must not be empty')
const flag = z.boolean('must be true or false')
const object = 'must be an object'

/** `SameSite` as the package `cookies` takes it: true is `strict`, false is none of it. */
const sameSite = z.union(
  [
    flag,
    z
      .string()
      .toLowerCase()
      .pipe(z.enum(['lax', 'strict', 'none'])),
  ],
  'must be "lax", "strict", "none", true or false',
)

/** The options of the package `cookies`, as far as they make sense for a session's cookie. */
const CookieOptions = z
  .strictObject(
    {
      /** milliseconds; 0 lets the cookie live as long as the browser */
      maxAge: z.number('must be a number of milliseconds').min(0, 'must be a number of milliseconds'),
      path: name,
      domain: name,
      secure: flag,
      httpOnly: flag,
      sameSite,
      partitioned: flag,
      priority: z.enum(['low', 'medium', 'high'], 'must be "low", "medium" or "high"'),
      /** makes no difference: the guard sets its cookie once an answer */
      overwrite: flag,
      signed: z.literal(false, 'is not supported: an id is looked up, a signature would add nothing'),
      expires: z.never('is not supported: it would be the same moment for every session; "maxAge" says how long'),
    },
    object,
  )
  .partial()

const Transport = z.strictObject(
  {
    type: z.enum(['token', 'cookie', 'bearer'], 'must be "token", "cookie" or "bearer"'),
    /** of `token`: the query parameter */
    param: name.default('_token'),
    /** of `cookie` */
    cookie_name: name.default('sxapi-sess'),
    cookie_options: CookieOptions.default({}),
  },
  object,
)

const Backend = z
  .strictObject(
    {
      type: z.enum(
        ['memory', 'mysql', 'postgres', 'couchbase', 'memcache', 'redis'],
        'must be "memory", "mysql", "postgres", "couchbase", "memcache" or "redis"',
      ),
      resource: name.optional(),
      table: name.optional(),
      sid_field: name.optional(),
      key_ns: z.string('must be a string').optional(),
      /** the names under which others read some of it */
      fields: z.strictObject({ ip: name, start: name, stop: name, token: name }, object).partial().default({}),
    },
    object,
  )
  .superRefine((backend, context) => {
    for (const key of REQUIRED[backend.type]) {
      if (backend[key] === undefined) context.addIssue({ code: 'custom', path: [key], message: 'is missing' })
    }
  })

/** What each kind of backend cannot do without, as SXAPI has it. */
const REQUIRED = {
  memory: [],
  mysql: ['resource', 'table', 'sid_field'],
  postgres: ['resource', 'table', 'sid_field'],
  couchbase: ['resource'],
  memcache: ['resource', 'sid_field'],
  redis: ['resource', 'sid_field'],
} as const

const Session = z.strictObject(
  {
    /** seconds, from the session's beginning on */
    duration: z
      .int(`must be a whole number from 1 to ${MAX_DURATION}`)
      .min(1, `must be a whole number from 1 to ${MAX_DURATION}`)
      .max(MAX_DURATION, `must be a whole number from 1 to ${MAX_DURATION}`)
      .default(3600),
    /** whether a request that carries no id is given a session */
    auto_create: flag.default(false),
    transport: Transport,
    backend: Backend,
  },
  'must be an object, or false',
)

/** SXAPI's `session` section. */
export type SessionConfig = z.input<typeof Session>
export type CookieOptions = z.output<typeof CookieOptions>
export type TransportConfig = z.output<typeof Transport>
export type BackendConfig = z.output<typeof Backend>

/** Checks a `session` section and fills in its defaults. Throws a `TypeError` that names the field. */
export function readSessionConfig(config: SessionConfig): z.output<typeof Session> {
  return check(Session, config, 'session')
}

/** What the schema makes of a value. Throws a `TypeError` that names the field, under the place where the value is. */
export function check<S extends z.ZodType>(schema: S, value: unknown, place: string): z.output<S> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0] as z.core.$ZodIssue
  const fail = (path: readonly PropertyKey[], reason: string): never => {
    throw new TypeError(`${[place, ...path].map(String).join('.')}: ${reason}`)
  }
  if (issue.code === 'unrecognized_keys') return fail([...issue.path, issue.keys[0] as string], 'there is no such key')
  return fail(issue.path, isMissing(value, issue.path) ? 'is missing' : issue.message)
}

function isMissing(value: unknown, path: readonly PropertyKey[]): boolean {
  const found = path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown> | undefined)?.[key], value)
  return found === undefined
}
