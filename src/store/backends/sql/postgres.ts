import { type Dialect, PostgresDialect, type PostgresPool, type PostgresPoolClient, sql } from 'kysely'
import type { PoolClient, PoolConfig } from 'pg'
import { ReplyTimeoutError, withTimeout } from '../../index.ts'
import { columnsOfIndexes, type ExistingColumn, type Fault, type SqlKind, type SqlLimits } from './kind.ts'
import { postgresAddress } from './postgres-url.ts'

const NAME = 'PostgreSQL'
const KEEPALIVE_MS = 10_000

/**
 * SQLSTATEs or their prefixes of a server that is running but does not serve this client at present: connection
 * failure, access denied, insufficient resources, operator intervention, system error, unknown database, lock not
 * available.
 */
const BUSY = ['08', '28', '53', '57', '58', '3D000', '55P03']
/** SQLSTATE of a write in a read-only transaction: a standby or a demoted primary. */
const READ_ONLY = '25006'
const FULL = ['53100']
const CONFLICTS = ['40001', '40P01']
/** Message of `pg` when the pool is exhausted. */
const POOL_EXHAUSTED = 'timeout exceeded when trying to connect'

/**
 * Returns the kind for PostgreSQL.
 * @param url the store URL, `postgres://user:password@host:5432/database`
 * @throws TypeError for an invalid URL, or if the driver is not installed
 */
export async function postgres(url: URL): Promise<SqlKind> {
  const { Pool } = (await import('pg')).default
  const { pool: max, url: address, where, connectMs, channelBinding } = await postgresAddress(url)
  const config: PoolConfig = {
    connectionString: address.href,
    max,
    connectionTimeoutMillis: connectMs,
    enableChannelBinding: channelBinding,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_MS,
    fallback_application_name: 'komgate',
  }

  function connect(limits: SqlLimits, onLost: () => void): Dialect {
    // Times are in UTC, also in columns with a time zone.
    const onConnect = (client: { query(text: string): Promise<unknown> }) =>
      withTimeout(client.query("set time zone 'UTC'"), connectMs)
    const pool = new Pool({ ...config, onConnect } as PoolConfig)
    pool.on('connect', (client) => client.on('error', onLost))
    // The pool emits errors of idle clients, which it has removed; their own `error` event has called `onLost`.
    pool.on('error', () => undefined)
    return new PostgresDialect({ pool: wrapPool(pool, limits) })
  }

  return {
    name: NAME,
    where,
    types: { key: 'varchar(64)', short: (length) => `varchar(${length})`, long: 'text' },
    forms: {
      greatest: 'greatest',
      least: 'least',
      time: 'floor(extract(epoch from clock_timestamp()) * 1000)',
      updateReturnsOld: true,
      deleteReturns: true,
      deleteHasLimit: false,
      skipsLocked: true,
    },
    connect,
    faultOf,
    fold: (name) => name,
    ...catalog,
  }
}

/**
 * Wraps a pool: adds a timeout to statements, and closes connections without a reply, which `pg` would return to the
 * pool. After a read-only error all older connections are replaced, since a new connection may lead to the new primary.
 */
function wrapPool(pool: { connect(): Promise<PoolClient>; end(): Promise<void> }, limits: SqlLimits): PostgresPool {
  const generations = new WeakMap<PoolClient, number>()
  let generation = 0

  async function acquire(): Promise<PoolClient> {
    for (;;) {
      const client = await pool.connect()
      const createdIn = generations.get(client) ?? generation
      generations.set(client, createdIn)
      if (createdIn === generation) return client
      client.release(true)
    }
  }

  return {
    async connect() {
      const client = await acquire()
      let broken = false
      const query = async (text: string, values: unknown[]): Promise<unknown> => {
        try {
          return await withTimeout(client.query(text, values), limits.queryMs)
        } catch (error) {
          const fault = faultOf(error)
          broken ||= ['unavailable', 'busy', 'read-only'].includes(fault)
          if (fault === 'read-only' && generations.get(client) === generation) generation++
          throw error
        }
      }
      return { query, release: () => client.release(broken) } as PostgresPoolClient
    },
    end: () => pool.end(),
  }
}

function faultOf(error: unknown): Fault {
  const { code, severity, message } = error as { code?: unknown; severity?: unknown; message?: unknown }
  if (error instanceof ReplyTimeoutError || message === POOL_EXHAUSTED) return 'busy'
  // Errors that the server did not send are connection errors.
  if (typeof code !== 'string' || severity === undefined) return 'unavailable'
  if (FULL.includes(code)) return 'full'
  if (CONFLICTS.includes(code)) return 'conflict'
  if (code === READ_ONLY) return 'read-only'
  return BUSY.some((state) => code.startsWith(state)) ? 'busy' : 'other'
}

const catalog: Pick<SqlKind, 'columns' | 'indexes' | 'widen'> = {
  async columns(db, table) {
    const { rows } = await sql<{ name: string; textual: boolean; length: number | null; required: boolean }>`
      select attname as name,
        atttypid in ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype) as textual,
        case when atttypmod > 4 then atttypmod - 4 end as length,
        attnotnull and not atthasdef and attidentity = '' as required
      from pg_attribute
      where attrelid = to_regclass(quote_ident(${table})) and attnum > 0 and not attisdropped`.execute(db)
    return rows.map(({ name, textual, length, required }): ExistingColumn => {
      return { name, textLength: textual ? (length ?? Number.POSITIVE_INFINITY) : undefined, required }
    })
  },

  async indexes(db, table) {
    const { rows } = await sql<{ index: string; column: string }>`
      select indexrelid::text as index, coalesce(attname, '') as column
      from pg_index
        cross join unnest(indkey::int2[]) with ordinality as part (number, place)
        left join pg_attribute on attrelid = indrelid and attnum = number
      where indrelid = to_regclass(quote_ident(${table})) and indisvalid and indpred is null
      order by indexrelid, place`.execute(db)
    return columnsOfIndexes(rows)
  },

  async widen(db, table, column, length) {
    const type = sql`varchar(${sql.lit(length)})`
    await db.schema
      .alterTable(table)
      .alterColumn(column, (alter) => alter.setDataType(type))
      .execute()
  },
}
