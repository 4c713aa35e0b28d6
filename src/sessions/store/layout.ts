/** How a store's records lie where they are kept, so that a table or a key layout that is there can be used. */
export interface Layout {
  /** of SQL stores: the table; of MongoDB: the collection */
  table: string
  /** the column, or the field of a document, with the key: the token's SHA-256 */
  sidField: string
  /** what stands before every key of Redis, memcached and Couchbase */
  keyNs: string
  /** Names under which others want to read some of it; what has no name is not written there. */
  fields: {
    ip?: string
    /** `YYYY-MM-DD HH:mm:ss`, UTC */
    start?: string
    /** the same; empty where the session has no end */
    stop?: string
    /** the public handle: the token itself is stored nowhere */
    token?: string
  }
}

const DEFAULTS: Layout = { table: 'komgate_sessions', sidField: 'sid', keyNs: 'komgate:', fields: {} }
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/
const KEY_NS = /^[\x21-\x7e]{0,64}$/
const FIELDS = ['ip', 'start', 'stop', 'token'] as const

/** Takes the layout out of the query of a store's URL, and leaves the rest. Throws a `TypeError` that names the key. */
export function takeLayout(url: URL): Layout {
  const take = (key: string, pattern: RegExp): string | undefined => {
    const value = url.searchParams.get(key)
    url.searchParams.delete(key)
    if (value !== null && !pattern.test(value)) throw new TypeError(`"${key}" is no name that can be used`)
    return value ?? undefined
  }
  const named = FIELDS.map((field) => [field, take(`fields.${field}`, NAME)] as const)
  return {
    table: take('table', NAME) ?? DEFAULTS.table,
    sidField: take('sid_field', NAME) ?? DEFAULTS.sidField,
    keyNs: take('key_ns', KEY_NS) ?? DEFAULTS.keyNs,
    fields: Object.fromEntries(named.filter(([, name]) => name !== undefined)),
  }
}

/** After this the year would have five digits. */
const LAST_TIME = Date.UTC(9999, 11, 31, 23, 59, 59)

/** A time as `fields.start` and `fields.stop` hold it. */
export function writtenTime(ms: number): string {
  return new Date(Math.min(ms, LAST_TIME)).toISOString().slice(0, 19).replace('T', ' ')
}
