import type { KomError } from '../../protocol/errors.ts'
import type { ErrorCode } from '../../protocol/komgate-error.ts'
import type { LimitName } from '../../sessions/limit-error.ts'

/**
 * The HTTP status of every error code. The table is total: a new code without a status does not compile.
 *
 * - On a 401 clients discard the login, on a 403 the session. 502, 503 and 504 keep both.
 * - 429 means that this client must slow down. 503 means that the gateway did not carry out the request, for instance
 *   because other clients must free capacity first; the client may repeat it after `Retry-After`.
 * - 502 means that the LysKOM server is unreachable, and nothing less: libjskom aborts every waiting request on a 502.
 * - 504 means that there is no usable reply, because it is late, unreadable or too long. The LysKOM server may have
 *   carried out the call.
 */
export const STATUS = {
  // requests
  'invalid-request': 400,
  'incomplete-request': 400,
  'invalid-json': 400,
  'invalid-field': 400,
  'missing-parameter': 400,
  'invalid-format': 400,
  'invalid-value': 400,
  'name-not-found': 400,
  'name-ambiguous': 400,
  unwritable: 400,
  'not-logged-in': 401,
  'invalid-key': 401,
  'invalid-session': 403,
  'foreign-origin': 403,
  'not-found': 404,
  'method-not-allowed': 405,
  'session-exists': 409,
  'content-coding': 415,
  'expectation-failed': 417,
  'failed-dependency': 424,
  'transfer-coding': 501,

  // limits
  'request-time': 408,
  'body-size': 413,
  'header-size': 431,
  'openings-per-address': 429,
  'logins-per-address': 429,
  'login-failures': 429,
  'key-failures': 429,
  'websocket-messages': 429,
  sessions: 503,
  'sessions-per-address': 503,
  'sessions-per-person': 503,
  'websockets-per-session': 503,
  'tickets-per-session': 503,
  'too-many-traces': 503,

  // the LysKOM server: opening a session
  unreachable: 502,
  'not-lyskom': 502,
  'server-down': 502,
  'connect-refused': 503,
  'server-full': 503,
  'open-files': 503,
  'connect-timeout': 504,

  // the LysKOM server: calls, and the end of a session
  'kom-error': 400,
  'connection-ended': 403,
  'connection-reset': 403,
  'connection-rejected': 403,
  'connection-unreadable': 403,
  'connection-silent': 403,
  'connection-closed': 403,
  'too-many-calls': 503,
  'call-timeout': 504,
  unreadable: 504,
  'over-bound': 504,
  'message-too-large': 504,

  // the nodes of a cluster
  'foreign-node': 403,
  misdirected: 421,
  'cluster-unavailable': 503,
  'node-unreachable': 504,

  // batches
  'batch-size': 504,

  // the session store
  'too-large': 413,
  'cannot-list': 501,
  unavailable: 503,
  full: 503,
  contended: 503,

  // the gateway
  'internal-error': 500,
  'invalid-configuration': 500,
  'not-ready': 503,
  'shutting-down': 503,
} as const satisfies Readonly<Record<ErrorCode, number>>

/** The limits that cause errors other than a `LimitError`, by error code. */
export const LIMIT_OF: Readonly<Partial<Record<ErrorCode, LimitName>>> = {
  'open-files': 'open-files',
  'server-full': 'sessions-on-server',
  'too-many-calls': 'calls-per-session',
  'over-bound': 'reply-size',
  'message-too-large': 'reply-size',
  'batch-size': 'batch-size',
}

/** The HTTP status of an error. */
export type ErrorStatus = (typeof STATUS)[ErrorCode]

/** Statuses of errors of the LysKOM server where they differ from that of `kom-error`, by their name in Protocol A. */
export type NamedErrors = Readonly<Partial<Record<KomError['errorName'], 400 | 401 | 404>>>

/** Returns the status of an error of the LysKOM server. @param named the statuses that the route overrides */
export function komStatus({ code, errorName }: KomError, named: NamedErrors = {}): ErrorStatus {
  return named[errorName] ?? (errorName === 'login-first' ? 401 : STATUS[code])
}
