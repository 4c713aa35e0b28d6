/** The names under which a store keeps its records, so that an existing table or key layout can be used. */
export interface Layout {
  /** table of SQL stores, collection of MongoDB */
  table: string
  /** column or document field with the key, which is the SHA-256 of the token */
  sidField: string
  /** prefix of every key in Redis, memcached and Couchbase */
  keyNs: string
  /** Columns or fields for other programs to read; a field without a name is not written. */
  fields: {
    ip?: string
    /** `YYYY-MM-DD HH:mm:ss`, UTC */
    start?: string
    /** the same format; empty for a session without an end */
    stop?: string
    /** the public handle; the token itself is not stored */
    token?: string
  }
}

const DEFAULTS: Layout = { table: 'komgate_sessions', sidField: 'sid', keyNs: 'komgate:', fields: {} }
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/
const KEY_NS = /^[\x21-\x7e]{0,64}$/
const FIELDS = ['ip', 'start', 'stop', 'token'] as const

/**
 * Removes the layout parameters from the query of a store's URL and returns them.
 * @throws TypeError that names a parameter with a wrong value
 */
export function extractLayout(url: URL): Layout {
  const extract = (key: string, pattern: RegExp): string | undefined => {
    const value = url.searchParams.get(key)
    url.searchParams.delete(key)
    if (value !== null && !pattern.test(value)) throw new TypeError(`"${key}" is not a valid name`)
    return value ?? undefined
  }
  const named = FIELDS.map((field) => [field, extract(`fields.${field}`, NAME)] as const)
  return {
    table: extract('table', NAME) ?? DEFAULTS.table,
    sidField: extract('sid_field', NAME) ?? DEFAULTS.sidField,
    keyNs: extract('key_ns', KEY_NS) ?? DEFAULTS.keyNs,
    fields: Object.fromEntries(named.filter(([, name]) => name !== undefined)),
  }
}

/** Later times have a year of five digits. */
const LAST_TIME = Date.UTC(9999, 11, 31, 23, 59, 59)

/** Returns a time in the form of `fields.start` and `fields.stop`. */
export function writtenTime(ms: number): string {
  return new Date(Math.min(ms, LAST_TIME)).toISOString().slice(0, 19).replace('T', ' ')
}
