import { HTTPException } from 'hono/http-exception'
import { v4 as uuid } from 'uuid'
import type { StoreErrorCode } from '../../sessions/store/errors.ts'
import { type Data, handleOf, keyOf, type SessionRecord } from '../../sessions/store/record.ts'
import type { SessionStore } from '../../sessions/store/store.ts'
import { json } from '../answer.ts'
import { STORE_STATUS } from '../status.ts'

/** The app whose sessions these are in the store. */
export const SXAPI_APP = 'sxapi'

/** Why a request is refused: `unknown` is for an id that nobody has, or whose session is over. */
export type SessionErrorReason = 'missing' | 'unknown' | StoreErrorCode

const MESSAGES: Readonly<Record<SessionErrorReason, string>> = {
  missing: 'The request carries no session id.',
  unknown: 'There is no such session, or it is over.',
  unavailable: 'The sessions cannot be reached.',
  full: 'There is no room for more.',
  contended: 'Too many others write this session.',
  'too-large': 'That is more than a session can hold.',
  'cannot-list': 'These sessions cannot be listed.',
}
/** When a client that was turned away may try again, seconds. */
const RETRY_AFTER = { 'Retry-After': '5' }

/** What the guard throws, and what a session's methods reject with. Left alone, Hono answers with its response. */
export class SessionError extends HTTPException {
  constructor(
    readonly reason: SessionErrorReason,
    { headers = {}, cause }: { headers?: Record<string, string>; cause?: unknown } = {},
  ) {
    const status = reason === 'missing' || reason === 'unknown' ? 401 : STORE_STATUS[reason]
    const message = MESSAGES[reason]
    const all = status === 503 ? { ...RETRY_AFTER, ...headers } : headers
    super(status, { message, res: json({ code: 'nok', reason, message }, status, all), cause })
    this.name = 'SessionError'
  }
}

/** The session of a request. Its id is not in it. Times are milliseconds since 1970. */
export interface Session {
  /** names it in lists and logs; no secret */
  readonly handle: string
  /** it was made for this request, which carried no id */
  readonly isNew: boolean
  /** the address of the client that it was made for */
  readonly ip: string
  readonly created: number
  /** when a request used it before this one */
  readonly lastActive: number
  /** when it is over, however active */
  readonly endsAt: number
  /** what is kept in it: as it was when the request came, then as the last `read` or `merge` of this request found it */
  readonly data: Data
  /** Reads the data as it is now. Rejects with a `SessionError` `unknown` when the session has ended since. */
  read(): Promise<Data>
  /** Sets some keys and leaves the others; null deletes. Resolves with all the data. Rejects as `read` does. */
  merge(patch: Data): Promise<Data>
  /**
   * Gives the session a new id, which the response hands to the client, and voids the old one. Data, creation time and
   * end stay, the handle changes. Call it when a person logs in, before anything of theirs is in the data: an
   * attacker who planted the old id in the person's browser cannot use it then (session fixation). Rejects as `read` does.
   */
  renew(): Promise<void>
  /** Ends the session, for all who have its id. */
  end(): Promise<void>
}

/** What sessions share with their guard. */
export interface SessionContext {
  /** Does something with the store; its errors become `SessionError`s. */
  ask<T>(question: (store: SessionStore) => Promise<T>): Promise<T>
  /** Reports a key that a renewal voids. */
  onRenew(oldKey: SessionRecord['key']): void
}

/** A session while a request is answered. */
export class CurrentSession implements Session {
  handle: string
  readonly isNew: boolean
  readonly ip: string
  readonly created: number
  readonly lastActive: number
  readonly endsAt: number
  readonly #context: SessionContext
  #key: SessionRecord['key']
  #newId: string | undefined
  #data: Data
  #hasEnded = false

  /** @param newId the session's id if the client does not have it yet */
  constructor(record: SessionRecord, newId: string | undefined, context: SessionContext) {
    this.handle = handleOf(record.key)
    this.isNew = newId !== undefined
    this.#newId = newId
    this.ip = record.ip
    this.created = record.created
    this.lastActive = record.lastActive
    this.endsAt = record.endsAt ?? Number.POSITIVE_INFINITY
    this.#key = record.key
    this.#context = context
    this.#data = record.data
  }

  get data(): Data {
    return this.#data
  }

  /** The id that the response must hand to the client. */
  get newId(): string | undefined {
    return this.#newId
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  async read(): Promise<Data> {
    return this.#becomes(await this.#context.ask((store) => store.find(SXAPI_APP, this.#key)))
  }

  async merge(patch: Data): Promise<Data> {
    return this.#becomes(await this.#context.ask((store) => store.merge(SXAPI_APP, this.#key, patch)))
  }

  async renew(): Promise<void> {
    const id = uuid()
    const key = keyOf(id)
    this.#context.onRenew(this.#key)
    this.#becomes(await this.#context.ask((store) => store.changeKey(SXAPI_APP, this.#key, key)))
    this.#key = key
    this.#newId = id
    this.handle = handleOf(key)
  }

  async end(): Promise<void> {
    await this.#context.ask((store) => store.end(SXAPI_APP, this.#key))
    this.#hasEnded = true
  }

  #becomes(record: SessionRecord | undefined): Data {
    if (record === undefined) throw new SessionError('unknown')
    this.#data = record.data
    return record.data
  }
}
