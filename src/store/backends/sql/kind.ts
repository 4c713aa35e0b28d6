import type { Dialect, Expression, Kysely } from 'kysely'

/** A row of a table whose columns are only known at run time. */
export interface SqlRow {
  [column: string]: SqlValue
}

/** A value of a column. */
export type SqlValue = string | number | null

/** The type of a column. */
export type ColumnType = 'bigint' | 'text' | `varchar(${number})` | Expression<unknown>

/** A database with tables of such rows. */
export type SqlDatabase = Kysely<Record<string, SqlRow>>

/** Why a statement failed. */
export type Fault =
  /** The server cannot be reached; its records may be lost. */
  | 'unavailable'
  /** The server is read-only, such as a standby: another server is or will be the primary. */
  | 'read-only'
  /** The server is running but does not serve this client at present. */
  | 'busy'
  /** The server is out of space. */
  | 'full'
  /** A conflict with other statements: the statement can be retried. */
  | 'conflict'
  /** Another error: the statement or the program is wrong. */
  | 'other'

/** Timeouts. They may change while the store is in use. */
export interface SqlLimits {
  /** timeout of a statement, milliseconds */
  queryMs: number
}

/** An existing column of a table. */
export interface ExistingColumn {
  /** the name of the column */
  name: string
  /** maximum length in characters, infinity for no limit; undefined if it is not a text column */
  textLength: number | undefined
  /** whether the column is NOT NULL and has no default */
  required: boolean
}

/** A kind of SQL server: its driver and its SQL. */
export interface SqlKind {
  /** the product name, for messages */
  readonly name: string
  /** the server's address, without user and password */
  readonly where: string
  /** the types of columns */
  readonly types: {
    /** for 64 hexadecimal digits */
    readonly key: ColumnType
    /** for text of up to `length` characters; case, accents and trailing spaces are significant */
    short(length: number): ColumnType
    /** for text of any length */
    readonly long: ColumnType
  }
  /** the SQL that the server supports */
  readonly forms: {
    /** function that returns the greatest of its arguments */
    readonly greatest: string
    /** function that returns the least of its arguments */
    readonly least: string
    /** expression for the server's time, milliseconds since 1970; undefined without a server */
    readonly time?: string
    /** whether it supports UPDATE … FROM (SELECT … FOR UPDATE) … RETURNING, which returns the old values */
    readonly updateReturnsOld: boolean
    /** whether it supports DELETE … RETURNING */
    readonly deleteReturns: boolean
    /** whether it supports DELETE … ORDER BY … LIMIT */
    readonly deleteHasLimit: boolean
    /** whether it supports SELECT … FOR UPDATE SKIP LOCKED, and arrays */
    readonly skipsLocked: boolean
  }
  /**
   * Creates the dialect.
   * @param limits the timeouts
   * @param onLost called when the server or the network ends a connection, even an idle one
   */
  connect(limits: SqlLimits, onLost: () => void): Dialect
  /**
   * Checks the server.
   * @throws TypeError for a server or version that is not supported
   */
  check?(db: SqlDatabase): Promise<void>
  /** Classifies an error. */
  faultOf(error: unknown): Fault
  /** Normalizes an identifier: the server treats two names as equal if their normalized forms are equal. */
  fold(name: string): string
  /** Returns a text column as part of an index; undefined if the whole column can be indexed. */
  indexed?(column: string): Expression<unknown>
  /** Returns the columns of a table; empty if there is no such table. */
  columns(db: SqlDatabase, table: string): Promise<ExistingColumn[]>
  /** Returns the columns of each index of a table, in order. */
  indexes(db: SqlDatabase, table: string): Promise<string[][]>
  /**
   * Enlarges a text column to `length` characters and keeps the rest of its definition.
   * @throws TypeError if the column cannot be enlarged safely
   */
  widen(db: SqlDatabase, table: string, column: string, length: number): Promise<void>
}

/** Groups rows, each with an index and one of its columns in order, into the columns of each index. */
export function columnsOfIndexes(rows: readonly { index: string; column: string }[]): string[][] {
  const indexes = new Map<string, string[]>()
  for (const { index, column } of rows) {
    const columns = indexes.get(index)
    if (columns === undefined) indexes.set(index, [column])
    else columns.push(column)
  }
  return [...indexes.values()]
}
