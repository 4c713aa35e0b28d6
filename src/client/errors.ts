import type { ErrorName } from '../protocol/errors.ts'
import type { LimitName } from '../sessions/limit-error.ts'

type Pascal<S extends string> = S extends `${infer Head}-${infer Tail}`
  ? `${Capitalize<Head>}${Pascal<Tail>}`
  : Capitalize<S>

/** The name of an error of the LysKOM server: `NoSuchText`. */
export type LyskomErrorName = Pascal<ErrorName> | 'UnknownError'

/** Properties of a `KomgateError`. */
export interface ErrorDetails {
  /** HTTP status of the response; 0 if there was no response */
  httpStatus: number
  /** the value of `Retry-After` in seconds */
  retryAfter?: number | undefined
  cause?: unknown
}

/** The base class of the errors that a request fails with, except for the reason of an aborted signal. */
export class KomgateError extends Error {
  override readonly name: string = 'KomgateError'
  /** HTTP status of the response; 0 if there was no response */
  readonly httpStatus: number
  /** time after which the request may be repeated, in seconds; undefined if the gateway does not know it */
  readonly retryAfter: number | undefined

  constructor(message: string, { httpStatus, retryAfter, cause }: ErrorDetails) {
    super(message, cause === undefined ? undefined : { cause })
    this.httpStatus = httpStatus
    this.retryAfter = retryAfter
  }
}

/** 403: the session has ended. Open a new one and log in again. */
export class SessionLostError extends KomgateError {
  override readonly name = 'SessionLostError'
}

/** 401: the session is not logged in. A login with a wrong password is a `LyskomError`. */
export class NotLoggedInError extends KomgateError {
  override readonly name = 'NotLoggedInError'
}

/** The LysKOM server has refused the request. */
export class LyskomError extends KomgateError {
  /** the name of the error in Protocol A: `NoSuchText` */
  override readonly name: LyskomErrorName
  /** the number of the error in Protocol A */
  readonly code: number
  /** the status of the error in Protocol A, such as the number of a text; its meaning depends on the code */
  readonly status: number

  constructor(name: LyskomErrorName, code: number, status: number, details: ErrorDetails) {
    super(`error ${code} of the LysKOM server, status ${status}`, details)
    this.name = name
    this.code = code
    this.status = status
  }
}

/** A limit of the gateway has rejected the request, or cut its reply. docs/limits.md describes the limits. */
export class LimitError extends KomgateError {
  override readonly name = 'LimitError'
  readonly limit: LimitName

  constructor(message: string, limit: LimitName, details: ErrorDetails) {
    super(message, details)
    this.limit = limit
  }
}

/** 502 to 504, or no response: the gateway or the LysKOM server cannot be reached, or is late. The session is kept. */
export class UnavailableError extends KomgateError {
  override readonly name = 'UnavailableError'
}

/** Any other status: a field of the request is invalid (400), or there is no such resource (404). */
export class RequestError extends KomgateError {
  override readonly name = 'RequestError'
}

/**
 * Returns the error of a response.
 *
 * @param status an HTTP status from 400 on
 * @param body the JSON of the response, or its text
 */
export function errorOf(status: number, headers: Headers, body: unknown): KomgateError {
  const { error_type, error_code, error_status, error_msg, limit } = fieldsOf(body)
  const message = typeof error_msg === 'string' ? error_msg : `HTTP status ${status}`
  const details = { httpStatus: status, retryAfter: retryAfterOf(headers) }
  if (error_type === 'protocol-a' && !(status === 401 && error_msg === 'LoginFirst')) {
    return new LyskomError(message as LyskomErrorName, Number(error_code), Number(error_status), details)
  }
  if (typeof limit === 'string') return new LimitError(message, limit as LimitName, details)
  if (status === 401) return new NotLoggedInError(message, details)
  if (status === 403) return new SessionLostError(message, details)
  if (status >= 502 && status <= 504) return new UnavailableError(message, details)
  return new RequestError(message, details)
}

/** Returns the fields of the body of an error; none for the page of a proxy. */
function fieldsOf(body: unknown): Record<string, unknown> {
  if (typeof body === 'object' && body !== null) return body as Record<string, unknown>
  try {
    const json: unknown = JSON.parse(String(body))
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/** Returns the seconds of `Retry-After`, which holds seconds or, from a proxy, a date. */
function retryAfterOf(headers: Headers): number | undefined {
  const value = headers.get('Retry-After')
  if (value === null) return undefined
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds)
}
