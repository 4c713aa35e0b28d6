import type { Context, MiddlewareHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { Registry } from '../../sessions/registry.ts'
import type { Env } from '../context.ts'
import { header } from '../header.ts'

/** The header that names the caller's session, and the query parameter for what cannot set headers. */
export const CONNECTION_HEADER = 'Httpkom-Connection'
const HEADER_KEY = CONNECTION_HEADER.toLowerCase()

/** The connection id that a request carries; the header wins. */
export function connectionId(c: Context): string | undefined {
  return headerId(c) ?? c.req.query(CONNECTION_HEADER)
}

function headerId(c: Context): string | undefined {
  return header(c, HEADER_KEY)
}

/**
 * Finds the caller's session for the routes behind it: 403 when the id is missing, unknown, another server's, or its
 * session dead.
 * @param from where the route takes the id from; the query is for routes that an `<img>` or a link may use
 */
export function requireSession(registry: Registry, from: 'header' | 'header-or-query'): MiddlewareHandler<Env> {
  return (c, next) => {
    const id = from === 'header' ? headerId(c) : connectionId(c)
    if (id === undefined) throw new HTTPException(403, { message: `Missing ${CONNECTION_HEADER}.` })
    const opened = registry.find(c.get('serverId'), id)
    if (opened === undefined) throw new HTTPException(403, { message: 'There is no such session.' })
    c.set('opened', opened)
    return next()
  }
}

/** 401 when nobody is logged in on the caller's session. Goes after `requireSession`. */
export const requireLogin: MiddlewareHandler<Env> = (c, next) => {
  if (c.get('opened').session.persNo === 0) throw new HTTPException(401, { message: 'Nobody is logged in.' })
  return next()
}
