import { type Layout, writtenTime } from './layout.ts'
import { type Data, handleOf, type Key, type SessionRecord } from './record.ts'

/**
 * A record as it lies in a document, all of it under one name, so that others may name the fields beside it as they
 * please. Data is JSON in a string: no key of it means anything to the server, and no number is rounded on the way.
 */
export type StoredRecord = Omit<SessionRecord, 'key' | 'data'> & { readonly data: string }

/** The field of a document that the record is under. */
export const RECORD = 'record'

export function toStored({ app, user, name, ip, data, ...rest }: SessionRecord): StoredRecord {
  const { created, lastActive, idleMs, endsAt, reads, writes, revision } = rest
  const times = { created, lastActive, idleMs, endsAt }
  return { app, user, name, ip, ...times, reads, writes, revision, data: dataText(data) }
}

export function fromStored(key: Key, { app, user, name, ip, data, ...rest }: StoredRecord): SessionRecord {
  const { created, lastActive, idleMs, endsAt, reads, writes, revision } = rest
  const times = { created, lastActive, idleMs, endsAt }
  return { key, app, user, name, ip, ...times, reads, writes, revision, data: JSON.parse(data) as Data }
}

export function dataText(data: Data): string {
  return JSON.stringify(data)
}

/** The first millisecond in which a record is over (`isOver`) unless something happens; null for never. */
export function overFrom({ lastActive, idleMs, endsAt }: SessionRecord): number | null {
  const idleEnd = idleMs === null ? Number.POSITIVE_INFINITY : lastActive + idleMs + 1
  const end = Math.min(idleEnd, endsAt ?? Number.POSITIVE_INFINITY)
  return Number.isFinite(end) ? end : null
}

/** What others want to read, under their names. */
export function namedFields({ key, ip, created, endsAt }: SessionRecord, layout: Layout): Record<string, string> {
  const { fields } = layout
  const named = [
    [fields.ip, ip],
    [fields.start, writtenTime(created)],
    [fields.stop, stopText(endsAt)],
    [fields.token, handleOf(key)],
  ] as const
  return Object.fromEntries(named.flatMap(([name, value]) => (name === undefined ? [] : [[name, value]])))
}

/** An end as `fields.stop` has it. */
export function stopText(endsAt: number | null): string {
  return endsAt === null ? '' : writtenTime(endsAt)
}

/** Throws a `TypeError` when two fields of a document would have the same name. */
export function checkNames(names: readonly string[]): void {
  const all = [RECORD, ...names]
  const twice = all.find((name, i) => all.indexOf(name) !== i)
  if (twice !== undefined) throw new TypeError(`two fields of a session's document cannot both be named "${twice}"`)
}
