/** The limits of the gateway, by their names in errors and metrics. */
export const LIMITS = [
  'sessions',
  'sessions-per-address',
  'sessions-per-person',
  'sessions-on-server',
  'open-files',
  'openings-per-address',
  'logins-per-address',
  'login-failures',
  'key-failures',
  'calls-per-session',
  'reply-size',
  'websockets-per-session',
  'websocket-messages',
  'body-size',
  'header-size',
  'request-time',
  'requests-per-connection',
  'unread-bytes-per-connection',
  'unread-bytes-per-address',
  'unread-bytes',
] as const
/** The name of a limit. */
export type LimitName = (typeof LIMITS)[number]

/** Default `Retry-After` for limits that end when another client leaves, milliseconds. */
const A_WHILE_MS = 5000

/** A request was rejected by a limit. It had no effect and can be repeated after `retryAfterMs`. */
export class LimitError extends Error {
  override readonly name = 'LimitError'

  constructor(
    readonly limit: LimitName,
    message: string,
    readonly retryAfterMs = A_WHILE_MS,
  ) {
    super(message)
  }
}
