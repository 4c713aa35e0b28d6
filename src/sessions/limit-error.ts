import { KomgateError } from '../protocol/komgate-error.ts'

declare module '../protocol/komgate-error.ts' {
  interface ErrorCodes extends Record<LimitErrorCode, LimitError> {}
}

/** Limits that reject a request with a `LimitError`, whose code is the name of the limit. */
const REQUEST_LIMITS = [
  'sessions',
  'sessions-per-address',
  'sessions-per-person',
  'openings-per-address',
  'logins-per-address',
  'login-failures',
  'key-failures',
  'websockets-per-session',
  'websocket-messages',
  'tickets-per-session',
  'body-size',
  'header-size',
  'request-time',
] as const
/** Limits that cause another error, or none: the client waits, or the gateway closes its connection. */
const OTHER_LIMITS = [
  'sessions-on-server',
  'open-files',
  'calls-per-session',
  'reply-size',
  'batch-size',
  'requests-per-connection',
  'unread-bytes-per-connection',
  'unread-bytes-per-address',
  'unread-bytes',
] as const
/** The limits of the gateway, by their names in errors and metrics. */
export const LIMITS = [...REQUEST_LIMITS, ...OTHER_LIMITS] as const
/** The name of a limit. */
export type LimitName = (typeof LIMITS)[number]
/** The code of a `LimitError`. */
export type LimitErrorCode = (typeof REQUEST_LIMITS)[number]

/** A request was rejected by a limit. It had no effect and can be repeated after `retryAfterMs`. */
export class LimitError extends KomgateError {
  constructor(
    readonly code: LimitErrorCode,
    message: string,
    override readonly retryAfterMs?: number,
  ) {
    super(message)
  }
}
