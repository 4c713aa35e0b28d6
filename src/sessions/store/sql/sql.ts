import { Kysely } from 'kysely'
import type { Backend } from '../backend.ts'
import type { Layout } from '../layout.ts'
import { SqlBackend } from './backend.ts'
import type { SqlKind, SqlRow } from './kind.ts'
import { SqlLine } from './line.ts'
import { mariadb } from './mariadb.ts'
import { postgres } from './postgres.ts'
import { prepareTable } from './schema.ts'
import { sqlite } from './sqlite.ts'
import { SqlTable } from './table.ts'

const QUERY_MS = 4000
/** A large table of another program takes its time when it gets new columns. */
const PREPARE_MS = 600_000

/** `postgres://user:password@host:5432/database`; `?pool=` says how many connections there may be. */
export async function openPostgres(url: URL, layout: Layout): Promise<Backend> {
  return await open(await postgres(url), layout)
}

/** `mysql://user:password@host:3306/database`: MariaDB; `?pool=` says how many connections there may be. */
export async function openMysql(url: URL, layout: Layout): Promise<Backend> {
  return await open(await mariadb(url), layout)
}

/** `sqlite:/path/of/the/file`, where Node.js has SQLite. */
export async function openSqlite(url: URL, layout: Layout): Promise<Backend> {
  return await open(sqlite(url), layout)
}

async function open(kind: SqlKind, layout: Layout): Promise<Backend> {
  const table = new SqlTable(layout)
  const line = new SqlLine(kind)
  const limits = { queryMs: PREPARE_MS }
  const db = new Kysely<Record<string, SqlRow>>({ dialect: kind.connect(limits, () => line.lost()) })
  const backend = new SqlBackend(db, kind.forms, table, line)
  try {
    await kind.check?.(db)
    await prepareTable(db, kind, table)
  } catch (error) {
    await backend.close()
    throw error instanceof TypeError ? error : line.translated(error)
  }
  limits.queryMs = QUERY_MS
  return backend
}
