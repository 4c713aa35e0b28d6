import { type Layout, writtenTime } from './layout.ts'
import { type Data, handleOf, type Key, type SessionRecord } from './record.ts'

/**
 * A record as stored in a document. All of it is under one name, so that the fields beside it can have any names. The
 * data is JSON in a string, so that the server interprets none of its keys and rounds none of its numbers.
 */
export type StoredRecord = Omit<SessionRecord, 'key' | 'data'> & { readonly data: string }

/** The document field that contains the record. */
export const RECORD = 'record'

/** Converts a record to its stored form. */
export function toStored({ app, user, name, ip, data, ...rest }: SessionRecord): StoredRecord {
  const { created, lastActive, idleMs, endsAt, reads, writes, revision } = rest
  const times = { created, lastActive, idleMs, endsAt }
  return { app, user, name, ip, ...times, reads, writes, revision, data: dataText(data) }
}

/** Converts a stored record back. */
export function fromStored(key: Key, { app, user, name, ip, data, ...rest }: StoredRecord): SessionRecord {
  const { created, lastActive, idleMs, endsAt, reads, writes, revision } = rest
  const times = { created, lastActive, idleMs, endsAt }
  return { key, app, user, name, ip, ...times, reads, writes, revision, data: JSON.parse(data) as Data }
}

/** Returns the data of a record as JSON. */
export function dataText(data: Data): string {
  return JSON.stringify(data)
}

/** Returns the first millisecond in which a record is expired (`isExpired`) unless it is used before; null for never. */
export function expiresAt({ lastActive, idleMs, endsAt }: SessionRecord): number | null {
  const idleEnd = idleMs === null ? Number.POSITIVE_INFINITY : lastActive + idleMs + 1
  const end = Math.min(idleEnd, endsAt ?? Number.POSITIVE_INFINITY)
  return Number.isFinite(end) ? end : null
}

/** Returns the fields for other programs, under the names of the layout. */
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

/** Returns an end time in the form of `fields.stop`. */
export function stopText(endsAt: number | null): string {
  return endsAt === null ? '' : writtenTime(endsAt)
}

/**
 * Checks the field names of documents.
 * @throws TypeError if two fields of a document would have the same name
 */
export function checkNames(names: readonly string[]): void {
  const all = [RECORD, ...names]
  const twice = all.find((name, i) => all.indexOf(name) !== i)
  if (twice !== undefined) throw new TypeError(`"${twice}" is the name of two fields of a session document`)
}
