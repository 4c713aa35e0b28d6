import type { Context } from 'hono'
import type { Env } from '../env.ts'

/**
 * Begins the targets of requests of operators that a node sends to all others. They differ from those of clients, because the
 * application for operators may have a port of its own, and no base path.
 */
const PREFIX = '/.node'
const QUERY = /\?.*/

/** Returns the target, for other nodes, of a request of an operator. */
export function adminTarget(c: Context<Env>): string {
  const [query = ''] = QUERY.exec(c.req.url) ?? []
  return PREFIX + encodeURI(c.req.path) + query
}

/** Returns the request of an operator that another node has sent; undefined for another request. */
export function adminRequest(request: Request, target: string): Request | undefined {
  if (!target.startsWith(`${PREFIX}/admin/`)) return undefined
  const { method, headers } = request
  return new Request(`http://node${target.slice(PREFIX.length)}`, { method, headers })
}
