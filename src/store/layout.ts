/** The names under which a store keeps its records, so that an existing table or key layout can be used. */
export interface Layout {
  /** table of SQL stores, collection of MongoDB */
  table: string
  /** column or document field with the key, which is the SHA-256 of the token */
  sidField: string
  /** prefix of every key in Redis, memcached and Couchbase */
  keyNs: string
  /** names of additional columns or fields for other programs; a field without a name is not written */
  fields: {
    /** IP address of the client */
    ip?: string
    /** start of the session, `YYYY-MM-DD HH:mm:ss` in UTC */
    start?: string
    /** end of the session in the same format; empty if it has no end */
    stop?: string
    /** the public handle; the token itself is not stored */
    token?: string
  }
}

const DEFAULTS: Layout = { table: 'komgate_sessions', sidField: 'sid', keyNs: 'komgate:', fields: {} }
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/
const KEY_NS = /^[\x21-\x7e]{0,64}$/
const FIELDS = ['ip', 'start', 'stop', 'token'] as const
const FIELD_PARAMETERS = FIELDS.map((field) => `fields.${field}`)
/** The layout parameters of stores with tables or collections. */
export const TABLE_PARAMETERS: readonly string[] = ['table', 'sid_field', ...FIELD_PARAMETERS]
/** The layout parameters of stores with keys. */
export const KEY_PARAMETERS: readonly string[] = ['key_ns', ...FIELD_PARAMETERS]

/**
 * Removes the layout parameters from the query of a store URL and returns the layout, with defaults for missing ones.
 * @param names the layout parameters of the kind of store
 * @throws TypeError that names a parameter with an invalid value, or one that the kind of store does not have
 */
export function extractLayout(url: URL, names: readonly string[]): Layout {
  const extract = (key: string, pattern: RegExp): string | undefined => {
    const value = url.searchParams.get(key)
    if (value === null) return undefined
    url.searchParams.delete(key)
    if (!names.includes(key)) throw new TypeError(`"${key}" is not a parameter of ${url.protocol}// store URLs`)
    if (!pattern.test(value)) throw new TypeError(`"${key}" is not a valid name`)
    return value
  }
  const named = FIELDS.map((field) => [field, extract(`fields.${field}`, NAME)] as const)
  return {
    table: extract('table', NAME) ?? DEFAULTS.table,
    sidField: extract('sid_field', NAME) ?? DEFAULTS.sidField,
    keyNs: extract('key_ns', KEY_NS) ?? DEFAULTS.keyNs,
    fields: Object.fromEntries(named.filter(([, name]) => name !== undefined)),
  }
}

/** The latest time whose year has four digits. */
const LAST_TIME = Date.UTC(9999, 11, 31, 23, 59, 59)

/**
 * Returns a time in the format of `fields.start` and `fields.stop`.
 * @param ms milliseconds since 1970
 */
export function formatTime(ms: number): string {
  return new Date(Math.min(ms, LAST_TIME)).toISOString().slice(0, 19).replace('T', ' ')
}
