import { flagName } from '../../src/config.ts'

/**
 * How komgate is set: everything that takes minutes or half an hour in earnest happens within some seconds, and nobody
 * is turned away for coming often. Milliseconds.
 */
const SETTINGS = {
  sessionIdleMs: 6000,
  keepaliveMs: 2000,
  keepaliveTimeoutMs: 1000,
  callTimeoutMs: 4000,
  connectTimeoutMs: 2500,
  serverRetryMs: 500,
  // Full within a minute: what it may take shall not look like something that grows.
  bodyCacheBytes: 1024 * 1024,
  maxBodyBytes: 1024 * 1024,
}

/** The flags of komgate's. */
export const FLAGS: readonly string[] = Object.entries(SETTINGS).flatMap(([name, value]) => [
  `--${flagName(name as keyof typeof SETTINGS)}`,
  String(value),
])

/** What a machine with other things to do may add to any time. */
const MARGIN_MS = 2000
/** Within that time everybody has an answer: until then a line that says nothing is found to be dead. */
export const ANSWER_MS = SETTINGS.keepaliveMs + SETTINGS.keepaliveTimeoutMs + MARGIN_MS
/** A session that nobody uses is there for so long at least, and for so long at most: komgate looks four times a lease. */
export const LEASE_MS = { min: SETTINGS.sessionIdleMs, max: SETTINGS.sessionIdleMs * 1.25 + MARGIN_MS }
/** A connection without a request is closed by Node after five seconds; before that it can be used again. */
export const KEEP_ALIVE_MS = 3000
