import { sql } from 'kysely'
import { columnsOfIndexes, type ExistingColumn, type SqlDatabase, type SqlKind } from './kind.ts'

interface ColumnRow {
  name: string
  length: number | null
  collation: string | null
  nullable: string
  initial: string | null
  extra: string
}

/** Reads and changes the columns and indexes of a table. */
export const catalog: Pick<SqlKind, 'columns' | 'indexes' | 'widen'> = {
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
