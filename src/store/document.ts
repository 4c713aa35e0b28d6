import { formatTime, type Layout } from './layout.ts'
import { type Data, handleOf, type Key, type SessionRecord } from './record.ts'

/**
 * A record as stored in a document. It is one field of the document, so that the fields for other programs can have any
 * other name. The data is JSON in a string, so that the server does not interpret keys or round numbers.
 */
export type StoredRecord = Omit<SessionRecord, 'key' | 'data'> & { readonly data: string }

/** The document field that contains the record. */
export const RECORD = 'record'

/** A document of a session: the record, and fields under other names. */
export interface SessionDocument {
  readonly [RECORD]: StoredRecord
  readonly [name: string]: unknown
}

/** Returns the document of a record, with the fields for other programs. */
export function toDocument(record: SessionRecord, layout: Layout): SessionDocument {
  return { ...namedFields(record, layout), [RECORD]: toStored(record) }
}

/**
 * Returns the record in a document.
 * @throws SyntaxError if its data is not JSON
 */
export function fromDocument(key: Key, document: SessionDocument): SessionRecord {
  return fromStored(key, document[RECORD])
}

/** Converts a record to its stored form, without the key. */
function toStored({ app, user, name, ip, data, ...rest }: SessionRecord): StoredRecord {
  const { created, lastActive, idleMs, endsAt, reads, writes, revision } = rest
  const times = { created, lastActive, idleMs, endsAt }
  return { app, user, name, ip, ...times, reads, writes, revision, data: JSON.stringify(data) }
}

/** Converts a stored record back. */
function fromStored(key: Key, { app, user, name, ip, data, ...rest }: StoredRecord): SessionRecord {
  const { created, lastActive, idleMs, endsAt, reads, writes, revision } = rest
  const times = { created, lastActive, idleMs, endsAt }
  return { key, app, user, name, ip, ...times, reads, writes, revision, data: JSON.parse(data) as Data }
}

/**
 * Returns the first millisecond in which an unused record is expired (`isExpired`), milliseconds since 1970; null for
 * never.
 */
export function expiresAt({
  lastActive,
  idleMs,
  endsAt,
}: Pick<SessionRecord, 'lastActive' | 'idleMs' | 'endsAt'>): number | null {
  const idleEnd = idleMs === null ? Number.POSITIVE_INFINITY : lastActive + idleMs + 1
  const end = Math.min(idleEnd, endsAt ?? Number.POSITIVE_INFINITY)
  return Number.isFinite(end) ? end : null
}

/** Returns the fields for other programs: IP address, start, end and handle, under the names of the layout. */
export function namedFields({ key, ip, created, endsAt }: SessionRecord, layout: Layout): Record<string, string> {
  const { fields } = layout
  const named = [
    [fields.ip, ip],
    [fields.start, formatTime(created)],
    [fields.stop, stopText(endsAt)],
    [fields.token, handleOf(key)],
  ] as const
  return Object.fromEntries(named.flatMap(([name, value]) => (name === undefined ? [] : [[name, value]])))
}

/**
 * Returns an end time in the format of `fields.stop`.
 * @param endsAt milliseconds since 1970; null for never, which is an empty text
 */
export function stopText(endsAt: number | null): string {
  return endsAt === null ? '' : formatTime(endsAt)
}

/**
 * Checks the field names of documents.
 * @param names the names in the layout, without `RECORD`
 * @throws TypeError if two fields of a document would have the same name
 */
export function checkNames(names: readonly string[]): void {
  const all = [RECORD, ...names]
  const duplicate = all.find((name, i) => all.indexOf(name) !== i)
  if (duplicate !== undefined) throw new TypeError(`"${duplicate}" is the name of two fields of a session document`)
}
