import { type Dialect, MysqlDialect, type MysqlPool, type MysqlPoolConnection, sql } from 'kysely'
import type { Pool, PoolConnection, PoolOptions } from 'mysql2'
import { loadDriver, ReplyTimeoutError, withTimeout } from '../../driver.ts'
import {
  columnsOfIndexes,
  type ExistingColumn,
  type Fault,
  type SqlDatabase,
  type SqlKind,
  type SqlLimits,
} from './kind.ts'
import { extractPool } from './url.ts'

const NAME = 'MySQL or MariaDB'
const CONNECT_MS = 4000
/** Longer than `CONNECT_MS`, to distinguish a connection that cannot be made from a pool that is exhausted. */
const ACQUIRE_MS = 4500
const KEEPALIVE_MS = 10_000
const INDEXED = 100

/** Parameters that are passed to `mysql2`, without those that would change how the store talks to the server. */
const PARAMETERS = [
  'compress',
  'connectAttributes',
  'enableCleartextPlugin',
  'idleTimeout',
  'localAddress',
  'maxIdle',
  'maxPreparedStatements',
  'ssl',
]

/** Names of the Unix socket parameter in different drivers. */
const SOCKETS = ['socketPath', 'socket', 'unix_socket']

/** Error numbers of a server that is running but does not serve this client now. */
const BUSY = [
  // too many connections: in total, per host, per user
  1040, 1129, 1203, 1226,
  // access denied, unknown database
  1044, 1045, 1049, 1130, 1698,
  // account locked or password expired, TLS required
  1820, 1862, 3118, 3159, 4151,
  // shutdown, not available, connection killed or idle for too long, statement interrupted or too long
  1053, 1077, 1317, 1927, 1969, 3024, 3168, 4031,
  // packets out of order or truncated
  1152, 1158, 1159, 1160, 1161, 1184,
  // lock wait timeout
  1205,
]
/** Error numbers of --read-only, read-only transactions and read-only mode: a replica, or a demoted server. */
const READ_ONLY = [1290, 1792, 1836]
const FULL = [1021, 1114]
const CONFLICTS = [1020, 1213]

/** The first version of MySQL in which text columns can have a default. */
const OLDEST_MYSQL = [8, 0, 13]

/**
 * Returns the kind for MariaDB and MySQL, with the SQL that both support. Rejects with a `TypeError` for a wrong URL.
 */
export async function mariadb(url: URL): Promise<SqlKind> {
  const { createPool, TypedParameter } = (await loadDriver(['kysely', 'mysql2'], () => import('mysql2'))).default
  const { pool: connectionLimit, rest } = extractPool(url, NAME, [...PARAMETERS, 'ssl-mode', ...SOCKETS])
  if (rest.pathname.length < 2) throw new TypeError(`${NAME} store URLs must name a database`)
  const ssl = extractSsl(rest)
  const socketPath = extractSocketPath(rest)
  const options: PoolOptions = {
    uri: rest.href,
    connectionLimit,
    connectTimeout: CONNECT_MS,
    keepAliveInitialDelay: KEEPALIVE_MS,
    charset: 'utf8mb4',
    ...(ssl !== undefined && { ssl }),
    ...(socketPath !== undefined && { socketPath }),
  }
  // mysql2 sends all numbers as DOUBLE otherwise.
  const typed = (value: unknown) => (Number.isSafeInteger(value) ? TypedParameter.BIGINT(value as number) : value)

  return {
    name: NAME,
    where: socketPath ?? rest.host,
    types: {
      key: sql`varchar(64) character set ascii collate ascii_bin`,
      // The only binary collation of both servers. It ignores trailing spaces, but `toColumn` leaves none.
      short: (length) => sql`varchar(${sql.lit(length)}) character set utf8mb4 collate utf8mb4_bin`,
      long: sql`mediumtext character set utf8mb4 collate utf8mb4_bin`,
    },
    forms: {
      greatest: 'greatest',
      least: 'least',
      time: 'cast(unix_timestamp(now(3)) * 1000 as signed)',
      updateReturnsOld: false,
      deleteReturns: false,
      deleteHasLimit: true,
      skipsLocked: false,
    },
    connect(limits: SqlLimits, onLost: () => void): Dialect {
      const pool = createPool(options)
      pool.on('connection', (connection) => connection.on('error', onLost))
      return new MysqlDialect({ pool: wrapPool(pool, limits, typed) })
    },
    faultOf,
    fold: (name) => name.toLowerCase(),
    // Old table formats limit the length of index entries.
    indexed: (column) => sql`${sql.ref(column)}(${sql.lit(INDEXED)})`,
    check,
    ...catalog,
  }
}

