import { createHash } from 'node:crypto'
import { type ColumnDefinitionBuilder, type Expression, sql } from 'kysely'
import { Conflict, retryOnConflict } from '../../index.ts'
import type { ColumnType, ExistingColumn, Fault, SqlDatabase, SqlKind } from './kind.ts'
import { type Columns, NEVER, SHORT, type SqlTable } from './table.ts'

/** Retries, since other processes may prepare the same table at the same time. */
const RETRY = { attempts: 40, pauseMs: 50, maxPauseMs: 50 }
const KEY_LENGTH = 64
/** Faults that do not disappear with another attempt. */
const PERSISTENT: readonly Fault[] = ['unavailable', 'busy', 'full', 'read-only']

/**
 * Creates the table, or adds missing columns and indexes to an existing one. Rows of other programs stay unchanged, and
 * these programs can still add rows.
 * @throws TypeError for an existing table that cannot be used
 * @throws the error of the driver if the server fails
 */
export async function prepareTable(db: SqlDatabase, kind: SqlKind, table: SqlTable): Promise<void> {
  await retryOnConflict(async () => {
    try {
      return await complete(db, kind, table)
    } catch (error) {
      if (error instanceof TypeError || PERSISTENT.includes(kind.faultOf(error))) throw error
      // A step fails if another process has just completed it, which the next attempt detects.
      return new Conflict(error)
    }
  }, RETRY)
}

async function complete(db: SqlDatabase, kind: SqlKind, table: SqlTable): Promise<void> {
  const existing = await kind.columns(db, table.name)
  if (existing.length === 0) await createTable(db, kind, table)
  else await extendTable(db, kind, table, existing)
  const indexes = await kind.indexes(db, table.name)
  for (const [purpose, columns] of requiredIndexes(table.columns)) {
    const has = indexes.some((index) => columns.every((name, i) => kind.fold(index[i] ?? '') === kind.fold(name)))
    if (has) continue
    let create = db.schema.createIndex(indexName(table, purpose)).on(table.name)
    for (const name of columns) {
      create = name === table.columns.user && kind.indexed ? create.expression(kind.indexed(name)) : create.column(name)
    }
    await create.execute()
  }
}

async function createTable(db: SqlDatabase, kind: SqlKind, table: SqlTable): Promise<void> {
  let create = db.schema
    .createTable(table.name)
    .ifNotExists()
    .addColumn(table.columns.key, kind.types.key, (column) => column.notNull().primaryKey())
  for (const { name, type, define } of newColumns(kind, table)) create = create.addColumn(name, type, define)
  await create.execute()
}

async function extendTable(
  db: SqlDatabase,
  kind: SqlKind,
  table: SqlTable,
  existing: readonly ExistingColumn[],
): Promise<void> {
  const columns = new Map(existing.map((column) => [kind.fold(column.name), column]))
  const textColumns = [{ column: table.columns.key, length: KEY_LENGTH }, ...table.shared]
  checkTable(kind, table, columns)
  for (const { column, length } of textColumns) {
    const { textLength = Number.POSITIVE_INFINITY } = columns.get(kind.fold(column)) ?? {}
    if (textLength < length) await kind.widen(db, table.name, column, length)
  }
  for (const { name, type, define } of newColumns(kind, table)) {
    if (columns.has(kind.fold(name))) continue
    await db.schema.alterTable(table.name).addColumn(name, type, define).execute()
  }
}

function checkTable(kind: SqlKind, table: SqlTable, columns: ReadonlyMap<string, ExistingColumn>): void {
  const key = columns.get(kind.fold(table.columns.key))
  if (key === undefined) throw new TypeError(`the table "${table.name}" has no column "${table.columns.key}"`)
  if (key.textLength === undefined) throw new TypeError(`the column "${key.name}" of "${table.name}" holds no text`)
  const written = new Set([...Object.values(table.columns), ...table.shared.map(({ column }) => column)].map(kind.fold))
  for (const [name, column] of columns) {
    if (!column.required || written.has(name)) continue
    throw new TypeError(`the column "${column.name}" of "${table.name}" must have a default, or may be null`)
  }
}

interface NewColumn {
  name: string
  type: ColumnType
  define: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder
}

/** Returns all columns except the key. In rows of other programs `app` is null and the others have neutral defaults. */
function newColumns({ types }: SqlKind, { columns: c, shared }: SqlTable): NewColumn[] {
  const column = (name: string, type: ColumnType, value?: string | number | Expression<unknown>): NewColumn => ({
    name,
    type,
    define: (definition) => (value === undefined ? definition : definition.notNull().defaultTo(value)),
  })
  return [
    column(c.app, types.short(SHORT.app)),
    column(c.user, types.short(SHORT.user), ''),
    column(c.name, types.short(SHORT.name), ''),
    column(c.ip, types.short(SHORT.ip), ''),
    column(c.created, 'bigint', 0),
    column(c.lastActive, 'bigint', 0),
    column(c.idleMs, 'bigint'),
    column(c.endsAt, 'bigint'),
    column(c.reads, 'bigint', 0),
    column(c.writes, 'bigint', 0),
    column(c.revision, 'bigint', 0),
    column(c.expiresAt, 'bigint', NEVER),
    // The parentheses make it an expression: MySQL accepts no literal as default of a text column.
    column(c.data, types.long, sql`('{}')`),
    ...shared.map(({ column: name, length }) => column(name, sql`varchar(${sql.lit(length)})`)),
  ]
}

function requiredIndexes(c: Columns): [purpose: string, columns: string[]][] {
  return [
    ['key', [c.key]],
    ['user', [c.app, c.user]],
    ['active', [c.app, c.lastActive]],
    ['expiry', [c.expiresAt]],
  ]
}

/**
 * Returns the name of an index. It is unique within the database, as some servers require, and short, since servers
 * truncate long names.
 */
function indexName(table: SqlTable, purpose: string): string {
  return `komgate_${purpose}_${createHash('sha256').update(table.name).digest('hex').slice(0, 12)}`
}
