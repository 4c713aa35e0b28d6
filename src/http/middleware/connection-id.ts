import type { Context } from 'hono'
import { generateCookie } from 'hono/cookie'
import type { Registry } from '../../sessions/registry.ts'
import { cookieValues } from '../input/cookies.ts'
import { bearer } from './app-key.ts'
import { rejectForeignPage } from './own-pages.ts'

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

/** Options of `ConnectionIds`. */
export interface ConnectionIdOptions {
  /** the ways besides the header in which a request may carry its connection id */
  transports: readonly Transport[]
  /** the `SameSite` attribute of the cookie */
  cookieSameSite: 'lax' | 'strict' | 'none'
  /** whether the cookie is `Partitioned`: browsers keep one for each site that embeds the gateway */
  cookiePartitioned: boolean
  /** `*`, or the origins whose pages may use the cookie */
  corsOrigins: '*' | readonly string[]
}

/**
 * Sources of the id besides the transports: the query parameter is for clients that cannot set headers, and a ticket for
 * those whose URLs should not hold the id.
 */
export type IdSource = 'header' | 'header-or-query' | 'header-query-or-ticket'

/** The query parameter with a ticket. */
const TICKET = 'ticket'

/** Reads connection ids from requests, and issues them in responses. */
export class ConnectionIds {
  /** the request headers that may carry an id, as the `Vary` of a response that depends on the session */
  readonly vary: string
  readonly #registry: Registry
  readonly #options: ConnectionIdOptions

  /** @param registry the live sessions, which decide between several cookies */
  constructor(registry: Registry, options: ConnectionIdOptions) {
    const { transports } = options
    this.#registry = registry
    this.#options = options
    this.vary = [
      CONNECTION_HEADER,
      ...(transports.includes('bearer') ? ['Authorization'] : []),
      ...(transports.includes('cookie') ? ['Cookie'] : []),
    ].join(', ')
  }

  /**
   * Returns the connection id of a request, valid or not. The header overrides the other ways. A cookie comes last, also
   * after a ticket, because browsers add it to every request.
   * @throws RequestError `foreign-origin` (403) for a cookie that a page of another origin sends
   */
  of(c: Context, from: IdSource): string | undefined {
    const id = c.req.header(HEADER_KEY) ?? this.#explicitId(c, from)
    return id ?? (this.ticketOf(c, from) === undefined ? this.#cookieId(c) : undefined)
  }

  /** Returns the ticket of a request, valid or not. A connection id overrides it. */
  ticketOf(c: Context, from: IdSource): string | undefined {
    return from === 'header-query-or-ticket' ? c.req.query(TICKET) : undefined
  }

  /**
   * Returns whether the only id of a request is a cookie of a session that has ended.
   * @throws RequestError `foreign-origin` (403) for a cookie that a page of another origin sends
   */
  isStaleCookie(c: Context): boolean {
    if (c.req.header(HEADER_KEY) !== undefined || this.#explicitId(c, 'header-or-query') !== undefined) return false
    const id = this.#cookieId(c)
    return id !== undefined && this.#registry.find(c.get('serverId'), id) === undefined
  }

  /** Returns the headers that issue a new id, or, without an id, those that delete the cookie. */
  headers(c: Context, id?: string): Record<string, string> {
    const { transports, cookieSameSite, cookiePartitioned } = this.#options
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

  #explicitId(c: Context, from: IdSource): string | undefined {
    const { transports } = this.#options
    if (transports.includes('bearer')) {
      const id = bearer(c)
      if (id !== undefined) return id
    }
    const inQuery = from === 'header' ? undefined : c.req.query(CONNECTION_HEADER)
    return inQuery ?? (transports.includes('query') ? c.req.query(QUERY_PARAMETER) : undefined)
  }

  /** Returns the id in a cookie: of several cookies the first one with a live session, else the first one. */
  #cookieId(c: Context): string | undefined {
    const { transports, corsOrigins } = this.#options
    if (!transports.includes('cookie')) return undefined
    const serverId = c.get('serverId') as string | undefined
    const ids = cookieValues(c, (name) =>
      serverId === undefined ? name.startsWith(COOKIE_PREFIX) : name === COOKIE_PREFIX + serverId,
    )
    if (ids.length === 0) return undefined
    rejectForeignPage(c, corsOrigins)
    if (ids.length === 1) return ids[0]
    const isLive = (id: string): boolean =>
      (serverId === undefined ? this.#registry.findAnywhere(id) : this.#registry.find(serverId, id)) !== undefined
    return ids.find(isLive) ?? ids[0]
  }
}
