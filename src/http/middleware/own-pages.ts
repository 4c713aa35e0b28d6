import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { header } from '../header.ts'

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])
const OWN_SITES = new Set(['same-origin', 'none'])

/**
 * Browsers send cookies along with whatever any page asks for. So what a cookie vouches for must be asked by a page of
 * our own origin, or of one that is listed, unless it changes nothing. Programs other than browsers say neither.
 */
export function refuseForeignPage(c: Context, listed: '*' | readonly string[]): void {
  const isUpgrade = header(c, 'upgrade') !== undefined
  if (SAFE_METHODS.has(c.req.method) && !isUpgrade) return
  const origin = header(c, 'origin')
  const site = header(c, 'sec-fetch-site')
  const isOurs =
    origin === undefined
      ? site === undefined || OWN_SITES.has(site)
      : isOwnOrigin(origin, header(c, 'host')) || (listed !== '*' && listed.includes(origin))
  if (!isOurs) throw new HTTPException(403, { message: 'A page of another origin may not do this by a cookie.' })
}

/** A proxy in front may speak HTTPS for us, so only the host is compared. */
function isOwnOrigin(origin: string, host: string | undefined): boolean {
  return host !== undefined && URL.canParse(origin) && new URL(origin).host === host.toLowerCase()
}
