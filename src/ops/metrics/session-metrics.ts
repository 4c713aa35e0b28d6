import { Counter, Gauge, type Registry as Register } from 'prom-client'
import type { ConnectionErrorCode } from '../../connection/errors.ts'
import type { Registry } from '../../sessions/registry.ts'

/** All codes of `ConnectionError`. A code without an entry is a compile error. */
const CONNECTION_CODES: Readonly<Record<ConnectionErrorCode, true>> = {
  unreachable: true,
  'connect-timeout': true,
  'open-files': true,
  'connect-refused': true,
  'server-full': true,
  'not-lyskom': true,
  'connection-ended': true,
  'connection-reset': true,
  'connection-rejected': true,
  'connection-unreadable': true,
  'connection-silent': true,
  'connection-closed': true,
  'call-timeout': true,
  'too-many-calls': true,
}
const CLOSE_REASONS: ReadonlySet<string> = new Set([
  ...['idle', 'deleted', 'ended', 'replaced', 'shutdown', 'admin'],
  ...Object.keys(CONNECTION_CODES),
])
const FAILURES: ReadonlySet<string> = new Set([
  ...['server-down', 'shutting-down', 'kom-error'],
  ...Object.keys(CONNECTION_CODES),
])
/** Label value of reasons and codes that are not in the lists above. */
const OTHER = 'other'

/**
 * Registers the metrics of sessions. Sessions are counted from this call on.
 * @param register the prom-client registry that exposes the metrics
 * @param registry the registry of the sessions
 * @param serverIds the ids of the LysKOM servers, which are the values of the label `server`
 */
export function watchSessions(register: Register, registry: Registry, serverIds: Iterable<string>): void {
  const servers = new Set(serverIds)
  const registers = [register]
  const open = new Gauge({
    name: 'komgate_sessions_open',
    help: 'Open LysKOM sessions.',
    labelNames: ['server'],
    registers,
  })
  const opened = new Counter({
    name: 'komgate_sessions_opened_total',
    help: 'LysKOM sessions that were opened.',
    labelNames: ['server'],
    registers,
  })
  const closed = new Counter({
    name: 'komgate_sessions_closed_total',
    help: 'LysKOM sessions that were closed, by reason.',
    labelNames: ['server', 'reason'],
    registers,
  })
  const failed = new Counter({
    name: 'komgate_sessions_failed_total',
    help: 'LysKOM sessions that could not be opened, by error code.',
    labelNames: ['server', 'code'],
    registers,
  })
  new Gauge({
    name: 'komgate_server_up',
    help: 'Whether a LysKOM server is up; no value while it is unknown.',
    labelNames: ['server'],
    registers,
    collect() {
      this.reset()
      for (const server of servers) {
        const up = registry.serverUp(server)
        if (up !== null) this.set({ server }, up ? 1 : 0)
      }
    },
  })

  for (const server of servers) {
    open.set({ server }, 0)
    opened.inc({ server }, 0)
  }
  registry.on('opened', ({ serverId: server }) => {
    open.inc({ server })
    opened.inc({ server })
  })
  registry.on('closed', ({ serverId: server }, reason) => {
    open.dec({ server })
    closed.inc({ server, reason: CLOSE_REASONS.has(reason) ? reason : OTHER })
  })
  registry.on('failed', (server, error) => {
    const { code = OTHER } = error as { code?: string }
    if (servers.has(server)) failed.inc({ server, code: FAILURES.has(code) ? code : OTHER })
  })
}
