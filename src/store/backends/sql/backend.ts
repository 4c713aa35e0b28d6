import { type AliasedExpression, type Expression, type ExpressionBuilder, type SelectQueryBuilder, sql } from 'kysely'
import {
  type Backend,
  type Change,
  Conflict,
  type Key,
  type Lists,
  PAGE,
  type Pages,
  pagesOf,
  retryOnConflict,
  type SessionRecord,
  sweepInBatches,
  withTimeout,
} from '../../index.ts'
import type { SqlConnection } from './connection.ts'
import type { SqlDatabase, SqlKind, SqlRow, SqlValue } from './kind.ts'
import { keyOfColumn, NEVER, recordOf, type SelectedRow, type SqlTable } from './table.ts'
import { toColumn } from './text.ts'

type Database = Record<string, SqlRow>
type Expressions = ExpressionBuilder<Database, string>

/** Timeout for closing the connections, milliseconds. */
const CLOSE_MS = 5000
const REMOVE_RETRY = { attempts: 50, pauseMs: 1 }
/** Alias of the row before an update. */
const OLD = 'komgate_old'

const FIELDS = [
  'key',
  'app',
  'user',
  'name',
  'ip',
  'created',
  'lastActive',
  'idleMs',
  'endsAt',
  'reads',
  'writes',
  'revision',
  'data',
] as const satisfies readonly (keyof SessionRecord)[]

/** Stores records in a table of an SQL server. It uses no transactions, so no connection is held between statements. */
export class SqlBackend implements Backend, Lists {
  readonly lists = this
  readonly time: Backend['time']
  readonly #db: SqlDatabase
  readonly #forms: SqlKind['forms']
  readonly #table: SqlTable
  readonly #connection: SqlConnection

  /**
   * @param db the database, closed with the backend
   * @param forms the SQL that the server supports
   * @param connection runs the statements
   */
  constructor(db: SqlDatabase, forms: SqlKind['forms'], table: SqlTable, connection: SqlConnection) {
    this.#db = db
    this.#forms = forms
    this.#table = table
    this.#connection = connection
    if (forms.time !== undefined) this.time = time(db, forms.time)
  }

  get interruptions(): number {
    return this.#connection.interruptions
  }

  async insert(record: SessionRecord): Promise<void> {
    const row = this.#table.rowOf(record)
    await this.#connection.run(() => this.#db.insertInto(this.#table.name).values(row).execute())
  }

  async find(key: Key): Promise<SessionRecord | undefined> {
    const { columns: c } = this.#table
    const query = this.#select().where(c.key, '=', key).where(c.app, 'is not', null)
    return await this.#first(() => query.execute())
  }

