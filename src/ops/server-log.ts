import { ConnectionError } from '../connection/errors.ts'
import type { TcpAddress } from '../connection/transport.ts'
import { ProtocolError } from '../protocol/errors.ts'
import type { Registry } from '../sessions/registry.ts'
import type { Logger } from './logger.ts'

/** An outage of one LysKOM server. */
interface Outage {
  /** the kinds of errors that were logged */
  readonly kinds: Set<string>
  /** earliest end of the outage, milliseconds of `performance.now()` */
  lastsUntil: number
}

/** Errors of a server that may still accept other sessions. */
const REFUSALS: ReadonlySet<string> = new Set(['server-full', 'connect-refused', 'open-files'])
/** The outage ends when none of `REFUSALS` has occurred for this long, milliseconds. */
const QUIET_PERIOD_MS = 10_000
const MAX_KINDS = 20

/**
 * Logs why sessions on a LysKOM server, and checks of it, fail, once for each outage and kind of error, and the end of the
 * outage. Error responses do not contain the reason, since it includes the server's address.
 * @param registry its events are logged
 * @param servers the LysKOM servers by server id
 */
export function logServers(registry: Registry, servers: ReadonlyMap<string, TcpAddress>, log: Logger): void {
  const outages = new Map<string, Outage>()

  const onFailure = (server: string, error: unknown): void => {
    if (!isServerError(error)) return
    const outage = outages.get(server) ?? { kinds: new Set(), lastsUntil: 0 }
    outages.set(server, outage)
    if (REFUSALS.has(error.code)) outage.lastsUntil = performance.now() + QUIET_PERIOD_MS
    const kind = kindOf(error)
    if (outage.kinds.has(kind) || outage.kinds.size >= MAX_KINDS) return
    outage.kinds.add(kind)
    const { host, port } = servers.get(server) ?? {}
    log.error({ server, host, port, err: error }, 'LysKOM server: failing')
  }
  const onSuccess = (server: string): void => {
    const outage = outages.get(server)
    if (outage === undefined || performance.now() < outage.lastsUntil) return
    outages.delete(server)
    log.info({ server }, 'LysKOM server: available again')
  }
  registry.on('failed', onFailure)
  registry.on('opened', ({ serverId }) => onSuccess(serverId))
  registry.on('checked', (server, error) => (error === undefined ? onSuccess(server) : onFailure(server, error)))
}

/** Returns whether the server caused an error, not the client or the shutdown of the gateway. */
function isServerError(error: unknown): error is ConnectionError | ProtocolError {
  if (error instanceof ProtocolError) return error.code !== 'unwritable'
  return error instanceof ConnectionError && error.code !== 'connection-closed'
}

function kindOf({ code, cause }: ConnectionError | ProtocolError): string {
  return `${code} ${(cause as { code?: string } | undefined)?.code ?? ''}`
}
