import { type SqliteDatabase, SqliteDialect, sql } from 'kysely'
import { decoded, refuseUnknown } from '../driver.ts'
import { columnsOfIndexes, type ExistingColumn, type Fault, type SqlKind } from './kind.ts'

const NAME = 'SQLite'
/** While one waits for another process nothing else is done in this one; there are more tries. */
const BUSY_MS = 100

/** SQLite's result codes. */
const BUSY = 5
const LOCKED = 6
const FULL = 13
/** read-only, input or output, damaged, cannot be opened, no database */
const UNUSABLE = [8, 10, 11, 14, 26]

/** What we use of `node:sqlite`, which not every Node.js that we run on has. */
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

/** SQLite, in a file. Throws a `TypeError` where Node.js does not have it. */
export function sqlite(url: URL): SqlKind {
  const driver = process.getBuiltinModule('node:sqlite') as NodeSqlite | undefined
  if (driver === undefined) {
    throw new TypeError(`a store on SQLite needs Node.js 22.13 or later, and this is ${process.version}`)
  }
  refuseUnknown(url, NAME, [])
  const path = pathOf(url)
  return {
    name: NAME,
    where: path,
    types: { key: 'varchar(64)', short: (length) => `varchar(${length})`, long: 'text' },
    forms: { greatest: 'max', least: 'min', updateReturnsOld: false, deleteHasLimit: false, skipsLocked: false },
    connect: () => new SqliteDialect({ database: async () => open(driver, path) }),
    faultOf,
    fold: (name) => name.toLowerCase(),
    ...catalog,
  }
}

function pathOf({ host, pathname }: URL): string {
  if (host !== '') throw new TypeError('a store on SQLite is a file: sqlite:/path')
  if (pathname === '' || pathname === '/') throw new TypeError('the URL of a store on SQLite must name a file')
  return decoded(pathname)
}

function open({ DatabaseSync }: NodeSqlite, path: string): SqliteDatabase {
  const database = new DatabaseSync(path)
  database.exec(`pragma busy_timeout = ${BUSY_MS}`)
  database.exec('pragma journal_mode = wal')
  database.exec('pragma synchronous = normal')
  return {
    prepare(text) {
      const statement = database.prepare(text)
      return {
        // Names are in quotes, and values are never in the text: a word between spaces is one of SQL.
        reader: /^\s*(select|with|pragma)\s|\sreturning\s/i.test(text),
        all: (values) => statement.all(...values),
        run: (values) => statement.run(...values),
        iterate: (values) => statement.iterate(...values),
      }
    },
    close: () => database.close(),
  }
}

function faultOf(error: unknown): Fault {
  const { errcode } = error as { errcode?: unknown }
  if (typeof errcode !== 'number') return 'other'
  // The rest of the bits say more about it.
  const code = errcode & 0xff
  if (code === FULL) return 'full'
  if (code === BUSY || code === LOCKED) return 'conflict'
  return UNUSABLE.includes(code) ? 'busy' : 'other'
}

const catalog: Pick<SqlKind, 'columns' | 'indexes' | 'widen'> = {
  async columns(db, table) {
    const { rows } = await sql<{ name: string; type: string; required: number }>`
      select name, type, "notnull" = 1 and dflt_value is null as required from pragma_table_info(${table})`.execute(db)
    return rows.map(({ name, type, required }): ExistingColumn => {
      // It heeds no length, and a number only where a column is one of numbers.
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
