import { resolve } from 'node:path'
import { type SqliteDatabase, SqliteDialect, sql } from 'kysely'
import { checkParameters, decoded } from '../../driver.ts'
import { columnsOfIndexes, type ExistingColumn, type Fault, type SqlKind } from './kind.ts'
import { DiskReserve } from './reserve.ts'

const NAME = 'SQLite'
/** SQLite's lock timeout, milliseconds: short, since waiting blocks the event loop. The statement is retried. */
const BUSY_MS = 100

const IN_MEMORY = ':memory:'
const PAGE_BYTES = 4096
/** Pages in the write-ahead log after which SQLite moves them into the database file; 1000 is its default. */
const MAX_LOG_PAGES = 1000
const MIN_LOG_PAGES = 8
const MAX_RECORD_BYTES = 65_536

/** SQLite result codes. */
const BUSY = 5
const LOCKED = 6
const FULL = 13
/** SQLITE_READONLY, SQLITE_IOERR, SQLITE_CORRUPT, SQLITE_CANTOPEN, SQLITE_NOTADB */
const UNUSABLE = [8, 10, 11, 14, 26]

/** The part of `node:sqlite` that the store uses; older supported versions of Node.js do not have it. */
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

/** Runs a statement that writes, and retries it after freeing space if the disk is full. */
type Guard = <T>(isDelete: boolean, work: () => T) => T

const runUnguarded: Guard = (_, work) => work()

/**
 * Returns a guard that keeps deletes possible on a full disk. Writes go to the write-ahead log. If the disk is so full
 * that the log cannot be checkpointed into the database file, the guard removes the reserve file. The reserve is four
 * times the maximum size of the log, which grows to less than twice that size before the disk is full.
 */
function guardOf(database: InstanceType<NodeSqlite['DatabaseSync']>, path: string): Guard {
  const reserve = new DiskReserve(`${path}-reserve`)
  const pages = Math.floor(reserve.bytes / 4 / PAGE_BYTES)
  database.exec(`pragma wal_autocheckpoint = ${Math.min(Math.max(pages, MIN_LOG_PAGES), MAX_LOG_PAGES)}`)

  const free = database.prepare('pragma freelist_count')

  /** Checkpoints the log into the database file. Returns false if that fails, for example on a full disk. */
  function checkpoint(): boolean {
    try {
      database.exec('pragma wal_checkpoint(truncate)')
      return true
    } catch {
      return false
    }
  }

  function releaseReserve(): void {
    reserve.release()
    checkpoint()
  }

  function retry<T>(isDelete: boolean, work: () => T): T {
    if (!checkpoint()) releaseReserve()
    if (!isDelete && !reserve.create()) throw new FullError()
    try {
      return work()
    } catch (error) {
      if (codeOf(error) !== FULL || !(isDelete || hasFreePages())) throw error
      releaseReserve()
      try {
        return work()
      } finally {
        checkpoint()
      }
    }
  }

  /** Returns whether a record fits into free pages of the database file. */
  function hasFreePages(): boolean {
    const [row] = free.all() as { freelist_count: number }[]
    return row !== undefined && row.freelist_count * PAGE_BYTES > 4 * MAX_RECORD_BYTES
  }

  return (isDelete, work) => {
    if (!isDelete && !reserve.create() && !(checkpoint() && reserve.create())) throw new FullError()
    try {
      return work()
    } catch (error) {
      if (codeOf(error) !== FULL) throw error
      return retry(isDelete, work)
    } finally {
      reserve.create()
    }
  }
}

/** The error of SQLite for a full disk, thrown if the reserve file cannot be created. */
class FullError extends Error {
  override readonly name = 'FullError'
  readonly errcode = FULL

  constructor() {
    super('database or disk is full')
  }
}

/** Returns the primary result code of an SQLite error; undefined for other errors. */
function codeOf(error: unknown): number | undefined {
  const { errcode } = error as { errcode?: unknown }
  // The higher bits are the extended result code.
  return typeof errcode === 'number' ? errcode & 0xff : undefined
}

function faultOf(error: unknown): Fault {
  const code = codeOf(error)
  if (code === undefined) return 'other'
  if (code === FULL) return 'full'
  if (code === BUSY || code === LOCKED) return 'conflict'
  return UNUSABLE.includes(code) ? 'busy' : 'other'
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