/**
 * Wraps the pool: adds time limits to statements and to acquiring a connection, for which `mysql2` waits forever, and
 * closes broken connections. Every statement is prepared, so that values are sent apart from the SQL.
 */
function wrapPool(pool: Pool, limits: SqlLimits, typed: (value: unknown) => unknown): MysqlPool {
  const initialized = new WeakSet<PoolConnection>()
  /** All connections opened before a read-only error are replaced. */
  const generations = new WeakMap<PoolConnection, number>()
  let generation = 0

  async function execute(
    connection: PoolConnection,
    ms: number,
    text: string,
    values: unknown[] = [],
  ): Promise<unknown> {
    const reply = new Promise((resolve, reject) => {
      connection.execute(text, values.map(typed) as never[], (error, result) =>
        error ? reject(error) : resolve(result),
      )
    })
    return await withTimeout(reply, ms)
  }

  async function acquireAny(): Promise<PoolConnection> {
    const acquired = new Promise<PoolConnection>((resolve, reject) => {
      pool.getConnection((error, connection) => (error ? reject(error) : resolve(connection)))
    })
    try {
      return await withTimeout(acquired, ACQUIRE_MS)
    } catch (error) {
      acquired.then(
        (late) => late.release(),
        () => undefined,
      )
      throw error
    }
  }

  async function acquire(): Promise<PoolConnection> {
    for (;;) {
      const connection = await acquireAny()
      const createdIn = generations.get(connection) ?? generation
      generations.set(connection, createdIn)
      if (createdIn === generation) return connection
      connection.destroy()
    }
  }

  /** Sets the session variables: overlong values are errors, and columns with a time zone take written times as UTC. */
  async function initialize(connection: PoolConnection): Promise<void> {
    if (initialized.has(connection)) return
    try {
      await execute(connection, CONNECT_MS, "set session sql_mode = 'STRICT_ALL_TABLES', time_zone = '+00:00'")
    } catch (error) {
      connection.destroy()
      throw error
    }
    initialized.add(connection)
  }

  function wrapped(connection: PoolConnection): MysqlPoolConnection {
    let broken = false
    const query = (text: string, values: unknown[], callback: (error: unknown, result?: unknown) => void) => {
      execute(connection, limits.queryMs, text, values).then(
        (result) => callback(undefined, result),
        (error: unknown) => {
          const fault = faultOf(error)
          broken ||= ['unavailable', 'busy', 'read-only'].includes(fault)
          if (fault === 'read-only' && generations.get(connection) === generation) generation++
          callback(error)
        },
      )
    }
    const release = () => (broken ? connection.destroy() : connection.release())
    return { query, release } as MysqlPoolConnection
  }

  return {
    getConnection(callback) {
      const done = callback as (error: unknown, connection?: MysqlPoolConnection) => void
      acquire()
        .then(async (connection) => {
          await initialize(connection)
          return wrapped(connection)
        })
        .then(
          (connection) => done(undefined, connection),
          (error: unknown) => done(error),
        )
    },
    end: (callback) => pool.end(callback),
  }
}

