import type { Context, MiddlewareHandler, Next } from 'hono'
import type { Forwarding } from '../cluster/forwarding.ts'
import type { Env } from '../env.ts'
import { RequestError } from '../errors/request-error.ts'
import { idleTimeoutHeader } from '../output/idle-timeout.ts'
import { CONNECTION_HEADER, type IdSource } from './connection-id.ts'
import { closeUnlessDelivered, useSession } from './current-session.ts'
import { findSession, type SessionLookup } from './find-session.ts'

/** The client name and version of a session that the gateway opens automatically. */
const UNNAMED_CLIENT = { name: 'komgate', version: '' }

/** Options of `sessionMiddleware`. */
export interface SessionMiddlewareOptions extends SessionLookup {
  /** whether a request without a connection id gets a new session */
  autoCreate: boolean
  /** returns the client address of a request; see `clientAddressBehind` */
  clientAddress: (c: Context) => string
  /** answers requests for sessions of other nodes */
  forwarding?: Forwarding | undefined
}

/**
 * Returns a function that creates middleware for each place where the connection id may be. The middleware finds the
 * session of the request for the routes after it, as `c.get('session')`. It rejects the request with 403 if the
 * connection id or the ticket is missing, unknown or of another server, or if its session has ended.
 */
export function sessionMiddleware(options: SessionMiddlewareOptions): (from: IdSource) => MiddlewareHandler<Env> {
  const { forwarding } = options
  const useOwn = (c: Context<Env>, next: Next, from: IdSource): Promise<void> => {
    const session = findSession(c, from, options)
    if (session instanceof Promise) return session
    if (session !== undefined) {
      useSession(c, session)
      return next()
    }
    if (options.autoCreate) return openAutomatically(c, next, options)
    throw new RequestError('invalid-session', `Missing ${CONNECTION_HEADER}.`)
  }
  if (forwarding === undefined) return (from) => (c, next) => useOwn(c, next, from)
  return (from) => async (c, next) => (await forwarding.respond(c, from)) ?? (await useOwn(c, next, from))
}

/** Rejects requests on sessions that are not logged in with 401. Register it after `requireSession`. */
export const requireLogin: MiddlewareHandler<Env> = (c, next) => {
  if (c.get('session').lyskom.persNo === 0) throw new RequestError('not-logged-in', 'Not logged in.')
  return next()
}

/** Opens a session for a request without a connection id. The response carries its id. */
async function openAutomatically(c: Context<Env>, next: Next, options: SessionMiddlewareOptions): Promise<void> {
  const { registry, ids } = options
  const { serverId, requestId } = c.var
  const clientAddress = options.clientAddress(c)
  const { id, session } = await registry.open({ serverId, clientAddress, client: UNNAMED_CLIENT, requestId })
  useSession(c, session)
  closeUnlessDelivered(c, session)
  await next()
  const headers = { ...idleTimeoutHeader(session.idleMs), ...ids.headers(c, id), 'Cache-Control': 'no-store' }
  for (const [name, value] of Object.entries(headers)) c.header(name, value)
}
