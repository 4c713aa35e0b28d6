/** Every limit of the gateway's own, by the name that clients and metrics know it by. */
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
export type LimitName = (typeof LIMITS)[number]

/** When to come back for what is free again as soon as somebody else leaves, milliseconds. */
const A_WHILE_MS = 5000

/** Somebody has reached a limit: what was asked for was not begun, and may be asked for again later. */
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