  async touch(app: string, key: Key, now: number): Promise<SessionRecord | undefined> {
    const { name, columns: c } = this.#table
    const query = this.#unexpired(app, now).where(c.key, '=', key)
    const update = this.#db
      .updateTable(name)
      .set((eb) => ({ ...this.#active(eb, now), [c.reads]: eb(c.reads, '+', 1) }))
    if (this.#forms.updateReturnsOld) {
      const statement = update
        .from(query.forUpdate().as(OLD))
        .whereRef(`${name}.${c.key}`, '=', `${OLD}.key`)
        .returning(FIELDS.map((field) => `${OLD}.${field} as ${field}` as const))
      return await this.#first(() => statement.execute())
    }
    const before = await this.#first(() => query.execute())
    if (before === undefined) return undefined
    // The record may have expired in between. The update keeps concurrent reads and writes.
    const statement = update.where(c.key, '=', key).where(c.app, '=', toColumn(app)).where(c.expiresAt, '>', now)
    const [result] = await this.#connection.run(() => statement.execute())
    return result?.numUpdatedRows ? before : undefined
  }

  async update(key: Key, revision: number, change: Change, now: number): Promise<boolean> {
    const { name, columns: c } = this.#table
    const changed = this.#table.changed(change)
    const statement = this.#db
      .updateTable(name)
      .set((eb) => ({
        ...this.#active(eb, now, change.endsAt),
        ...changed,
        [c.writes]: eb(c.writes, '+', 1),
        [c.revision]: eb(c.revision, '+', 1),
      }))
      .where(c.key, '=', key)
      .where(c.app, 'is not', null)
      .where(c.revision, '=', revision)
    const [result] = await this.#connection.run(() => statement.execute())
    return Boolean(result?.numUpdatedRows)
  }

  async remove(key: Key): Promise<SessionRecord | undefined> {
    const { name, columns: c } = this.#table
    const statement = this.#db.deleteFrom(name).where(c.key, '=', key).where(c.app, 'is not', null)
    if (this.#forms.deleteReturns) {
      const returning = statement.returning((eb) => this.#fields(eb))
      return await this.#first(() => returning.execute())
    }
    return await retryOnConflict(async () => {
      const record = await this.find(key)
      if (record === undefined) return undefined
      const sameRevision = statement.where(c.revision, '=', record.revision)
      const [result] = await this.#connection.run(() => sameRevision.execute())
      return result?.numDeletedRows ? record : new Conflict()
    }, REMOVE_RETRY)
  }

  async sweep(now: number): Promise<void> {
    await sweepInBatches((limit) => this.#sweepSome(now, limit))
  }

  byUser(app: string, user: string, now: number): Pages {
    const query = this.#unexpired(app, now).where(this.#table.columns.user, '=', toColumn(user))
    return this.#newestFirst(query, now, Number.MAX_SAFE_INTEGER)
  }

  activeSince(app: string, since: number, now: number, limit: number): Pages {
    const query = this.#unexpired(app, now).where(this.#table.columns.lastActive, '>=', whole(since))
    return this.#newestFirst(query, now, limit)
  }

  async countUsers(app: string, since: number, now: number): Promise<number> {
    const { columns: c } = this.#table
    const query = this.#unexpired(app, now)
      .where(c.lastActive, '>=', whole(since))
      .where(c.user, '!=', '')
      .clearSelect()
      .select((eb) => eb.fn.count<string | number>(c.user).distinct().as('users'))
    const [row] = await this.#connection.run(() => query.execute())
    return Number(row?.users ?? 0)
  }

  async close(): Promise<void> {
    // An unavailable server may never confirm the close.
    await withTimeout(this.#db.destroy(), CLOSE_MS).catch(() => undefined)
  }

  #fields(eb: Expressions): AliasedExpression<SqlValue, keyof SessionRecord>[] {
    return FIELDS.map((field) => eb.ref(this.#table.columns[field]).as(field))
  }

  #select(): SelectQueryBuilder<Database, string, SelectedRow> {
    return this.#db.selectFrom(this.#table.name).select((eb) => this.#fields(eb))
  }

  /** Selects the unexpired records of an app. */
  #unexpired(app: string, now: number): SelectQueryBuilder<Database, string, SelectedRow> {
    const { columns: c } = this.#table
    return this.#select().where(c.app, '=', toColumn(app)).where(c.expiresAt, '>', now)
  }

  /** Runs one statement if the result fits on one page; otherwise one statement for all keys and one for each page. */
  async *#newestFirst(query: SelectQueryBuilder<Database, string, SelectedRow>, now: number, limit: number): Pages {
    const { columns: c } = this.#table
    const ordered = query.orderBy(c.lastActive, 'desc')
    const first = await this.#all(() => ordered.limit(Math.min(limit, PAGE + 1)).execute())
    if (first.length <= PAGE) return yield first
    const all = ordered
      .limit(limit)
      .clearSelect()
      .select((eb) => eb.ref(c.key).as('key'))
    const rows = await this.#connection.run(() => all.execute())
    const keys = rows.map(({ key }) => keyOfColumn(key))
    yield* pagesOf(keys, (some) =>
      this.#all(() => this.#select().where(c.key, 'in', some).where(c.expiresAt, '>', now).execute()),
    )
  }

  /**
   * Returns the columns that reads and writes both set: last activity and time of expiry.
   * @param endsAt the new end; the current one if undefined
   */
  #active(eb: Expressions, now: number, endsAt?: number | null): Record<string, Expression<number>> {
    const { columns: c } = this.#table
    const { greatest, least } = this.#forms
    const lastActive = eb.fn<number>(greatest, [c.lastActive, eb.val(now)])
    const idleTill = eb.fn.coalesce(sql<number>`${lastActive} + ${eb.ref(c.idleMs)} + 1`, eb.val(NEVER))
    const end = endsAt === undefined ? eb.fn.coalesce(eb.ref(c.endsAt), eb.val(NEVER)) : eb.val(endsAt ?? NEVER)
    return { [c.expiresAt]: eb.fn<number>(least, [idleTill, end]), [c.lastActive]: lastActive }
  }

  async #sweepSome(now: number, limit: number): Promise<number> {
    const { name, columns: c } = this.#table
    const { deleteHasLimit, skipsLocked } = this.#forms
    const expired = this.#db.deleteFrom(name).where(c.expiresAt, '<=', now)
    const keys = this.#db.selectFrom(name).select(c.key).where(c.expiresAt, '<=', now).orderBy(c.expiresAt).limit(limit)
    // PostgreSQL evaluates the subquery once if it is an array, but possibly once for each row otherwise.
    const array = sql<boolean>`${sql.ref(c.key)} = any(array(${keys.forUpdate().skipLocked()}))`
    const statement = deleteHasLimit
      ? expired.orderBy(c.expiresAt).limit(limit)
      : expired.where(skipsLocked ? array : (eb) => eb(c.key, 'in', keys))
    const [result] = await this.#connection.run(() => statement.execute())
    return Number(result?.numDeletedRows ?? 0)
  }

  async #first(statement: () => Promise<SelectedRow[]>): Promise<SessionRecord | undefined> {
    const [record] = await this.#all(statement)
    return record
  }

  async #all(statement: () => Promise<SelectedRow[]>): Promise<SessionRecord[]> {
    return (await this.#connection.run(statement)).map(recordOf)
  }
}

/** Returns a function that reads the server's time, milliseconds since 1970. */
function time(db: SqlDatabase, expression: string): () => Promise<number> {
  const statement = sql<{ time: string | number }>`select ${sql.raw(expression)} as time`
  return async () => Number((await statement.execute(db)).rows[0]?.time)
}

/** Rounds a time to an integer, since integer columns have no infinity. */
function whole(time: number): number {
  return Math.max(Math.ceil(time), Number.MIN_SAFE_INTEGER)
}
