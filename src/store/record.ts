import { hash } from 'node:crypto'

/** A value that JSON can represent. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue }

/** The data of a session. */
export type Data = { readonly [key: string]: JsonValue }

declare const hashed: unique symbol

/** The key of a record: the SHA-256 of its token, hexadecimal. A branded type prevents tokens from being stored. */
export type Key = string & { readonly [hashed]: true }

/** A session in the store. Times are milliseconds since 1970. */
export interface SessionRecord {
  /** hash of the token that the client sends */
  readonly key: Key
  /** the application: a LysKOM server id, a REST-Sessions app, a microapp service, … */
  readonly app: string
  /** the user: a person number on a LysKOM server or a user id of an app; empty for an anonymous session */
  readonly user: string
  /** distinguishes the sessions of one user, for apps that need it; otherwise empty */
  readonly name: string
  /** IP address of the client */
  readonly ip: string
  /** time of creation */
  readonly created: number
  /** time of the last read or write */
  readonly lastActive: number
  /** idle timeout, milliseconds; null for none */
  readonly idleMs: number | null
  /** time at which the session expires even if it is active; null for never */
  readonly endsAt: number | null
  /** number of reads */
  readonly reads: number
  /** number of writes */
  readonly writes: number
  /** increases with every write, for optimistic locking */
  readonly revision: number
  /** values that clients have stored in the session */
  readonly data: Data
}

/** The fields that a write may change. */
export type Change = Partial<Pick<SessionRecord, 'user' | 'name' | 'endsAt' | 'data'>>

/** Returns the key of a token's record. The token itself is not stored. */
export function keyOf(token: string): Key {
  return hash('sha256', token) as Key
}

/**
 * Returns the handle that identifies a record in lists and logs: 12 hexadecimal digits of its key. Neither token nor
 * key can be derived from the handle, so it is not secret.
 */
export function handleOf(key: Key): string {
  return key.slice(0, 12)
}

/** Returns whether a record is expired at `now`, milliseconds since 1970. */
export function isExpired({ idleMs, lastActive, endsAt }: SessionRecord, now: number): boolean {
  return (idleMs !== null && now - lastActive > idleMs) || (endsAt !== null && now >= endsAt)
}

/** Returns a record after a read at `now`, which updates read count and last activity. */
export function afterRead(record: SessionRecord, now: number): SessionRecord {
  return { ...record, reads: record.reads + 1, lastActive: Math.max(now, record.lastActive) }
}

/**
 * Returns a record after a write at `now`, which applies a change and updates write count, revision and last activity.
 */
export function afterWrite(record: SessionRecord, change: Change, now: number): SessionRecord {
  return {
    ...record,
    ...change,
    writes: record.writes + 1,
    revision: record.revision + 1,
    lastActive: Math.max(now, record.lastActive),
  }
}
