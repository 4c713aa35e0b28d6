import type { ConnectionErrorCode } from '../connection/errors.ts'
import type { NameError } from '../lyskom/names.ts'
import type { KomError, ProtocolErrorCode } from '../protocol/errors.ts'
import type { LimitName } from '../sessions/limit-error.ts'
import type { RegistryError } from '../sessions/registry.ts'
import type { StoreErrorCode } from '../sessions/store/errors.ts'

/**
 * The HTTP status of every error, total: a new error without a status does not compile.
 * 403 makes clients forget the session, 401 the person; 502, 503 and 504 let them keep both.
 */
export const CONNECTION_STATUS: Readonly<Record<ConnectionErrorCode, 403 | 502 | 503 | 504>> = {
  unreachable: 502,
  'connect-timeout': 504,
  'connect-refused': 502,
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

export const PROTOCOL_STATUS: Readonly<Record<ProtocolErrorCode, 400 | 502>> = {
  unwritable: 400,
  unreadable: 502,
  'message-too-large': 502,
}

export const REGISTRY_STATUS: Readonly<Record<RegistryError['code'], 503>> = {
  'shutting-down': 503,
}

/** 503 where somebody else has to leave first, 429 where this client has to be slower; what HTTP has a word for has that. */
export const LIMIT_STATUS: Readonly<Record<LimitName, 408 | 413 | 429 | 431 | 503>> = {
  sessions: 503,
  'sessions-per-address': 503,
  'sessions-per-person': 503,
  'openings-per-address': 429,
  'logins-per-address': 429,
  'login-failures': 429,
  'calls-per-session': 503,
  'websockets-per-session': 503,
  'websocket-messages': 429,
  'body-size': 413,
  'header-size': 431,
  'request-time': 408,
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
