import type { Dialect, Expression, Kysely } from 'kysely'

/** Rows of a table whose columns are known when its layout is. */
export interface SqlRow {
  [column: string]: SqlValue
}

export type SqlValue = string | number | null

export type ColumnType = 'bigint' | 'text' | `varchar(${number})` | Expression<unknown>

/** A database of such tables. */
export type SqlDatabase = Kysely<Record<string, SqlRow>>

/** Why a statement was not done. */
export type Fault =
  /** The server is not there; what it held may be gone. */
  | 'away'
  /** It only reads, as a standby does: another server is, or will be, the one to write to. */
  | 'read-only'
  /** It is there, and does nothing for us now. */
  | 'busy'
  /** It has no room. */
  | 'full'
  /** Others were in the way: the same again may well be done. */
  | 'conflict'
  | 'other'

/** How long the server is waited for; may be changed while it is in use. */
export interface SqlLimits {
  queryMs: number
}

/** What there is to know about a column that is there. */
export interface ExistingColumn {
  name: string
  /** how many characters it holds, infinity for any number; undefined where it does not hold text */
  textLength: number | undefined
  /** Every row needs a value for it, and there is no default. */
  required: boolean
}

/** What differs between the kinds of SQL servers. */
export interface SqlKind {
  /** as people call it */
  readonly name: string
  /** its address, without user and password */
  readonly where: string
  readonly types: {
    /** of 64 hexadecimal digits */
    readonly key: ColumnType
    /** of up to so many characters, whose case, accents and trailing spaces count */
    short(length: number): ColumnType
    /** of any length */
    readonly long: ColumnType
  }
  readonly forms: {
    readonly greatest: string
    readonly least: string
    /** the server's time, milliseconds since 1970; undefined where there is no server */
    readonly time?: string
    /** UPDATE … FROM (SELECT … FOR UPDATE) … RETURNING: gives the old values */
    readonly updateReturnsOld: boolean
    /** DELETE … RETURNING */
    readonly deleteReturns: boolean
    /** DELETE … ORDER BY … LIMIT */
    readonly deleteHasLimit: boolean
    /** SELECT … FOR UPDATE SKIP LOCKED, and arrays */
    readonly skipsLocked: boolean
  }
  /** `lost` is called when a connection ends that we have not ended, while nothing is asked of it too. */
  connect(limits: SqlLimits, lost: () => void): Dialect
  /** Throws a `TypeError` when the server is of another kind. */
  check?(db: SqlDatabase): Promise<void>
  faultOf(error: unknown): Fault
  /** Names that are equal after it are one name to the server. */
  fold(name: string): string
  /** A column of text as part of an index, where that is not all of it. */
  indexed?(column: string): Expression<unknown>
  /** Empty when there is no such table. */
  columns(db: SqlDatabase, table: string): Promise<ExistingColumn[]>
  /** The columns of each index, in their order. */
  indexes(db: SqlDatabase, table: string): Promise<string[][]>
  /** Makes room for so many characters in a column of text, and changes nothing else about it. */
  widen(db: SqlDatabase, table: string, column: string, length: number): Promise<void>
}

/** The columns of each index, from a row for each column. */
export function columnsOfIndexes(rows: readonly { index: string; column: string }[]): string[][] {
  const indexes = new Map<string, string[]>()
  for (const { index, column } of rows) {
    const columns = indexes.get(index)
    if (columns === undefined) indexes.set(index, [column])
    else columns.push(column)
  }
  return [...indexes.values()]
}
