import type { Context } from 'hono'
import { matchedRoutes } from 'hono/route'

/**
 * Returns the pattern of the route that handled the request, `/:server/texts/:text_no{[0-9]+}` for example, or
 * undefined if only middleware did, which is registered for all methods.
 */
export function routePattern(c: Context): string | undefined {
  const route = matchedRoutes(c)[c.req.routeIndex]
  return route === undefined || route.method === 'ALL' ? undefined : route.path
}
