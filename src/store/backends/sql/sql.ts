import { Kysely } from 'kysely'
import type { Backend } from '../../backend.ts'
import type { Layout } from '../../layout.ts'
import { SqlBackend } from './backend.ts'
import { SqlConnection } from './connection.ts'
import type { SqlKind, SqlRow } from './kind.ts'
import { mariadb } from './mariadb.ts'
import { postgres } from './postgres.ts'
import { prepareTable } from './schema.ts'
import { sqlite } from './sqlite.ts'
import { SqlTable } from './table.ts'

const QUERY_MS = 4000
/** Time limit for preparing the table, milliseconds: adding columns to a large table of another program takes long. */
const PREPARE_MS = 600_000

/**
 * Opens a PostgreSQL store, `postgres://user:password@host:5432/database`; `?pool=` is the maximum number of
 * connections. Rejects with a `StoreError` if the server cannot be used and with a `TypeError` for a wrong URL or
 * table.
 */
export async function openPostgres(url: URL, layout: Layout): Promise<Backend> {
  return await open(await postgres(url), layout)
}

/**
 * Opens a store on MariaDB or MySQL, `mysql://user:password@host:3306/database`; `?pool=` is the maximum number of
 * connections. Rejects like `openPostgres`.
 */
export async function openMysql(url: URL, layout: Layout): Promise<Backend> {
  return await open(await mariadb(url), layout)
}

/** Opens an SQLite store, `sqlite:/path/of/the/file`, if Node.js has SQLite. Rejects like `openPostgres`. */
export async function openSqlite(url: URL, layout: Layout): Promise<Backend> {
  return await open(sqlite(url), layout)
}

async function open(kind: SqlKind, layout: Layout): Promise<Backend> {
  const table = new SqlTable(layout)
  const connection = new SqlConnection(kind)
  const limits = { queryMs: PREPARE_MS }
  const db = new Kysely<Record<string, SqlRow>>({ dialect: kind.connect(limits, () => connection.connectionLost()) })
  const backend = new SqlBackend(db, kind.forms, table, connection)
  try {
    await kind.check?.(db)
    await prepareTable(db, kind, table)
  } catch (error) {
    await backend.close()
    throw error instanceof TypeError ? error : connection.toStoreError(error)
  }
  limits.queryMs = QUERY_MS
  return backend
}
