import type { ConnectionErrorCode } from '../connection/errors.ts'
import type { NameError } from '../lyskom/names.ts'
import type { KomError, ProtocolErrorCode } from '../protocol/errors.ts'
import type { LimitName } from '../sessions/limit-error.ts'
import type { RegistryError } from '../sessions/registry.ts'
import type { StoreErrorCode } from '../store/errors.ts'

/*
 * The HTTP status of every error. The tables are total: a new error without a status does not compile.
 *
 * - On a 401 clients discard the login, on a 403 the session. 502, 503 and 504 keep both.
 * - 502 means that the LysKOM server is unreachable, and nothing less: libjskom aborts every waiting request on a 502.
 * - 503 means that the gateway did not carry out the request; the client may retry it after `Retry-After`.
 * - 504 means that there is no usable reply, because it is late, unreadable or too long. The LysKOM server may have
 *   carried out the call.
 */

/** Statuses of connection errors. */
export const CONNECTION_STATUS: Readonly<Record<ConnectionErrorCode, 403 | 502 | 503 | 504>> = {
  unreachable: 502,
  'connect-timeout': 504,
  'open-files': 503,
  'connect-refused': 503,
  'server-full': 503,
  'not-lyskom': 502,
  'connection-ended': 403,
  'connection-reset': 403,
  'connection-rejected': 403,
  'connection-unreadable': 403,
  'connection-silent': 403,
  'connection-closed': 403,
  'call-timeout': 504,
  'too-many-calls': 503,
}

/** Limits that cause connection errors, by error code. */
export const CONNECTION_LIMIT: Readonly<Partial<Record<ConnectionErrorCode, LimitName>>> = {
  'open-files': 'open-files',
  'server-full': 'sessions-on-server',
  'too-many-calls': 'calls-per-session',
}

/** Statuses of Protocol A encoding and decoding errors. */
export const PROTOCOL_STATUS: Readonly<Record<ProtocolErrorCode, 400 | 504>> = {
  unwritable: 400,
  unreadable: 504,
  'over-bound': 504,
  'message-too-large': 504,
}

/** Statuses of session registry errors. */
export const REGISTRY_STATUS: Readonly<Record<RegistryError['code'], 503>> = {
  'shutting-down': 503,
}

/** 503 if other clients must free capacity first, 429 if this client must slow down, else the specific HTTP status. */
export const LIMIT_STATUS: Readonly<Record<LimitName, 408 | 413 | 429 | 431 | 503 | 504>> = {
  sessions: 503,
  'sessions-per-address': 503,
  'sessions-per-person': 503,
  'sessions-on-server': 503,
  'open-files': 503,
  'openings-per-address': 429,
  'logins-per-address': 429,
  'login-failures': 429,
  'key-failures': 429,
  'calls-per-session': 503,
  'reply-size': 504,
  'websockets-per-session': 503,
  'websocket-messages': 429,
  'body-size': 413,
  'header-size': 431,
  'request-time': 408,
  // No response has these statuses: the client waits, or the gateway closes its connection.
  'requests-per-connection': 503,
  'unread-bytes-per-connection': 503,
  'unread-bytes-per-address': 503,
  'unread-bytes': 503,
}

/** The status while the circuit breaker of a LysKOM server is open. */
export const SERVER_DOWN_STATUS = 502

/** Statuses of session store errors. */
export const STORE_STATUS: Readonly<Record<StoreErrorCode, 413 | 501 | 503>> = {
  unavailable: 503,
  full: 503,
  'cannot-list': 501,
  'too-large': 413,
  contended: 503,
}

/** Statuses of name lookup errors. */
export const NAME_STATUS: Readonly<Record<NameError['code'], 400>> = {
  'name-not-found': 400,
  'name-ambiguous': 400,
}

/** Returns the status of a LysKOM error that the route does not override. */
export function komStatus(error: KomError): 400 | 401 {
  return error.errorName === 'login-first' ? 401 : 400
}
