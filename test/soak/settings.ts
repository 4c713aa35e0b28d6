import { flagName } from '../../src/config/command-line.ts'

export const ADMIN_KEY = 'the-key-of-a-soak-test'

/**
 * Settings of the gateway: timeouts of minutes or more are reduced to seconds, and limits are high enough not to reject
 * frequent clients. Milliseconds and bytes.
 */
const SETTINGS = {
  sessionIdleMs: 6000,
  loginIdleMs: 6000,
  keepaliveMs: 2000,
  keepaliveTimeoutMs: 2000,
  // Longer than any client waits, so that only the keepalive detects a dead connection.
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
  // Full within a minute, so that it does not look like a leak.
  bodyCacheBytes: 1024 * 1024,
  maxBodyBytes: 1024 * 1024,
  adminKey: ADMIN_KEY,
}

/** Flags of the gateway. */
export const FLAGS: readonly string[] = Object.entries(SETTINGS).flatMap(([name, value]) => [
  `--${flagName(name as keyof typeof SETTINGS)}`,
  String(value),
])

/** Further flags of a node of a cluster, which nginx connects to. */
export const CLUSTER_FLAGS: readonly string[] = [
  ...['--cluster-key', 'a-key-of-the-nodes-of-a-soak-test', '--trusted-proxies', '127.0.0.1'],
]

/** Directives of nginx, with the timeouts of the gateway. It closes unused connections to nodes before they do. */
export const NGINX = {
  upstream: `keepalive_timeout ${SETTINGS.httpIdleMs / 2}ms;`,
  location: 'proxy_set_header X-Forwarded-For $remote_addr;',
  server: `
  client_header_timeout ${SETTINGS.httpRequestMs}ms;
  client_body_timeout ${SETTINGS.httpRequestMs}ms;
  keepalive_timeout ${SETTINGS.httpIdleMs}ms;
  send_timeout ${SETTINGS.httpStallMs}ms;`,
}

/** Allowance for a busy machine, in milliseconds. */
export const MARGIN_MS = 3000
/** Every response arrives within this time; by then the keepalive has detected a silent connection. */
export const RESPONSE_MS = SETTINGS.keepaliveMs + SETTINGS.keepaliveTimeoutMs + MARGIN_MS
/** Lifetime of an unused session. The gateway checks four times per idle timeout. */
export const IDLE_MS = { min: SETTINGS.sessionIdleMs, max: SETTINGS.sessionIdleMs * 1.25 + MARGIN_MS }
/** Deadline for an incomplete request. Node checks four times per the shorter of its timeouts. */
export const INCOMPLETE_MS = SETTINGS.httpRequestMs * 1.25 + MARGIN_MS
/** Deadline for a client that does not read. Node restarts the timeout once if bytes have left since. */
export const STALL_MS = 2 * SETTINGS.httpStallMs + MARGIN_MS
/** Deadline for a WebSocket that does not answer pings. */
export const PONG_MS = 2 * SETTINGS.websocketPingMs + MARGIN_MS
/** How long a client reuses a connection: well below the gateway's idle timeout. */
export const KEEP_ALIVE_MS = SETTINGS.httpIdleMs / 3
