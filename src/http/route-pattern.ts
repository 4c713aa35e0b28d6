import type { Context } from 'hono'
import { matchedRoutes } from 'hono/route'

/**
 * The pattern of the route that has answered, `/:server/texts/:text_no{[0-9]+}`; undefined where none has: what stands
 * before the routes is of all methods.
 */
export function routePattern(c: Context): string | undefined {
  const route = matchedRoutes(c)[c.req.routeIndex]
  return route === undefined || route.method === 'ALL' ? undefined : route.path
}
