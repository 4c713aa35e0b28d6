import type { ConnectionErrorCode } from '../connection/errors.ts'
import type { NameError } from '../lyskom/names.ts'
import type { KomError, ProtocolErrorCode } from '../protocol/errors.ts'
import type { LimitName } from '../sessions/limit-error.ts'
import type { RegistryError } from '../sessions/registry.ts'
import type { StoreErrorCode } from '../sessions/store/errors.ts'

/*
 * The HTTP status of every error, total: a new error without a status does not compile.
 *
 * - 401 makes clients forget the person, 403 the session. 502, 503 and 504 keep both.
 * - 502 means that the LysKOM server is unreachable, and nothing smaller: libjskom aborts every waiting request on a 502.
 * - 503 means that the request was not carried out, and may be sent again after `Retry-After`.
 * - 504 means that there is no usable reply, because it is late, unreadable or too long. The LysKOM server may have
 *   carried out the call.
 */

export const CONNECTION_STATUS: Readonly<Record<ConnectionErrorCode, 403 | 502 | 503 | 504>> = {
  unreachable: 502,
  'connect-timeout': 504,
  'open-files': 503,
  'connect-refused': 503,
  'server-full': 503,
  'not-lyskom': 502,
  'line-ended': 403,
  'line-reset': 403,
  'line-refused': 403,
  'line-unreadable': 403,
  'line-silent': 403,
  'line-closed': 403,
  'call-timeout': 504,
  'too-many-calls': 503,
}

/** The limits that a connection meets, by the code of its error. */
export const CONNECTION_LIMIT: Readonly<Partial<Record<ConnectionErrorCode, LimitName>>> = {
  'open-files': 'open-files',
  'server-full': 'sessions-on-server',
  'too-many-calls': 'calls-per-session',
}

export const PROTOCOL_STATUS: Readonly<Record<ProtocolErrorCode, 400 | 504>> = {
  unwritable: 400,
  unreadable: 504,
  'over-bound': 504,
  'message-too-large': 504,
}

export const REGISTRY_STATUS: Readonly<Record<RegistryError['code'], 503>> = {
  'shutting-down': 503,
}

/** 503 where somebody else has to leave first, 429 where this client has to be slower; what HTTP has a word for has that. */
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
  // No response has these: the client waits, or its connection is closed.
  'requests-per-connection': 503,
  'unread-bytes-per-connection': 503,
  'unread-bytes-per-address': 503,
  'unread-bytes': 503,
}

export const SERVER_DOWN_STATUS = 502

export const STORE_STATUS: Readonly<Record<StoreErrorCode, 413 | 501 | 503>> = {
  unavailable: 503,
  full: 503,
  'cannot-list': 501,
  'too-large': 413,
  contended: 503,
}

export const NAME_STATUS: Readonly<Record<NameError['code'], 400>> = {
  'name-not-found': 400,
  'name-ambiguous': 400,
}

/** For a LysKOM error that the route does not name. */
export function komStatus(error: KomError): 400 | 401 {
  return error.errorName === 'login-first' ? 401 : 400
}
