import { StoreError } from '../errors.ts'
import { type Layout, writtenTime } from '../layout.ts'
import { type Change, type Data, handleOf, type Key, type SessionRecord } from '../record.ts'
import type { SqlRow, SqlValue } from './kind.ts'
import { fromColumn, toColumn } from './text.ts'

/** When a record is over that never is. */
export const NEVER = Number.MAX_SAFE_INTEGER
/** The longest address is an IPv6 one with an IPv4 one in it. */
const MAX_IP = 45

/**
 * What a column is for: the fields of a record, and when it is over unless it is active before. Nobody else's table has
 * columns of these names, and a row of theirs no `app`.
 */
const OURS = {
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
  overAt: 'komgate_over_at',
} as const

/** How many characters our columns hold: what is looked for must fit into an index on every server. */
export const SHORT = { app: 100, user: 255, name: 255, ip: 255 } as const
const SHARED = { ip: MAX_IP, start: 19, stop: 19, token: 12 } as const

export type Columns = Readonly<Record<'key' | keyof typeof OURS, string>>

/** A column that others read. */
interface Shared {
  field: keyof typeof SHARED
  column: string
  length: number
}

/** A record as a row of a table: which columns there are, and what is in them. */
export class SqlTable {
  readonly name: string
  readonly columns: Columns
  readonly shared: readonly Shared[]

  /** Throws a `TypeError` for a layout that gives two things the same name. */
  constructor({ table, sidField, fields }: Layout) {
    this.name = table
    this.columns = { key: sidField, ...OURS }
    this.shared = Object.entries(fields).map(([field, column]) => {
      const known = field as keyof typeof SHARED
      return { field: known, column, length: SHARED[known] }
    })
    const names = new Set<string>()
    for (const name of [...Object.values(this.columns), ...this.shared.map(({ column }) => column)]) {
      // To some servers case is all the same.
      const folded = name.toLowerCase()
      if (names.has(folded)) throw new TypeError(`"${name}" is the name of two columns of a store's table`)
      names.add(folded)
    }
  }

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
      [c.overAt]: Math.min(endsAt ?? NEVER, idleMs === null ? NEVER : lastActive + idleMs + 1),
    }
    const values = {
      ip: toColumn(ip).slice(0, MAX_IP) || null,
      start: writtenTime(created),
      token: handleOf(record.key),
    }
    for (const { field, column } of this.shared) if (field !== 'stop') row[column] = values[field]
    return row
  }

  /** The columns that a change changes, but for those that every change does. */
  changed({ user, name, endsAt, data }: Change): SqlRow {
    const { columns: c } = this
    const row: SqlRow = {}
    if (user !== undefined) row[c.user] = short('user', user)
    if (name !== undefined) row[c.name] = short('name', name)
    if (data !== undefined) row[c.data] = JSON.stringify(data)
    if (endsAt === undefined) return row
    row[c.endsAt] = endsAt
    const stop = this.shared.find(({ field }) => field === 'stop')
    if (stop !== undefined) row[stop.column] = endsAt === null ? null : writtenTime(endsAt)
    return row
  }
}

/** A row that was selected under the names of a record's fields. */
export type SelectedRow = Record<keyof SessionRecord, SqlValue>

/** Whole numbers of 64 bits come as text from some drivers. */
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

/** A column of fixed length may be longer than a key. */
export function keyOfColumn(value: SqlValue): Key {
  return String(value).trimEnd() as Key
}

function short(field: keyof typeof SHORT, text: string): string {
  const value = toColumn(text)
  if (value.length <= SHORT[field]) return value
  throw new StoreError('too-large', `the ${field} of a session is ${SHORT[field]} characters at most`)
}
