import type { Context } from 'hono'
import { generateCookie } from 'hono/cookie'
import { cookieValues } from '../cookies.ts'
import { header } from '../header.ts'
import type { CookieOptions, TransportConfig } from './sxapi-config.ts'

/** The way that an id comes from a client, and goes to it. */
export interface Transport {
  /** The ids that a request carries, good or bad: several only where a client may not know which one is good. */
  idsOf(c: Context): string[]
  /** The headers that hand a client its new id. */
  handOut(c: Context, id: string): Headers
  /** The headers that make a client forget its id, where it would not by itself. */
  takeBack(c: Context): Headers
  /** The headers of a refusal. */
  refuse(c: Context, reason: Refusal): Headers
}

/** A request without an id, with one that is not good, or with one that `renew` has voided a moment ago. */
type Refusal = 'missing' | 'unknown' | 'renewed'

type Headers = Readonly<Record<string, string>>

/** Where a new id is handed out that the client is to send in the query. */
const TOKEN_HEADER = 'Session-Token'

/** Each id costs a look into the store. More cookies of one name than this come from no browser in good faith. */
const MAX_IDS = 8
const BEARER = /^Bearer(?: +|$)(.*)$/i
/** What browsers keep a cookie for at most, seconds. */
const MAX_COOKIE_SECONDS = 400 * 24 * 60 * 60

/**
 * @param duration of a session, seconds
 * @throws TypeError for a cookie that no browser would take
 */
export function transportOf(config: TransportConfig, duration: number): Transport {
  if (config.type === 'token') return tokenTransport(config.param)
  if (config.type === 'bearer') return BEARER_TRANSPORT
  return cookieTransport(config.cookie_name, config.cookie_options, duration)
}

function tokenTransport(param: string): Transport {
  return {
    idsOf: (c) => list(c.req.query(param)),
    handOut: (_, id) => ({ [TOKEN_HEADER]: id }),
    takeBack: () => ({}),
    refuse: () => ({}),
  }
}

/** As RFC 6750 has it, but for the new id, which SXAPI sends in the header that it is to come back in. */
const BEARER_TRANSPORT: Transport = {
  idsOf: (c) => list(BEARER.exec(header(c, 'authorization') ?? '')?.[1]),
  handOut: (_, id) => ({ Authorization: `Bearer ${id}` }),
  takeBack: () => ({}),
  refuse: (_, reason) => ({ 'WWW-Authenticate': reason === 'missing' ? 'Bearer' : 'Bearer error="invalid_token"' }),
}

function cookieTransport(name: string, options: CookieOptions, duration: number): Transport {
  const write = (c: Context | undefined, value: string, seconds: number | undefined) => {
    const isHttps = c?.req.url.startsWith('https:') ?? true
    return { 'Set-Cookie': generateCookie(name, value, attributes(name, options, seconds, isHttps)) }
  }
  const seconds = lifetime(options, duration)
  // What cannot be written is found out now, not when the first client comes.
  try {
    write(undefined, '', seconds)
  } catch (error) {
    throw new TypeError(`session.transport.cookie_options: ${(error as Error).message}`)
  }
  const takeBack = (c: Context) => write(c, '', 0)
  return {
    idsOf: (c) => [...new Set(cookieValues(c, (each) => each === name))].slice(0, MAX_IDS),
    handOut: (c, id) => write(c, id, seconds),
    takeBack,
    // After a renewal the browser may have its new cookie already.
    refuse: (c, reason) => (reason === 'unknown' ? takeBack(c) : {}),
  }
}

/** Seconds; undefined for as long as the browser runs. */
function lifetime({ maxAge }: CookieOptions, duration: number): number | undefined {
  const seconds = maxAge === undefined ? duration : Math.ceil(maxAge / 1000)
  return seconds === 0 ? undefined : Math.min(seconds, MAX_COOKIE_SECONDS)
}

function attributes(name: string, options: CookieOptions, maxAge: number | undefined, isHttps: boolean) {
  const { sameSite = 'lax', partitioned = false, secure, httpOnly = true } = options
  // A browser throws such cookies away when they are not secure.
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
