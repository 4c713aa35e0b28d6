import { HTTPException } from 'hono/http-exception'
import { v4 as uuid } from 'uuid'
import { publicError } from '../http/errors/public-error.ts'
import { RequestError } from '../http/errors/request-error.ts'
import { json } from '../http/node/responses.ts'
import type { KomgateError } from '../protocol/komgate-error.ts'
import { StoreError, type StoreErrorCode } from '../store/errors.ts'
import { type Data, handleOf, keyOf, type SessionRecord } from '../store/record.ts'
import type { SessionStore } from '../store/store.ts'

/** The app id of these sessions in the store. */
export const SXAPI_APP = 'sxapi'

/** Why a request is rejected: `unknown` is for an unknown id or one of an expired session. */
export type SessionErrorReason = 'missing' | 'unknown' | StoreErrorCode

const MESSAGES: Readonly<Record<SessionErrorReason, string>> = {
  missing: 'The request carries no session id.',
  unknown: 'There is no such session, or it has expired.',
  unavailable: 'The session store cannot be reached.',
  full: 'The session store is full.',
  contended: 'Too many concurrent writes to this session.',
  'too-large': 'The session is larger than the session store accepts.',
  'cannot-list': 'The session store cannot list sessions.',
}

/**
 * The error that the guard throws and session methods reject with. Hono answers with its response by default. It is an
 * `HTTPException` and no `KomgateError`: the guard runs in applications whose `onError` knows Hono's errors.
 */
export class SessionError extends HTTPException {
  constructor(
    readonly reason: SessionErrorReason,
    { headers = {}, cause }: { headers?: Record<string, string>; cause?: unknown } = {},
  ) {
    const message = MESSAGES[reason]
    const { status, headers: own } = publicError(codedError(reason, message))
    super(status, { message, res: json({ code: 'nok', reason, message }, status, { ...own, ...headers }), cause })
    this.name = 'SessionError'
  }
}

/** Returns the error of the gateway whose status and headers a `SessionError` has. */
function codedError(reason: SessionErrorReason, message: string): KomgateError {
  if (reason === 'missing' || reason === 'unknown') return new RequestError('not-logged-in', message)
  return new StoreError(reason, message)
}

/** The session of a request. It does not expose the session id. Times are milliseconds since 1970. */
export interface Session {
  /** identifies the session in lists and logs; not a secret */
  readonly handle: string
  /** whether this request, which carried no id, created the session */
  readonly isNew: boolean
  /** the address of the client that created the session */
  readonly ip: string
  /** the creation time */
  readonly created: number
  /** the time of the last request before this one */
  readonly lastActive: number
  /** the time at which the session expires, however active */
  readonly endsAt: number
  /** the stored data: as of the start of the request, then as of the last `read` or `merge` of this request */
  readonly data: Data
  /** Reads the current data. Rejects with a `SessionError` `unknown` if the session has ended since. */
  read(): Promise<Data>
  /** Sets some keys and keeps the others; null deletes a key. Resolves with all the data. Rejects as `read` does. */
  merge(patch: Data): Promise<Data>
  /**
   * Gives the session a new id, which the response passes to the client, and invalidates the old one. Data, creation
   * time and expiry stay, the handle changes. Call it when a person logs in, before storing any of their data: an
   * attacker who planted the old id in the person's browser cannot use it then (session fixation). Rejects as `read`
   * does.
   */
  renew(): Promise<void>
  /** Ends the session for all clients that have its id. */
  end(): Promise<void>
}

/** What sessions use of their guard. */
export interface SessionContext {
  /** Runs an operation on the store and converts its errors to `SessionError`s. */
  useStore<T>(operation: (store: SessionStore) => Promise<T>): Promise<T>
  /** Reports a key that a renewal invalidates. */
  onRenew(oldKey: SessionRecord['key']): void
}

/** The session of a request in progress. */
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

  /** The id that the response must pass to the client. */
  get newId(): string | undefined {
    return this.#newId
  }

  /** Whether this request ended the session. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }

  async read(): Promise<Data> {
    return this.#update(await this.#context.useStore((store) => store.find(SXAPI_APP, this.#key)))
  }

  async merge(patch: Data): Promise<Data> {
    return this.#update(await this.#context.useStore((store) => store.merge(SXAPI_APP, this.#key, patch)))
  }

  async renew(): Promise<void> {
    const id = uuid()
    const key = keyOf(id)
    this.#context.onRenew(this.#key)
    this.#update(await this.#context.useStore((store) => store.changeKey(SXAPI_APP, this.#key, key)))
    this.#key = key
    this.#newId = id
    this.handle = handleOf(key)
  }

  async end(): Promise<void> {
    await this.#context.useStore((store) => store.end(SXAPI_APP, this.#key))
    this.#hasEnded = true
  }

  #update(record: SessionRecord | undefined): Data {
    if (record === undefined) throw new SessionError('unknown')
    this.#data = record.data
    return record.data
  }
}
