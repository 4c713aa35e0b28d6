import type { Backend } from './backend.ts'
import { MemoryBackend } from './backends/memory.ts'
import { type Layout, takeLayout } from './layout.ts'
import { parseStoreUrl } from './url.ts'

/**
 * Opens a backend.
 *
 * Rejects with a `StoreError` if the server cannot be reached and with a `TypeError` for a wrong URL.
 * @param url the URL for the driver, without the layout parameters
 */
export type Opener = (url: URL, layout: Layout) => Promise<Backend>

/** Kinds of stores by the scheme of their URL. Drivers are loaded on first use. */
const OPENERS: Readonly<Record<string, Opener>> = {
  'memory:': async (url) => openMemory(url),
  'redis:': async (...args) => (await import('./backends/redis/redis.ts')).openRedis(...args),
  'rediss:': async (...args) => (await import('./backends/redis/redis.ts')).openRedis(...args),
  'unix:': async (...args) => (await import('./backends/redis/redis.ts')).openRedis(...args),
  'redis+unix:': async (...args) => (await import('./backends/redis/redis.ts')).openRedis(...args),
  'postgres:': async (...args) => (await import('./backends/sql/sql.ts')).openPostgres(...args),
  'postgresql:': async (...args) => (await import('./backends/sql/sql.ts')).openPostgres(...args),
  'mysql:': async (...args) => (await import('./backends/sql/sql.ts')).openMysql(...args),
  'sqlite:': async (...args) => (await import('./backends/sql/sql.ts')).openSqlite(...args),
  'memcache:': async (...args) => (await import('./backends/memcached/memcached.ts')).openMemcached(...args),
  'mongodb:': async (...args) => (await import('./backends/mongodb/mongodb.ts')).openMongodb(...args),
  'mongodb+srv:': async (...args) => (await import('./backends/mongodb/mongodb.ts')).openMongodb(...args),
  'couchbase:': async (...args) => (await import('./backends/couchbase/couchbase.ts')).openCouchbase(...args),
  'couchbases:': async (...args) => (await import('./backends/couchbase/couchbase.ts')).openCouchbase(...args),
}

/** The URL schemes that `openBackend` accepts, for validating settings. */
export const STORE_SCHEMES = Object.keys(OPENERS)

/** Opens the backend for a store URL, such as `memory:` or `redis://host:6379/0?key_ns=…`. Rejects like an `Opener`. */
export async function openBackend(text: string): Promise<Backend> {
  const url = parseStoreUrl(text)
  const open = OPENERS[url.protocol]
  if (open === undefined) throw new TypeError(`there is no store of the kind ${url.protocol}`)
  return await open(url, takeLayout(url))
}

const MEMORY_DEFAULTS = { max_records: 1_000_000, max_bytes: 256 * 1024 * 1024 }

function openMemory(url: URL): MemoryBackend {
  const limits = { ...MEMORY_DEFAULTS }
  for (const [key, value] of url.searchParams) {
    if (!Object.hasOwn(limits, key)) throw new TypeError(`"${key}" is nothing that the store in memory knows`)
    if (!/^[1-9]\d{0,14}$/.test(value)) throw new TypeError(`"${key}" must be a whole number from 1`)
    limits[key as keyof typeof limits] = Number(value)
  }
  return new MemoryBackend({ maxRecords: limits.max_records, maxBytes: limits.max_bytes })
}
