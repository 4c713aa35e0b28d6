import type { IncomingHttpHeaders } from 'node:http'
import type { Context } from 'hono'

/**
 * Returns a request header from Node's parsed headers: Hono would create a `Headers` object of all of them, which costs
 * more than the rest of a short request.
 * @param name in lower case
 */
export function header(c: Context, name: string): string | undefined {
  const headers = (c.env?.incoming as { headers: IncomingHttpHeaders } | undefined)?.headers
  if (headers === undefined) return c.req.header(name)
  const value = headers[name]
  return typeof value === 'object' ? value.join(', ') : value
}
