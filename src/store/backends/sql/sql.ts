import { Kysely } from 'kysely'
import type { Backend, Layout } from '../../index.ts'
import { SqlBackend } from './backend.ts'
import { SqlConnection } from './connection.ts'
import type { SqlKind, SqlRow } from './kind.ts'
import { mariadb } from './mariadb.ts'
import { postgres } from './postgres.ts'
import { prepareTable } from './schema.ts'
import { sqlite } from './sqlite.ts'
import { SqlTable } from './table.ts'

/** Timeout of a statement, milliseconds. */
const QUERY_MS = 4000
/** Timeout of a statement that prepares the table, milliseconds: adding columns to a large table takes long. */
const PREPARE_MS = 600_000

/**
 * Opens a PostgreSQL store.
 * @param url `postgres://user:password@host:5432/database`; the parameter `pool` is the maximum number of connections
 * @param layout names of the table and its columns
 * @throws StoreError if the server cannot be reached or used
 * @throws TypeError for an invalid URL, a table that cannot be used, or if the driver is not installed
 */
export async function openPostgres(url: URL, layout: Layout): Promise<Backend> {
  return await open(await postgres(url), layout)
}

/**
 * Opens a MariaDB or MySQL store.
 * @param url `mysql://user:password@host:3306/database`; the parameter `pool` is the maximum number of connections
 * @param layout names of the table and its columns
 * @throws StoreError if the server cannot be reached or used
 * @throws TypeError for an invalid URL, a table that cannot be used, or if the driver is not installed
 */
export async function openMysql(url: URL, layout: Layout): Promise<Backend> {
  return await open(await mariadb(url), layout)
}

/**
 * Opens an SQLite store.
 * @param url `sqlite:/path/of/the/file`
 * @param layout names of the table and its columns
 * @throws StoreError if the file cannot be used
 * @throws TypeError for an invalid URL, a table that cannot be used, or a version of Node.js without SQLite
 */
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
