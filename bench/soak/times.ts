import { flagName } from '../../src/config.ts'

/** Where operators come in. */
export const ADMIN_KEY = 'the key of a soak test'.replaceAll(' ', '-')

/**
 * How komgate is set: everything that takes minutes or half an hour in earnest happens within some seconds, and nobody
 * is turned away for coming often. Milliseconds and bytes.
 */
const SETTINGS = {
  sessionIdleMs: 6000,
  keepaliveMs: 2000,
  keepaliveTimeoutMs: 2000,
  // Longer than anybody waits here: a dead line is to be found by its silence.
  callTimeoutMs: 20_000,
  connectTimeoutMs: 3000,
  serverRetryMs: 500,
  httpHeadersMs: 3000,
  httpRequestMs: 6000,
  httpIdleMs: 6000,
  httpStallMs: 8000,
  websocketPingMs: 4000,
  freeLoginFailures: 3,
  maxLoginDelayMs: 2000,
  maxSessionsPerPerson: 10_000,
  // Full within a minute: what it may take shall not look like something that grows.
  bodyCacheBytes: 1024 * 1024,
  maxBodyBytes: 1024 * 1024,
  adminKey: ADMIN_KEY,
}

/** The flags of komgate's. */
export const FLAGS: readonly string[] = Object.entries(SETTINGS).flatMap(([name, value]) => [
  `--${flagName(name as keyof typeof SETTINGS)}`,
  String(value),
])

/** What a machine with other things to do may add to any time. */
export const MARGIN_MS = 3000
/** Within that time everybody has an answer: until then a line that says nothing is found to be dead. */
export const ANSWER_MS = SETTINGS.keepaliveMs + SETTINGS.keepaliveTimeoutMs + MARGIN_MS
/** A session that nobody uses is there for so long at least, and for so long at most: komgate looks four times a lease. */
export const LEASE_MS = { min: SETTINGS.sessionIdleMs, max: SETTINGS.sessionIdleMs * 1.25 + MARGIN_MS }
/** Half a request is put up with for no longer. Node looks four times as often as the shorter of its times. */
export const PATIENCE_MS = SETTINGS.httpRequestMs * 1.25 + MARGIN_MS
/** And somebody who does not read. When Node's time for it is up and bytes have left since, it takes the time again. */
export const STALL_MS = 2 * SETTINGS.httpStallMs + MARGIN_MS
/** A WebSocket that gives no sign of life is dropped by then. */
export const SIGN_OF_LIFE_MS = 2 * SETTINGS.websocketPingMs + MARGIN_MS
/** How long a client keeps a connection for another request: not so long that komgate might close it meanwhile. */
export const KEEP_ALIVE_MS = SETTINGS.httpIdleMs / 3
