import type { Context } from 'hono'
import type { GatewaySession } from '../../sessions/gateway-session.ts'
import type { Registry } from '../../sessions/registry.ts'
import type { Tickets } from '../../sessions/tickets.ts'
import type { Env } from '../env.ts'
import { RequestError } from '../errors/request-error.ts'
import type { ConnectionIds, IdSource } from './connection-id.ts'

/** Where the sessions of requests are found. */
export interface SessionLookup {
  registry: Registry
  ids: ConnectionIds
  tickets: Tickets
}

/**
 * Returns the session of a request and restarts its idle timeout; undefined if the request carries no connection id.
 * For a path without a server, the session may be on any server. While the session of the id is closing, waits until the
 * request that closes it has its response: clients abort all their requests on a 403, that one included.
 *
 * @throws RequestError `invalid-session` (403), also as a rejection, if the connection id or the ticket is unknown or of
 *   another server, or if the session is closing or has ended
 */
export function findSession(
  c: Context<Env>,
  from: IdSource,
  { registry, ids, tickets }: SessionLookup,
): GatewaySession | Promise<never> | undefined {
  const batch = c.env?.batch
  if (batch !== undefined) return usable(batch.session)
  const serverId = c.get('serverId') as string | undefined
  const id = ids.of(c, from)
  if (id !== undefined) {
    const session = serverId === undefined ? registry.findAnywhere(id) : registry.find(serverId, id)
    return session ?? rejectAfter(registry.whenEnded(id))
  }
  const ticket = ids.ticketOf(c, from)
  if (ticket === undefined) return undefined
  const session = tickets.use(ticket, serverId)
  if (session !== undefined) return session
  throw new RequestError('invalid-session', 'The ticket is unknown, used or expired, or its session has ended.')
}

function usable(session: GatewaySession): GatewaySession | Promise<never> {
  return session.isClosing || session.hasEnded ? rejectAfter(session.whenEnded()) : session.renew()
}

async function rejectAfter(ended: Promise<void>): Promise<never> {
  await ended
  throw new RequestError('invalid-session', 'There is no such session.')
}
