import { hash } from 'node:crypto'

/** A value that JSON can represent. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue }

/** The data of a session. */
export type Data = { readonly [key: string]: JsonValue }

declare const hashed: unique symbol

/** The key of a record: SHA-256 of its token, hexadecimal. A branded type, so that no token is stored by mistake. */
export type Key = string & { readonly [hashed]: true }

/** A session in the store. Times are milliseconds since 1970. */
export interface SessionRecord {
  readonly key: Key
  /** the application: a LysKOM server id, a REST-Sessions app, a microapp service, … */
  readonly app: string
  /** the user: a person number on a LysKOM server or a user id of an app; empty for an anonymous session */
  readonly user: string
  /** distinguishes the sessions of one user, for apps that need it; otherwise empty */
  readonly name: string
  /** the client's IP address */
  readonly ip: string
  readonly created: number
  readonly lastActive: number
  /** Idle timeout, milliseconds: the session expires when it was idle for longer; null for never. */
  readonly idleMs: number | null
  /** The session expires at this time even if it is active; null for never. */
  readonly endsAt: number | null
  /** number of reads and of writes */
  readonly reads: number
  readonly writes: number
  /** Increases with every write, for optimistic locking. */
  readonly revision: number
  readonly data: Data
}

/** The fields that a write may change. */
export type Change = Partial<Pick<SessionRecord, 'user' | 'name' | 'endsAt' | 'data'>>

/** Returns the key of a token's record. The token itself is not stored. */
export function keyOf(token: string): Key {
  return hash('sha256', token) as Key
}

/**
 * Returns the handle that names a record in lists and logs. It is too short to find the token or the record with, so it
 * is not secret.
 */
export function handleOf(key: Key): string {
  return key.slice(0, 12)
}

/** Returns whether a record is expired at `now`. */
export function isExpired({ idleMs, lastActive, endsAt }: SessionRecord, now: number): boolean {
  return (idleMs !== null && now - lastActive > idleMs) || (endsAt !== null && now >= endsAt)
}

/** Returns the record after a read: read count and last activity updated. */
export function afterRead(record: SessionRecord, now: number): SessionRecord {
  return { ...record, reads: record.reads + 1, lastActive: Math.max(now, record.lastActive) }
}

/** Returns the record after a write: change applied; write count, revision and last activity updated. */
export function afterWrite(record: SessionRecord, change: Change, now: number): SessionRecord {
  return {
    ...record,
    ...change,
    writes: record.writes + 1,
    revision: record.revision + 1,
    lastActive: Math.max(now, record.lastActive),
  }
}
