import type { Context, MiddlewareHandler } from 'hono'
import { generateCookie } from 'hono/cookie'
import type { Registry } from '../../sessions/registry.ts'
import type { Env } from '../context.ts'
import { cookieValues } from '../cookies.ts'
import { closeUnlessDelivered, refuseId, useSession } from '../current-session.ts'
import { header } from '../header.ts'
import { leaseHeader } from '../lease.ts'
import { RequestError } from '../request-error.ts'
import { bearer } from './app-key.ts'
import { refuseForeignPage } from './own-pages.ts'

/** The header with the connection id, and the name of the query parameter for clients that cannot set headers. */
export const CONNECTION_HEADER = 'Httpkom-Connection'
const HEADER_KEY = CONNECTION_HEADER.toLowerCase()

/** Ways besides the header in which a request may carry its connection id. */
export const TRANSPORTS = ['bearer', 'cookie', 'query'] as const
/** A value of `TRANSPORTS`. */
export type Transport = (typeof TRANSPORTS)[number]

/** The query parameter of the transport `query`, on any route. */
const QUERY_PARAMETER = '_token'
/** One cookie for each LysKOM server, since a session belongs to one server. */
const COOKIE_PREFIX = '__Host-komgate-'
/** The client name and version of a session that the gateway opens automatically. */
const UNNAMED_CLIENT = { name: 'komgate', version: '' }

/** Options for reading and issuing connection ids. */
export interface ConnectionIdOptions {
  registry: Registry
  /** the ways besides the header in which a request may carry its connection id */
  transports: readonly Transport[]
  /** the `SameSite` attribute of the cookie */
  cookieSameSite: 'lax' | 'strict' | 'none'
  /** whether the cookie is `Partitioned`: browsers keep one for each site that embeds the gateway */
  cookiePartitioned: boolean
  /** whether a request without a connection id gets a new session */
  autoCreate: boolean
  /** `*`, or the origins whose pages may use the cookie */
  corsOrigins: '*' | readonly string[]
  /** returns the client address of a request; see `clientAddressBehind` */
  clientAddress: (c: Context) => string
  /** the idle timeout of a session in milliseconds */
  sessionIdleMs: number
}

/** Sources of the id besides the transports: the query parameter is for clients that cannot set headers. */
type From = 'header' | 'header-or-query'

/**
 * Returns the connection id of a request, valid or not. The header overrides the other ways. A cookie comes last,
 * because browsers send it without being asked to.
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

/** Returns the id in a cookie: of several cookies the first one with a live session, else the first one. */
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

/** Returns whether the only id of a request is a cookie of a session that has ended. */
export function isStaleCookie(c: Context, options: ConnectionIdOptions): boolean {
  if (header(c, HEADER_KEY) !== undefined || explicitId(c, options, 'header-or-query') !== undefined) return false
  const id = cookieId(c, options)
  return id !== undefined && options.registry.find(c.get('serverId'), id) === undefined
}

/**
 * Returns the request headers that may carry a connection id, as the `Vary` of a response that depends on the session.
 */
export function varyOnId({ transports }: Pick<ConnectionIdOptions, 'transports'>): string {
  const carriers = [
    CONNECTION_HEADER,
    ...(transports.includes('bearer') ? ['Authorization'] : []),
    ...(transports.includes('cookie') ? ['Cookie'] : []),
  ]
  return carriers.join(', ')
}

/** Returns the headers that issue a new id, or, without an id, those that delete the cookie. */
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
 * Returns middleware that finds the session of the request for the routes after it. Rejects the request with 403 if the
 * id is missing, unknown or of another server, or if its session is dead.
 */
export function requireSession(options: ConnectionIdOptions, from: From): MiddlewareHandler<Env> {
  const { registry, autoCreate, clientAddress } = options
  const lease = leaseHeader(options.sessionIdleMs)
  return (c, next) => {
    const id = connectionId(c, options, from)
    if (id === undefined && autoCreate) return openAutomatically()
    if (id === undefined) throw new RequestError('invalid-session', `Missing ${CONNECTION_HEADER}.`)
    const opened = registry.find(c.get('serverId'), id)
    if (opened === undefined) return refuseId(registry, id)
    useSession(c, opened)
    return next()

    async function openAutomatically(): Promise<void> {
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

/** Rejects requests on sessions that are not logged in with 401. Register it after `requireSession`. */
export const requireLogin: MiddlewareHandler<Env> = (c, next) => {
  if (c.get('opened').session.persNo === 0) throw new RequestError('not-logged-in', 'Not logged in.')
  return next()
}
