import { ConnectionError } from '../connection/errors.ts'
import type { TcpAddress } from '../connection/transport.ts'
import { ProtocolError } from '../protocol/errors.ts'
import type { Registry } from '../sessions/registry.ts'
import type { Logger } from './logger.ts'

interface Outage {
  readonly kinds: Set<string>
  /** Earliest end of the outage, milliseconds of `performance.now()`. */
  lastsUntil: number
}

/** With these errors a server still accepts some sessions. The outage ends when none of them occurs for `QUIET_MS`. */
const REFUSALS: ReadonlySet<string> = new Set(['server-full', 'connect-refused', 'open-files'])
const QUIET_MS = 10_000
const MAX_KINDS = 20

/**
 * Logs why sessions cannot be opened on a LysKOM server, once for each outage and kind of error, and the end of the
 * outage. Clients do not get the reason, because it contains the address.
 */
export function logServers(registry: Registry, servers: ReadonlyMap<string, TcpAddress>, log: Logger): void {
  const outages = new Map<string, Outage>()

  registry.on('failed', (server, error) => {
    if (!isOfServer(error)) return
    const outage = outages.get(server) ?? { kinds: new Set(), lastsUntil: 0 }
    outages.set(server, outage)
    if (REFUSALS.has(error.code)) outage.lastsUntil = performance.now() + QUIET_MS
    const kind = kindOf(error)
    if (outage.kinds.has(kind) || outage.kinds.size >= MAX_KINDS) return
    outage.kinds.add(kind)
    const { host, port } = servers.get(server) ?? {}
    log.error({ server, host, port, err: error }, 'LysKOM server: failing')
  })

  registry.on('opened', ({ serverId: server }) => {
    const outage = outages.get(server)
    if (outage === undefined || performance.now() < outage.lastsUntil) return
    outages.delete(server)
    log.info({ server }, 'LysKOM server: available again')
  })
}

/** Whether an error is neither the client's nor part of closing the gateway. */
function isOfServer(error: unknown): error is ConnectionError | ProtocolError {
  if (error instanceof ProtocolError) return error.code !== 'unwritable'
  return error instanceof ConnectionError && error.code !== 'connection-closed'
}

function kindOf({ code, cause }: ConnectionError | ProtocolError): string {
  return `${code} ${(cause as { code?: string } | undefined)?.code ?? ''}`
}