async function check(db: SqlDatabase): Promise<void> {
  const { rows } = await sql<{ version: string }>`select version() as version`.execute(db)
  const version = rows[0]?.version ?? ''
  if (/mariadb/i.test(version)) return
  const numbers = version.split('.').map((part) => Number.parseInt(part, 10))
  const i = OLDEST_MYSQL.findIndex((oldest, at) => numbers[at] !== oldest)
  if (i >= 0 && !((numbers[i] ?? 0) > (OLDEST_MYSQL[i] ?? 0))) {
    throw new TypeError(`MySQL ${version} is not supported: stores require ${OLDEST_MYSQL.join('.')} or later`)
  }
}

/** Removes `ssl-mode`, which some providers write into URLs, and returns mysql2's `ssl` option; undefined for none. */
function extractSsl(url: URL): PoolOptions['ssl'] | undefined {
  const mode = url.searchParams.get('ssl-mode')
  url.searchParams.delete('ssl-mode')
  if (mode === null || mode === 'DISABLED') return undefined
  if (mode === 'REQUIRED') return { rejectUnauthorized: false }
  if (mode === 'VERIFY_CA' || mode === 'VERIFY_IDENTITY') return {}
  throw new TypeError('"ssl-mode" must be DISABLED or REQUIRED or VERIFY_CA or VERIFY_IDENTITY')
}

function extractSocketPath(url: URL): string | undefined {
  let path: string | undefined
  for (const name of SOCKETS) {
    path = url.searchParams.get(name) ?? path
    url.searchParams.delete(name)
  }
  return path
}

function faultOf(error: unknown): Fault {
  if (error instanceof ReplyTimeoutError) return 'busy'
  const { errno, sqlState } = error as { errno?: unknown; sqlState?: unknown }
  // Errors that the server did not send are connection errors.
  if (typeof errno !== 'number' || sqlState === undefined) return 'unavailable'
  if (FULL.includes(errno)) return 'full'
  if (CONFLICTS.includes(errno)) return 'conflict'
  if (READ_ONLY.includes(errno)) return 'read-only'
  return BUSY.includes(errno) ? 'busy' : 'other'
}

interface ColumnRow {
  name: string
  length: number | null
  collation: string | null
  nullable: string
  initial: string | null
  extra: string
}

const catalog: Pick<SqlKind, 'columns' | 'indexes' | 'widen'> = {
  async columns(db, table) {
    const rows = await columnRows(db, table)
    return rows.map(({ name, length, collation, nullable, initial, extra }): ExistingColumn => {
      const required = nullable === 'NO' && initial === null && extra === ''
      return { name, textLength: collation === null ? undefined : Number(length), required }
    })
  },

  async indexes(db, table) {
    const { rows } = await sql<{ index: string; column: string }>`
      select index_name as ${sql.id('index')}, column_name as ${sql.id('column')}
      from information_schema.statistics
      where table_schema = database() and table_name = ${table}
      order by index_name, seq_in_index`.execute(db)
    return columnsOfIndexes(rows)
  },

  async widen(db, table, column, length) {
    const rows = await columnRows(db, table)
    const row = rows.find(({ name }) => name.toLowerCase() === column.toLowerCase())
    // MODIFY COLUMN replaces the whole definition, and a default cannot be repeated safely from its text.
    if (row === undefined || row.collation === null || (row.initial !== null && row.initial !== 'NULL')) {
      throw new TypeError(`the column "${column}" of "${table}" must hold ${length} characters`)
    }
    const type = sql`varchar(${sql.lit(length)}) collate ${sql.id(row.collation)}`
    await db.schema
      .alterTable(table)
      .modifyColumn(column, type, (definition) => (row.nullable === 'NO' ? definition.notNull() : definition))
      .execute()
  },
}

async function columnRows(db: SqlDatabase, table: string): Promise<ColumnRow[]> {
  const { rows } = await sql<ColumnRow>`
    select column_name as name, character_maximum_length as length, collation_name as collation,
      is_nullable as nullable, column_default as initial, extra
    from information_schema.columns
    where table_schema = database() and table_name = ${table}`.execute(db)
  return rows
}
