import type { Context } from 'hono'
import { generateCookie } from 'hono/cookie'
import type { Registry } from '../../sessions/registry.ts'
import type { Env } from '../env.ts'
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
/** The ids in the cookies of a request that are looked for: on several nodes, each may take a request between them. */
const MAX_COOKIES = 16

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
const NONE: readonly string[] = []

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
  of(c: Context<Env>, from: IdSource): string | undefined {
    const id = c.req.header(HEADER_KEY) ?? this.#explicitId(c, from) ?? (c.get('cookieId') as string | undefined)
    if (id !== undefined) return id
    const ids = this.inCookies(c, from)
    return ids.length > 1 ? (ids.find((each) => this.isLive(c, each)) ?? ids[0]) : ids[0]
  }

  /** Returns the ticket of a request, valid or not. A connection id overrides it. */
  ticketOf(c: Context, from: IdSource): string | undefined {
    return from === 'header-query-or-ticket' ? c.req.query(TICKET) : undefined
  }

  /**
   * Returns the ids in the cookies of a request, 16 at most, of which the first one with a live session counts, or else the first one.
   * Returns none if the request has an id or a ticket elsewhere, which override them.
   * @throws RequestError `foreign-origin` (403) for a cookie that a page of another origin sends
   */
  inCookies(c: Context<Env>, from: IdSource): readonly string[] {
    const { transports, corsOrigins } = this.#options
    if (!transports.includes('cookie')) return NONE
    if ((c.req.header(HEADER_KEY) ?? this.#explicitId(c, from) ?? this.ticketOf(c, from)) !== undefined) return NONE
    const serverId = c.get('serverId') as string | undefined
    const ids = cookieValues(c, (name) =>
      serverId === undefined ? name.startsWith(COOKIE_PREFIX) : name === COOKIE_PREFIX + serverId,
    )
    if (ids.length === 0) return NONE
    rejectForeignPage(c, corsOrigins)
    return [...new Set(ids)].slice(0, MAX_COOKIES)
  }

  /** Returns whether this gateway has a live session with an id: on the server in the path, or on any without one. */
  isLive(c: Context<Env>, id: string): boolean {
    const serverId = c.get('serverId') as string | undefined
    const session = serverId === undefined ? this.#registry.findAnywhere(id) : this.#registry.find(serverId, id)
    return session !== undefined
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
}
