import { resolve } from 'node:path'
import { type SqliteDatabase, SqliteDialect, sql } from 'kysely'
import { checkParameters, decoded } from '../../index.ts'
import { columnsOfIndexes, type ExistingColumn, type SqlKind } from './kind.ts'
import { faultOf } from './sqlite-faults.ts'
import { guardOf, runUnguarded } from './sqlite-guard.ts'

const NAME = 'SQLite'
/** SQLite's lock timeout, milliseconds: short, since waiting blocks the event loop. The statement is retried. */
const BUSY_MS = 100
/** The path of a database in memory. */
const IN_MEMORY = ':memory:'

/** The part of `node:sqlite` that the store uses. Node.js 20 does not have it. */
interface NodeSqlite {
  DatabaseSync: new (
    path: string,
  ) => {
    exec(text: string): void
    prepare(text: string): {
      all(...values: readonly unknown[]): unknown[]
      run(...values: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint }
      iterate(...values: readonly unknown[]): IterableIterator<unknown>
    }
    close(): void
  }
}

/**
 * Returns the kind for SQLite.
 * @param url the store URL, `sqlite:/path/of/the/file`
 * @throws TypeError for an invalid URL, or if this version of Node.js has no SQLite
 */
export function sqlite(url: URL): SqlKind {
  const driver = process.getBuiltinModule('node:sqlite') as NodeSqlite | undefined
  if (driver === undefined) {
    throw new TypeError(`SQLite stores require Node.js 22.13 or later, and this is ${process.version}`)
  }
  checkParameters(url, NAME, [])
  const path = pathOf(url)
  return {
    name: NAME,
    where: path,
    types: { key: 'varchar(64)', short: (length) => `varchar(${length})`, long: 'text' },
    forms: {
      greatest: 'max',
      least: 'min',
      updateReturnsOld: false,
      deleteReturns: true,
      deleteHasLimit: false,
      skipsLocked: false,
    },
    connect: () => new SqliteDialect({ database: async () => open(driver, path) }),
    faultOf,
    fold: (name) => name.toLowerCase(),
    ...catalog,
  }
}

function pathOf({ host, pathname }: URL): string {
  if (host !== '') throw new TypeError('SQLite store URLs have no host: sqlite:/path')
  const path = decoded(pathname)
  if (path === '' || path.endsWith('/')) throw new TypeError('SQLite store URLs must name a file: sqlite:/path')
  return path === IN_MEMORY ? path : resolve(path)
}

function open({ DatabaseSync }: NodeSqlite, path: string): SqliteDatabase {
  const database = new DatabaseSync(path)
  database.exec(`pragma busy_timeout = ${BUSY_MS}`)
  database.exec('pragma journal_mode = wal')
  database.exec('pragma synchronous = normal')
  const guard = path === IN_MEMORY ? runUnguarded : guardOf(database, path)
  return {
    prepare(text) {
      const statement = database.prepare(text)
      const guarded = /^\s*(select|with|pragma)\s/i.test(text) ? runUnguarded : guard
      const isDelete = /^\s*delete\s/i.test(text)
      return {
        // Names are quoted and values are parameters, so ` returning ` can only be the keyword.
        reader: /^\s*(select|with|pragma)\s|\sreturning\s/i.test(text),
        all: (values) => guarded(isDelete, () => statement.all(...values)),
        run: (values) => guarded(isDelete, () => statement.run(...values)),
        iterate: (values) => statement.iterate(...values),
      }
    },
    close: () => database.close(),
  }
}

const catalog: Pick<SqlKind, 'columns' | 'indexes' | 'widen'> = {
  async columns(db, table) {
    const { rows } = await sql<{ name: string; type: string; required: number }>`
      select name, type, "notnull" = 1 and dflt_value is null as required from pragma_table_info(${table})`.execute(db)
    return rows.map(({ name, type, required }): ExistingColumn => {
      // SQLite ignores lengths, and converts text to numbers only in numeric columns.
      const textual = type === '' || /char|clob|text|blob/i.test(type)
      return { name, textLength: textual ? Number.POSITIVE_INFINITY : undefined, required: required === 1 }
    })
  },

  async indexes(db, table) {
    const { rows } = await sql<{ index: string; column: string }>`
      select i.name as "index", coalesce(c.name, '') as "column"
      from pragma_index_list(${table}) as i, pragma_index_info(i.name) as c
      where not i.partial
      order by i.name, c.seqno`.execute(db)
    return columnsOfIndexes(rows)
  },

  widen: async () => undefined,
}
