import type { Context, MiddlewareHandler, Next } from 'hono'
import type { Env } from '../context.ts'
import { closeUnlessDelivered, refuseId, useSession } from '../current-session.ts'
import { leaseHeader } from '../lease.ts'
import { RequestError } from '../request-error.ts'
import { CONNECTION_HEADER, type ConnectionIdOptions, connectionId, type IdSource, idHeaders } from './connection-id.ts'

/** The client name and version of a session that the gateway opens automatically. */
const UNNAMED_CLIENT = { name: 'komgate', version: '' }

/**
 * Returns middleware that finds the session of the request for the routes after it, as `c.get('session')`. It rejects
 * the request with 403 if the connection id is missing, unknown or of another server, or if its session has ended.
 *
 * - `requireSession` reads the id from the header and the transports;
 * - `requireSessionWithQuery` also from the query parameter, for clients that cannot set headers.
 */
export function sessionMiddleware(options: ConnectionIdOptions) {
  return {
    requireSession: requireSessionFrom('header', options),
    requireSessionWithQuery: requireSessionFrom('header-or-query', options),
  }
}

/** Rejects requests on sessions that are not logged in with 401. Register it after `requireSession`. */
export const requireLogin: MiddlewareHandler<Env> = (c, next) => {
  if (c.get('session').lyskom.persNo === 0) throw new RequestError('not-logged-in', 'Not logged in.')
  return next()
}

function requireSessionFrom(from: IdSource, options: ConnectionIdOptions): MiddlewareHandler<Env> {
  const { registry, autoCreate } = options
  return (c, next) => {
    const id = connectionId(c, options, from)
    if (id === undefined && autoCreate) return openAutomatically(c, next, options)
    if (id === undefined) throw new RequestError('invalid-session', `Missing ${CONNECTION_HEADER}.`)
    const session = registry.find(c.get('serverId'), id)
    if (session === undefined) return refuseId(registry, id)
    useSession(c, session)
    return next()
  }
}

/** Opens a session for a request without a connection id. The response carries its id. */
async function openAutomatically(c: Context<Env>, next: Next, options: ConnectionIdOptions): Promise<void> {
  const { registry, sessionIdleMs } = options
  const { serverId, requestId } = c.var
  const clientAddress = options.clientAddress(c)
  const { id, session } = await registry.open({ serverId, clientAddress, client: UNNAMED_CLIENT, requestId })
  useSession(c, session)
  closeUnlessDelivered(c, session)
  await next()
  const headers = { ...leaseHeader(sessionIdleMs), ...idHeaders(c, options, id), 'Cache-Control': 'no-store' }
  for (const [name, value] of Object.entries(headers)) c.header(name, value)
}
