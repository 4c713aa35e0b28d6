import type { Registry as Register } from 'prom-client'
import type { ConnectionErrorCode } from '../../connection/errors.ts'
import type { Registry } from '../../sessions/registry.ts'
import { readCounter, readGauge } from './read.ts'

/** All codes of `ConnectionError`. The record type makes a new code without an entry here a compile error. */
const LINE_CODES: Readonly<Record<ConnectionErrorCode, true>> = {
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
  ...['idle', 'deleted', 'ended', 'shutdown', 'admin'],
  ...Object.keys(LINE_CODES),
])
const FAILURES: ReadonlySet<string> = new Set(['server-down', 'shutting-down', 'kom-error', ...Object.keys(LINE_CODES)])
/** Label of reasons and codes that are not in the lists above. */
const OTHER = 'other'

/** Session counts of one LysKOM server. */
interface Counts {
  open: number
  opened: number
  closed: Map<string, number>
  failed: Map<string, number>
}

/** Registers the session metrics of a registry, by server id. */
export function watchSessions(register: Register, registry: Registry, serverIds: Iterable<string>): void {
  const servers = new Map<string, Counts>()
  for (const id of serverIds) servers.set(id, { open: 0, opened: 0, closed: new Map(), failed: new Map() })

  registry.on('opened', ({ serverId }) => {
    const counts = servers.get(serverId)
    if (counts === undefined) return
    counts.open++
    counts.opened++
  })
  registry.on('closed', ({ serverId }, reason) => {
    const counts = servers.get(serverId)
    if (counts === undefined) return
    counts.open--
    add(counts.closed, CLOSE_REASONS.has(reason) ? reason : OTHER)
  })
  registry.on('failed', (serverId, error) => {
    const { code = OTHER } = error as { code?: string }
    const counts = servers.get(serverId)
    if (counts !== undefined) add(counts.failed, FAILURES.has(code) ? code : OTHER)
  })

  readGauge(register, {
    name: 'komgate_sessions_open',
    help: 'LysKOM sessions that are open.',
    labels: ['server'],
    read: () => [...servers].map(([server, { open }]) => [{ server }, open]),
  })
  readCounter(register, {
    name: 'komgate_sessions_opened_total',
    help: 'LysKOM sessions that were opened.',
    labels: ['server'],
    read: () => [...servers].map(([server, { opened }]) => [{ server }, opened]),
  })
  readCounter(register, {
    name: 'komgate_sessions_closed_total',
    help: 'LysKOM sessions that were closed, by why.',
    labels: ['server', 'reason'],
    read: () =>
      [...servers].flatMap(([server, { closed }]) =>
        [...closed].map(([reason, n]) => [{ server, reason }, n] as const),
      ),
  })
  readCounter(register, {
    name: 'komgate_sessions_failed_total',
    help: 'LysKOM sessions that could not be opened, by why.',
    labels: ['server', 'code'],
    read: () =>
      [...servers].flatMap(([server, { failed }]) => [...failed].map(([code, n]) => [{ server, code }, n] as const)),
  })
  readGauge(register, {
    name: 'komgate_server_up',
    help: 'Whether a LysKOM server is up; there is no value where that is not known.',
    labels: ['server'],
    read: () =>
      [...servers.keys()].flatMap((server) => {
        const up = registry.serverUp(server)
        return up === null ? [] : [[{ server }, up ? 1 : 0] as const]
      }),
  })
}

function add(counts: Map<string, number>, label: string): void {
  counts.set(label, (counts.get(label) ?? 0) + 1)
}
