import { type Dialect, MysqlDialect, sql } from 'kysely'
import type { PoolOptions } from 'mysql2'
import type { SqlDatabase, SqlKind, SqlLimits } from './kind.ts'
import { catalog } from './mariadb-catalog.ts'
import { faultOf } from './mariadb-faults.ts'
import { CONNECT_MS, wrapPool } from './mariadb-pool.ts'
import { extractPool } from './url.ts'

const NAME = 'MySQL or MariaDB'
const KEEPALIVE_MS = 10_000
/** Length of an indexed text, characters: old table formats limit the length of index entries. */
const INDEXED = 100

/** URL parameters that are passed to `mysql2`. Others would change the SQL protocol that the store depends on. */
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

/** The first version of MySQL in which text columns can have a default. */
const OLDEST_MYSQL = [8, 0, 13]

/**
 * Returns the kind for MariaDB and MySQL, with the SQL that both support.
 * @param url the store URL, `mysql://user:password@host:3306/database`
 * @throws TypeError for an invalid URL, or if the driver is not installed
 */
export async function mariadb(url: URL): Promise<SqlKind> {
  const { createPool, TypedParameter } = (await import('mysql2')).default
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
  // By default, mysql2 sends all numbers as DOUBLE.
  const typed = (value: unknown) => (Number.isSafeInteger(value) ? TypedParameter.BIGINT(value as number) : value)

  return {
    name: NAME,
    where: socketPath ?? rest.host,
    types: {
      key: sql`varchar(64) character set ascii collate ascii_bin`,
      // The only binary collation of both servers. It ignores trailing spaces, which `toColumn` escapes.
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
    indexed: (column) => sql`${sql.ref(column)}(${sql.lit(INDEXED)})`,
    check,
    ...catalog,
  }
}

/** Rejects MySQL versions that are too old. */
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

/** Removes `ssl-mode`, which some providers put into URLs, and returns mysql2's `ssl` option; undefined for no TLS. */
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
