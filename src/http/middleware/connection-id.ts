import type { Context, MiddlewareHandler } from 'hono'
import { generateCookie } from 'hono/cookie'
import { HTTPException } from 'hono/http-exception'
import type { Registry } from '../../sessions/registry.ts'
import type { Env } from '../context.ts'
import { cookieValues } from '../cookies.ts'
import { closeUnlessDelivered, refuseId, useSession } from '../current-session.ts'
import { header } from '../header.ts'
import { leaseHeader } from '../lease.ts'
import { bearer } from './app-key.ts'
import { refuseForeignPage } from './own-pages.ts'

/** The header that names the caller's session, and the query parameter for what cannot set headers. */
export const CONNECTION_HEADER = 'Httpkom-Connection'
const HEADER_KEY = CONNECTION_HEADER.toLowerCase()

/** Ways besides the header in which a request may carry its connection id. */
export const TRANSPORTS = ['bearer', 'cookie', 'query'] as const
export type Transport = (typeof TRANSPORTS)[number]

/** The query parameter of the transport `query`, on any route. */
const QUERY_PARAMETER = '_token'
/** One cookie for each server, since a session is on one. */
const COOKIE_PREFIX = '__Host-komgate-'
/** The client of a session that komgate opens by itself. */
const UNNAMED_CLIENT = { name: 'komgate', version: '' }

export interface ConnectionIdOptions {
  registry: Registry
  transports: readonly Transport[]
  cookieSameSite: 'lax' | 'strict' | 'none'
  /** whether browsers shall keep the cookie apart for each site that the gateway is embedded in */
  cookiePartitioned: boolean
  /** whether a request without any id gets a session of its own */
  autoCreate: boolean
  /** `*`, or the origins whose pages may use a cookie of ours */
  corsOrigins: '*' | readonly string[]
  /** the address that a request comes from, as `clientAddressBehind` finds it */
  clientAddress: (c: Context) => string
  /** the lease of a session, milliseconds */
  sessionIdleMs: number
}

/** Where a route takes the id from, besides what the transports allow; the query is for what cannot set headers. */
type From = 'header' | 'header-or-query'

/**
 * The connection id that a request carries, good or bad. The header goes before the other ways, and a cookie, which
 * nobody has to think of to send it, comes last.
 */
export function connectionId(c: Context, options: ConnectionIdOptions, from: From): string | undefined {
  return header(c, HEADER_KEY) ?? explicitId(c, options, from) ?? cookieId(c, options)
}

function explicitId(c: Context, { transports }: ConnectionIdOptions, from: From): string | undefined {
  if (transports.includes('bearer')) {
    const id = bearer(c)
    if (id !== undefined) return id
  }
  const inQuery = from === 'header-or-query' ? c.req.query(CONNECTION_HEADER) : undefined
  return inQuery ?? (transports.includes('query') ? c.req.query(QUERY_PARAMETER) : undefined)
}

/** The id in a cookie: of several, the first one with a live session, or else the first one. */
function cookieId(c: Context, { registry, transports, corsOrigins }: ConnectionIdOptions): string | undefined {
  if (!transports.includes('cookie')) return undefined
  const serverId = c.get('serverId') as string | undefined
  const ids = cookieValues(c, (name) =>
    serverId === undefined ? name.startsWith(COOKIE_PREFIX) : name === COOKIE_PREFIX + serverId,
  )
  if (ids.length === 0) return undefined
  refuseForeignPage(c, corsOrigins)
  if (ids.length === 1) return ids[0]
  const isLive = (id: string): boolean =>
    (serverId === undefined ? registry.findAnywhere(id) : registry.find(serverId, id)) !== undefined
  return ids.find(isLive) ?? ids[0]
}

/** Whether the id that a request carries is nothing but a cookie left over from a session that has ended. */
export function isStaleCookie(c: Context, options: ConnectionIdOptions): boolean {
  if (header(c, HEADER_KEY) !== undefined || explicitId(c, options, 'header-or-query') !== undefined) return false
  const id = cookieId(c, options)
  return id !== undefined && options.registry.find(c.get('serverId'), id) === undefined
}

/** The request headers that may carry a connection id, as a `Vary` of a response that depends on the session. */
export function varyOnId({ transports }: Pick<ConnectionIdOptions, 'transports'>): string {
  const carriers = [
    CONNECTION_HEADER,
    ...(transports.includes('bearer') ? ['Authorization'] : []),
    ...(transports.includes('cookie') ? ['Cookie'] : []),
  ]
  return carriers.join(', ')
}

/** The headers that hand out a new id; without one, those that make a browser forget it. */
export function idHeaders(c: Context, options: ConnectionIdOptions, id?: string): Record<string, string> {
  const { transports, cookieSameSite, cookiePartitioned } = options
  const headers: Record<string, string> = id === undefined ? {} : { [CONNECTION_HEADER]: id }
  if (transports.includes('cookie')) {
    headers['Set-Cookie'] = generateCookie(COOKIE_PREFIX + c.get('serverId'), id ?? '', {
      path: '/',
      secure: true,
      httpOnly: true,
      sameSite: cookieSameSite,
      partitioned: cookiePartitioned,
      ...(id === undefined && { maxAge: 0 }),
    })
  }
  return headers
}

/**
 * Finds the caller's session for the routes behind it: 403 when the id is missing, unknown, another server's, or its
 * session dead.
 */
export function requireSession(options: ConnectionIdOptions, from: From): MiddlewareHandler<Env> {
  const { registry, autoCreate, clientAddress } = options
  const lease = leaseHeader(options.sessionIdleMs)
  return (c, next) => {
    const id = connectionId(c, options, from)
    if (id === undefined && autoCreate) return openUnasked()
    if (id === undefined) throw new HTTPException(403, { message: `Missing ${CONNECTION_HEADER}.` })
    const opened = registry.find(c.get('serverId'), id)
    if (opened === undefined) return refuseId(registry, id)
    useSession(c, opened)
    return next()

    async function openUnasked(): Promise<void> {
      const { serverId, requestId } = c.var
      const made = await registry.open({ serverId, clientAddress: clientAddress(c), client: UNNAMED_CLIENT, requestId })
      useSession(c, made.opened)
      closeUnlessDelivered(c, registry, made.opened)
      await next()
      const headers = { ...lease, ...idHeaders(c, options, made.id), 'Cache-Control': 'no-store' }
      for (const [name, value] of Object.entries(headers)) c.header(name, value)
    }
  }
}

/** 401 when nobody is logged in on the caller's session. Goes after `requireSession`. */
export const requireLogin: MiddlewareHandler<Env> = (c, next) => {
  if (c.get('opened').session.persNo === 0) throw new HTTPException(401, { message: 'Nobody is logged in.' })
  return next()
}
