import { StoreError } from './errors.ts'
import type { Data, JsonValue, Key, SessionRecord } from './record.ts'

/** A session to be created. Undefined text and data are empty; undefined times mean no expiry. */
export interface NewSession extends Partial<Pick<SessionRecord, 'name' | 'ip' | 'idleMs' | 'endsAt' | 'data'>> {
  /** key of the session's token */
  key: Key
  /** the application, as in `SessionRecord` */
  app: string
  /** the user, as in `SessionRecord`; empty for an anonymous session */
  user: string
  /** whether to end the other sessions with the same app, user and name */
  unique?: boolean
}

/** Maximum length of an app name that every kind of store supports, characters. */
export const MAX_APP = 100
/** Maximum length of user, name and address that every kind of store supports, characters. */
const MAX_TEXT = 255
/** Shared by all sessions without data, which saves memory. */
const NO_DATA: Data = Object.freeze({})

/**
 * Returns the record of a session that starts now.
 * @param now milliseconds since 1970
 * @param maxDataBytes maximum size of the data, bytes of JSON
 * @throws StoreError `too-large` for text or data that is too long
 */
export function newRecord(session: NewSession, now: number, maxDataBytes: number): SessionRecord {
  const { key, app, user, name = '', ip = '', idleMs = null, endsAt = null } = session
  const data = session.data === undefined ? NO_DATA : merged(NO_DATA, session.data)
  checkSize(data, maxDataBytes)
  checkLengths({ app, user, name, ip })
  // One literal without spreads, so that V8 shares the hidden class: one for each record would be larger than the
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

/**
 * Checks the size of session data.
 * @throws StoreError `too-large` for data of more than `maxBytes` bytes of JSON
 */
export function checkSize(data: Data, maxBytes: number): void {
  const bytes = Buffer.byteLength(JSON.stringify(data))
  if (bytes > maxBytes) {
    throw new StoreError('too-large', `the data of a session is ${maxBytes} bytes at most, not ${bytes}`)
  }
}

/**
 * Checks the lengths of the text fields of a record.
 * @throws StoreError `too-large` for text that is too long
 */
export function checkLengths({ app = '', user = '', name = '', ip = '' }: Partial<SessionRecord>): void {
  for (const [field, text] of Object.entries({ app, user, name, ip })) {
    const max = field === 'app' ? MAX_APP : MAX_TEXT
    // A text counts characters outside the Basic Multilingual Plane as two, an SQL column as one.
    if ([...text].length > max)
      throw new StoreError('too-large', `the ${field} of a session is ${max} characters at most`)
  }
}

/**
 * Returns data with a patch applied. Neither a spread nor `fromEntries` calls setters, so `__proto__` is an ordinary
 * key.
 * @param patch keys to set; null deletes a key
 */
export function merged(data: Data, patch: Data): Data {
  const entries: [string, JsonValue][] = Object.entries({ ...data, ...patch })
  return Object.fromEntries(entries.filter(([, value]) => value !== null))
}
