import type { Context } from 'hono'
import { generateCookie } from 'hono/cookie'
import { cookieValues } from '../http/input/cookies.ts'
import type { CookieOptions, TransportConfig } from './sxapi-config.ts'

/** How a request carries a session id, and how a response issues one. */
export interface Transport {
  /** Returns the ids of a request, valid or not: several only where the client cannot know which one is valid. */
  idsOf(c: Context): string[]
  /** Returns the headers that issue a new id. */
  issue(c: Context, id: string): Headers
  /** Returns the headers that delete the id on the client; empty where clients need none. */
  clear(c: Context): Headers
  /** Returns the headers of a rejection. */
  reject(c: Context, reason: Rejection): Headers
}

/** A request without an id, with an invalid one, or with one that `renew` has just invalidated. */
type Rejection = 'missing' | 'unknown' | 'renewed'

type Headers = Readonly<Record<string, string>>

/** The response header with a new id that the client sends in the query. */
const TOKEN_HEADER = 'Session-Token'

/** Each id costs a store lookup. A legitimate browser does not send more cookies of one name. */
const MAX_IDS = 8
const BEARER = /^Bearer(?: +|$)(.*)$/i
/** The longest lifetime of a cookie in browsers, seconds. */
const MAX_COOKIE_SECONDS = 400 * 24 * 60 * 60

/**
 * Creates the transport of a configuration.
 * @param duration the duration of a session in seconds
 * @throws TypeError for a cookie that browsers reject
 */
export function transportOf(config: TransportConfig, duration: number): Transport {
  if (config.type === 'token') return tokenTransport(config.param)
  if (config.type === 'bearer') return BEARER_TRANSPORT
  return cookieTransport(config.cookie_name, config.cookie_options, duration)
}

function tokenTransport(param: string): Transport {
  return {
    idsOf: (c) => list(c.req.query(param)),
    issue: (_, id) => ({ [TOKEN_HEADER]: id }),
    clear: () => ({}),
    reject: () => ({}),
  }
}

/** Follows RFC 6750, except that a new id is sent in the `Authorization` header of the response, as in SXAPI. */
const BEARER_TRANSPORT: Transport = {
  idsOf: (c) => list(BEARER.exec(c.req.header('authorization') ?? '')?.[1]),
  issue: (_, id) => ({ Authorization: `Bearer ${id}` }),
  clear: () => ({}),
  reject: (_, reason) => ({ 'WWW-Authenticate': reason === 'missing' ? 'Bearer' : 'Bearer error="invalid_token"' }),
}

function cookieTransport(name: string, options: CookieOptions, duration: number): Transport {
  const write = (c: Context | undefined, value: string, seconds: number | undefined) => {
    const isHttps = c?.req.url.startsWith('https:') ?? true
    return { 'Set-Cookie': generateCookie(name, value, attributes(name, options, seconds, isHttps)) }
  }
  const seconds = lifetime(options, duration)
  // Write a cookie at startup, so that invalid options fail before the first request.
  try {
    write(undefined, '', seconds)
  } catch (error) {
    throw new TypeError(`session.transport.cookie_options: ${(error as Error).message}`)
  }
  const clear = (c: Context) => write(c, '', 0)
  return {
    idsOf: (c) => [...new Set(cookieValues(c, (each) => each === name))].slice(0, MAX_IDS),
    issue: (c, id) => write(c, id, seconds),
    clear,
    // After a renewal the browser may have its new cookie already.
    reject: (c, reason) => (reason === 'unknown' ? clear(c) : {}),
  }
}

/** Returns the lifetime of the cookie in seconds; undefined for a session cookie. */
function lifetime({ maxAge }: CookieOptions, duration: number): number | undefined {
  const seconds = maxAge === undefined ? duration : Math.ceil(maxAge / 1000)
  return seconds === 0 ? undefined : Math.min(seconds, MAX_COOKIE_SECONDS)
}

function attributes(name: string, options: CookieOptions, maxAge: number | undefined, isHttps: boolean) {
  const { sameSite = 'lax', partitioned = false, secure, httpOnly = true } = options
  // Browsers reject such cookies unless they are secure.
  const mustBeSecure = sameSite === 'none' || partitioned || /^__(?:Secure|Host)-/i.test(name)
  if (mustBeSecure && secure === false) throw new TypeError('"secure" must not be false for this cookie')
  return {
    path: options.path ?? '/',
    httpOnly,
    secure: secure ?? (mustBeSecure || isHttps),
    ...(options.domain !== undefined && { domain: options.domain }),
    ...(maxAge !== undefined && { maxAge }),
    ...(sameSite !== false && { sameSite: sameSite === true ? ('strict' as const) : sameSite }),
    ...(partitioned && { partitioned }),
    ...(options.priority !== undefined && { priority: options.priority }),
  }
}

function list(id: string | undefined): string[] {
  return id === undefined ? [] : [id]
}
