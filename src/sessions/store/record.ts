import { hash } from 'node:crypto'

/** A value that JSON can hold. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue }

/** What an application keeps in a session. */
export type Data = { readonly [key: string]: JsonValue }

declare const hashed: unique symbol

/** What a record is stored under: its token's SHA-256, hexadecimal. A type of its own, so that no token is stored. */
export type Key = string & { readonly [hashed]: true }

/** A session as the store knows it. Times are milliseconds since 1970. */
export interface SessionRecord {
  readonly key: Key
  /** whose sessions it is among: a LysKOM server's id, a REST-Sessions app, a microapp service, … */
  readonly app: string
  /** whose session it is: a person number of a LysKOM server, a user id of an app; empty for nobody's */
  readonly user: string
  /** tells the sessions of one user apart, where an app has a use for that; empty otherwise */
  readonly name: string
  /** the client's address */
  readonly ip: string
  readonly created: number
  readonly lastActive: number
  /** The session is over when it has been idle for longer, milliseconds; null for never. */
  readonly idleMs: number | null
  /** The session is over from then on, however active; null for never. */
  readonly endsAt: number | null
  /** how often it has been read and written */
  readonly reads: number
  readonly writes: number
  /** Grows with every write, so that a writer can tell whether another one has come before it. */
  readonly revision: number
  readonly data: Data
}

/** What a writer may change. */
export type Change = Partial<Pick<SessionRecord, 'user' | 'name' | 'endsAt' | 'data'>>

/** The key of a token's record. The token itself is stored nowhere. */
export function keyOf(token: string): Key {
  return hash('sha256', token) as Key
}

/** What names a record in lists and logs: too little of the key to find the token with, so it is no secret. */
export function handleOf(key: Key): string {
  return key.slice(0, 12)
}

export function isOver({ idleMs, lastActive, endsAt }: SessionRecord, now: number): boolean {
  return (idleMs !== null && now - lastActive > idleMs) || (endsAt !== null && now >= endsAt)
}

/** The record after a read. */
export function afterRead(record: SessionRecord, now: number): SessionRecord {
  return { ...record, reads: record.reads + 1, lastActive: Math.max(now, record.lastActive) }
}

/** The record after a write. */
export function afterWrite(record: SessionRecord, change: Change, now: number): SessionRecord {
  return {
    ...record,
    ...change,
    writes: record.writes + 1,
    revision: record.revision + 1,
    lastActive: Math.max(now, record.lastActive),
  }
}
