import { z } from 'zod'

/** The longest session in seconds. The date formats of the databases reach far beyond it. */
const MAX_DURATION = 2 ** 31 - 1

const name = z.string('must be a string').min(1, 'must not be empty')
const flag = z.boolean('must be true or false')
const object = 'must be an object'

/** `SameSite` as in the package `cookies`: true means `strict`, false omits the attribute. */
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

/** The options of the package `cookies` that apply to a session cookie. */
const CookieOptions = z
  .strictObject(
    {
      /** milliseconds; 0 makes a session cookie, which the browser deletes when it exits */
      maxAge: z.number('must be a number of milliseconds').min(0, 'must be a number of milliseconds'),
      path: name,
      domain: name,
      secure: flag,
      httpOnly: flag,
      sameSite,
      partitioned: flag,
      priority: z.enum(['low', 'medium', 'high'], 'must be "low", "medium" or "high"'),
      /** accepted without effect: the guard sets its cookie once per response */
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
    /** for `token`: the name of the query parameter */
    param: name.default('_token'),
    /** for `cookie`: the name of the cookie */
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
      /** the column or field names under which other programs read the values */
      fields: z.strictObject({ ip: name, start: name, stop: name, token: name }, object).partial().default({}),
    },
    object,
  )
  .superRefine((backend, context) => {
    for (const key of REQUIRED[backend.type]) {
      if (backend[key] === undefined) context.addIssue({ code: 'custom', path: [key], message: 'is missing' })
    }
  })

/** The required fields of each kind of backend, as in SXAPI. */
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
    /** seconds, counted from the creation of the session */
    duration: z
      .int(`must be a whole number from 1 to ${MAX_DURATION}`)
      .min(1, `must be a whole number from 1 to ${MAX_DURATION}`)
      .max(MAX_DURATION, `must be a whole number from 1 to ${MAX_DURATION}`)
      .default(3600),
    /** whether a request without an id gets a session */
    auto_create: flag.default(false),
    transport: Transport,
    backend: Backend,
  },
  'must be an object, or false',
)

/** SXAPI's `session` section. */
export type SessionConfig = z.input<typeof Session>
/** Cookie options after validation. */
export type CookieOptions = z.output<typeof CookieOptions>
/** The `transport` of a session section after validation. */
export type TransportConfig = z.output<typeof Transport>
/** The `backend` of a session section after validation. */
export type BackendConfig = z.output<typeof Backend>

/** Validates a `session` section and applies its defaults. @throws TypeError with the name of the invalid field */
export function readSessionConfig(config: SessionConfig): z.output<typeof Session> {
  return check(Session, config, 'session')
}

/** Parses a value by a schema. @throws TypeError with the path of the invalid field below `place` */
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
