import { StoreError } from './errors.ts'
import type { Data, JsonValue, Key, SessionRecord } from './record.ts'

/** A session to be created. Missing text and data are empty; missing times mean no expiry. */
export interface NewSession extends Partial<Pick<SessionRecord, 'name' | 'ip' | 'idleMs' | 'endsAt' | 'data'>> {
  key: Key
  app: string
  user: string
  /** whether to end the other sessions with the same app, user and name */
  unique?: boolean
}

/** Lengths that every kind of store supports, characters. */
const MAX_APP = 100
const MAX_TEXT = 255
/** Most LysKOM sessions have no data and share this object. */
const NO_DATA: Data = Object.freeze({})

/**
 * Returns the record of a session that starts now.
 * @throws StoreError `too-large` for text or data that is too long
 */
export function newRecord(session: NewSession, now: number, maxDataBytes: number): SessionRecord {
  const { key, app, user, name = '', ip = '', idleMs = null, endsAt = null } = session
  const data = session.data === undefined ? NO_DATA : merged(NO_DATA, session.data)
  checkSize(data, maxDataBytes)
  checkLengths({ app, user, name, ip })
  // Written as one literal: with spreads, V8 gives each record a hidden class of its own, which is larger than the
  // record.
  return {
    key,
    app,
    user,
    name,
    ip,
    created: now,
    lastActive: now,
    idleMs,
    endsAt,
    reads: 0,
    writes: 0,
    revision: 0,
    data,
  }
}

/** @throws StoreError `too-large` for data of more than `maxBytes` bytes of JSON */
export function checkSize(data: Data, maxBytes: number): void {
  const bytes = Buffer.byteLength(JSON.stringify(data))
  if (bytes > maxBytes) {
    throw new StoreError('too-large', `the data of a session is ${maxBytes} bytes at most, not ${bytes}`)
  }
}

/** @throws StoreError `too-large` for text that is too long */
export function checkLengths({ app = '', user = '', name = '', ip = '' }: Partial<SessionRecord>): void {
  for (const [field, text] of Object.entries({ app, user, name, ip })) {
    const max = field === 'app' ? MAX_APP : MAX_TEXT
    if (text.length > max) throw new StoreError('too-large', `the ${field} of a session is ${max} characters at most`)
  }
}

/**
 * Applies a patch to data: sets its keys, and deletes those with null. Neither a spread nor `fromEntries` calls
 * setters, so `__proto__` is a key like any other.
 */
export function merged(data: Data, patch: Data): Data {
  const entries: [string, JsonValue][] = Object.entries({ ...data, ...patch })
  return Object.fromEntries(entries.filter(([, value]) => value !== null))
}
