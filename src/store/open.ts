import type { Backend } from './backend.ts'
import { MemoryBackend } from './backends/memory.ts'
import { loadDriver } from './driver.ts'
import { extractLayout, KEY_PARAMETERS, type Layout, TABLE_PARAMETERS } from './layout.ts'
import { parseStoreUrl } from './url.ts'

/**
 * Opens a backend.
 * @param url the store URL without the layout parameters
 * @param layout names of tables, columns and keys
 * @throws StoreError if the server cannot be reached or used
 * @throws TypeError for an invalid URL, or if the driver is not installed
 */
export type Opener = (url: URL, layout: Layout) => Promise<Backend>

const openRedis: Opener = (...args) =>
  loadDriver(['redis'], async () => (await import('./backends/redis/redis.ts')).openRedis(...args))
const openPostgres: Opener = (...args) =>
  loadDriver(['kysely', 'pg'], async () => (await import('./backends/sql/sql.ts')).openPostgres(...args))
const openMysql: Opener = (...args) =>
  loadDriver(['kysely', 'mysql2'], async () => (await import('./backends/sql/sql.ts')).openMysql(...args))
const openSqlite: Opener = (...args) =>
  loadDriver(['kysely'], async () => (await import('./backends/sql/sql.ts')).openSqlite(...args))
const openMemcached: Opener = (...args) =>
  loadDriver(['memcache-client', 'tslib'], async () =>
    (await import('./backends/memcached/memcached.ts')).openMemcached(...args),
  )
const openMongodb: Opener = (...args) =>
  loadDriver(['mongodb'], async () => (await import('./backends/mongodb/mongodb.ts')).openMongodb(...args))
const openCouchbase: Opener = (...args) =>
  loadDriver(['couchbase'], async () => (await import('./backends/couchbase/couchbase.ts')).openCouchbase(...args))

interface Scheme {
  open: Opener
  /** the layout parameters in its URLs */
  parameters: readonly string[]
}

const REDIS: Scheme = { open: openRedis, parameters: KEY_PARAMETERS }
const POSTGRES: Scheme = { open: openPostgres, parameters: TABLE_PARAMETERS }
const MONGODB: Scheme = { open: openMongodb, parameters: TABLE_PARAMETERS }
const COUCHBASE: Scheme = { open: openCouchbase, parameters: KEY_PARAMETERS }

/** The URL schemes. Drivers are loaded on first use. */
const SCHEMES: Readonly<Record<string, Scheme>> = {
  'memory:': { open: async (url) => openMemory(url), parameters: [] },
  'redis:': REDIS,
  'rediss:': REDIS,
  'unix:': REDIS,
  'redis+unix:': REDIS,
  'postgres:': POSTGRES,
  'postgresql:': POSTGRES,
  'mysql:': { open: openMysql, parameters: TABLE_PARAMETERS },
  'sqlite:': { open: openSqlite, parameters: TABLE_PARAMETERS },
  'memcache:': { open: openMemcached, parameters: KEY_PARAMETERS },
  'mongodb:': MONGODB,
  'mongodb+srv:': MONGODB,
  'couchbase:': COUCHBASE,
  'couchbases:': COUCHBASE,
}

/** The URL schemes that `openBackend` accepts, for validating settings. */
export const STORE_SCHEMES = Object.keys(SCHEMES)

/**
 * Opens the backend for a store URL.
 * @param text the URL, such as `memory:` or `redis://host:6379/0?key_ns=…`
 * @throws StoreError if the server cannot be reached or used
 * @throws TypeError for an invalid URL or an unknown scheme, or if the driver is not installed
 */
export async function openBackend(text: string): Promise<Backend> {
  const url = parseStoreUrl(text)
  const scheme = SCHEMES[url.protocol]
  if (scheme === undefined) throw new TypeError(`"${url.protocol}" is not a supported scheme of store URLs`)
  return await scheme.open(url, extractLayout(url, scheme.parameters))
}

const MEMORY_DEFAULTS = { max_records: 1_000_000, max_bytes: 256 * 1024 * 1024 }

function openMemory(url: URL): MemoryBackend {
  const limits = { ...MEMORY_DEFAULTS }
  for (const [key, value] of url.searchParams) {
    if (!Object.hasOwn(limits, key)) throw new TypeError(`"${key}" is not a parameter of memory store URLs`)
    if (!/^[1-9]\d{0,14}$/.test(value)) throw new TypeError(`"${key}" must be a whole number from 1`)
    limits[key as keyof typeof limits] = Number(value)
  }
  return new MemoryBackend({ maxRecords: limits.max_records, maxBytes: limits.max_bytes })
}
