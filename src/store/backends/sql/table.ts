import {
  type Change,
  type Data,
  formatTime,
  handleOf,
  type Key,
  type Layout,
  type SessionRecord,
  StoreError,
} from '../../index.ts'
import type { SqlRow, SqlValue } from './kind.ts'
import { fromColumn, toColumn } from './text.ts'

/** The value of `expiresAt` for records that never expire. */
export const NEVER = Number.MAX_SAFE_INTEGER
/** Maximum length of an IP address, characters: IPv6 with an embedded IPv4 address. */
const MAX_IP = 45

/**
 * Columns of the store: the fields of a record, and `expiresAt`, the time at which an unused record expires. Tables of
 * other programs have no columns with these names. In rows of other programs `app` is null. Existing tables have these
 * names, so they cannot change.
 */
const STORE_COLUMNS = {
  app: 'komgate_app',
  user: 'komgate_user',
  name: 'komgate_name',
  ip: 'komgate_ip',
  created: 'komgate_created',
  lastActive: 'komgate_last_active',
  idleMs: 'komgate_idle_ms',
  endsAt: 'komgate_ends_at',
  reads: 'komgate_reads',
  writes: 'komgate_writes',
  revision: 'komgate_revision',
  data: 'komgate_data',
  expiresAt: 'komgate_over_at',
} as const

/** Lengths of the store's text columns, characters; short enough for an index on every server. */
export const SHORT = { app: 100, user: 255, name: 255, ip: 255 } as const
/** Lengths of the columns for other programs, characters. */
const SHARED = { ip: MAX_IP, start: 19, stop: 19, token: 12 } as const

/** The names of the store's columns, by field. */
export type Columns = Readonly<Record<'key' | keyof typeof STORE_COLUMNS, string>>

/** A column for other programs. */
interface Shared {
  field: keyof typeof SHARED
  column: string
  length: number
}

/** Maps records to rows of a table. */
export class SqlTable {
  /** the name of the table */
  readonly name: string
  /** the names of the store's columns */
  readonly columns: Columns
  /** the columns for other programs */
  readonly shared: readonly Shared[]

  /** @throws TypeError if two columns have the same name, ignoring case */
  constructor({ table, sidField, fields }: Layout) {
    this.name = table
    this.columns = { key: sidField, ...STORE_COLUMNS }
    this.shared = Object.entries(fields).map(([field, column]) => {
      const known = field as keyof typeof SHARED
      return { field: known, column, length: SHARED[known] }
    })
    const names = new Set<string>()
    for (const name of [...Object.values(this.columns), ...this.shared.map(({ column }) => column)]) {
      // Some servers ignore the case of names.
      const folded = name.toLowerCase()
      if (names.has(folded)) throw new TypeError(`"${name}" is the name of two columns of the store's table`)
      names.add(folded)
    }
  }

  /**
   * Returns the row of a record.
   * @throws StoreError `too-large` for text that a column cannot hold
   */
  rowOf(record: SessionRecord): SqlRow {
    const { columns: c } = this
    const { ip, created, lastActive, idleMs, endsAt, reads, writes, revision } = record
    const row: SqlRow = {
      [c.key]: record.key,
      [c.app]: short('app', record.app),
      ...this.changed(record),
      [c.ip]: short('ip', ip),
      [c.created]: created,
      [c.lastActive]: lastActive,
      [c.idleMs]: idleMs,
      [c.reads]: reads,
      [c.writes]: writes,
      [c.revision]: revision,
      [c.expiresAt]: Math.min(endsAt ?? NEVER, idleMs === null ? NEVER : lastActive + idleMs + 1),
    }
    const values = {
      ip: toColumn(ip).slice(0, MAX_IP) || null,
      start: formatTime(created),
      token: handleOf(record.key),
    }
    for (const { field, column } of this.shared) if (field !== 'stop') row[column] = values[field]
    return row
  }

  /**
   * Returns the columns that a change sets, without those that every write sets.
   * @throws StoreError `too-large` for text that a column cannot hold
   */
  changed({ user, name, endsAt, data }: Change): SqlRow {
    const { columns: c } = this
    const row: SqlRow = {}
    if (user !== undefined) row[c.user] = short('user', user)
    if (name !== undefined) row[c.name] = short('name', name)
    if (data !== undefined) row[c.data] = JSON.stringify(data)
    if (endsAt === undefined) return row
    row[c.endsAt] = endsAt
    const stop = this.shared.find(({ field }) => field === 'stop')
    if (stop !== undefined) row[stop.column] = endsAt === null ? null : formatTime(endsAt)
    return row
  }
}

/** A row selected under the field names of a record. */
export type SelectedRow = Record<keyof SessionRecord, SqlValue>

/** Converts a row to a record. Integers may be text, as some drivers return 64-bit integers. */
export function recordOf(row: SelectedRow): SessionRecord {
  return {
    key: keyOfColumn(row.key),
    app: fromColumn(String(row.app)),
    user: fromColumn(String(row.user)),
    name: fromColumn(String(row.name)),
    ip: fromColumn(String(row.ip)),
    created: Number(row.created),
    lastActive: Number(row.lastActive),
    idleMs: row.idleMs === null ? null : Number(row.idleMs),
    endsAt: row.endsAt === null ? null : Number(row.endsAt),
    reads: Number(row.reads),
    writes: Number(row.writes),
    revision: Number(row.revision),
    data: JSON.parse(String(row.data)) as Data,
  }
}

/** Converts a column value to a key. Removes trailing spaces, with which a CHAR column pads its values. */
export function keyOfColumn(value: SqlValue): Key {
  return String(value).trimEnd() as Key
}

function short(field: keyof typeof SHORT, text: string): string {
  const value = toColumn(text)
  if ([...value].length <= SHORT[field]) return value
  throw new StoreError('too-large', `the ${field} of a session is ${SHORT[field]} characters at most`)
}
