import type { Context } from 'hono'
import { RequestError } from '../errors/request-error.ts'

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])
const OWN_SITES = new Set(['same-origin', 'none'])

/**
 * Protects against cross-site request forgery: browsers send cookies with the requests of any page, so a request that
 * is authenticated by a cookie must be safe, or come from a page of the gateway's origin or a listed origin. Clients
 * other than browsers send neither `Origin` nor `Sec-Fetch-Site` and pass.
 * @throws RequestError `foreign-origin` (403)
 */
export function rejectForeignPage(c: Context, allowedOrigins: '*' | readonly string[]): void {
  const isUpgrade = c.req.header('upgrade') !== undefined
  if (SAFE_METHODS.has(c.req.method) && !isUpgrade) return
  const origin = c.req.header('origin')
  const site = c.req.header('sec-fetch-site')
  const isAllowed =
    origin === undefined
      ? site === undefined || OWN_SITES.has(site)
      : isOwnOrigin(origin, c.req.header('host')) || (allowedOrigins !== '*' && allowedOrigins.includes(origin))
  if (!isAllowed)
    throw new RequestError('foreign-origin', 'Requests with a cookie are accepted from allowed origins only.')
}

/** Compares the host alone, because a reverse proxy may terminate TLS for the gateway. */
function isOwnOrigin(origin: string, host: string | undefined): boolean {
  return host !== undefined && URL.canParse(origin) && new URL(origin).host === host.toLowerCase()
}
