import type { Context } from 'hono'
import { accepts } from 'hono/accepts'
import type { Metrics } from '../../ops/metrics/metrics.ts'
import type { Registry } from '../../sessions/registry.ts'
import { json, SECURITY } from '../node/responses.ts'
import { ServerList, Stats } from '../output/schemas/index.ts'
import { type AnyRoute, route } from './route.ts'

const JSON_TYPE = 'application/json'
const HTML_TYPE = 'text/html'
const VARY = { Vary: 'Accept' }
/** Redirects to the web client. The location is relative, so that it is right behind a proxy that removes a prefix. */
function redirectToWeb({ req }: Context): Response {
  const [lastSegment] = /[^/]+$/.exec(new URL(req.url).pathname) ?? []
  const location = lastSegment === undefined ? 'app/' : `${lastSegment}/app/`
  return new Response(null, {
    status: 303,
    headers: { 'Cache-Control': 'no-cache', ...SECURITY, ...VARY, Location: location },
  })
}

/** A LysKOM server in the response of `GET /`. */
export interface ListedServer {
  id: string
  name: string
  host: string
  port: number
  sortOrder: number
}

/** Options of `gatewayRoutes`. */
export interface GatewayRouteOptions {
  servers: ReadonlyMap<string, ListedServer>
  registry: Registry
  metrics: Metrics
  /** whether browsers are redirected to the web client */
  hasWeb: boolean
}

/** The server list and the statistics of the gateway. */
export function gatewayRoutes({ servers, registry, metrics, hasWeb }: GatewayRouteOptions): AnyRoute[] {
  const listServers = (headers?: Record<string, string>): Response =>
    json(
      Object.fromEntries(
        [...servers].map(([id, { name, host, port, sortOrder }]) => [
          id,
          { id, name, host, port, sort_order: sortOrder, up: registry.serverUp(id) },
        ]),
      ),
      200,
      headers,
    )
  return [
    route({
      method: 'GET',
      path: '/',
      operation: 'listServers',
      summary: 'Lists the LysKOM servers',
      ...(hasWeb && { description: 'Redirects clients that prefer `text/html` to the web client.' }),
      needs: 'nothing',
      responses: hasWeb
        ? {
            200: { schema: ServerList, headers: ['Vary'] },
            303: { description: 'The client prefers HTML.', headers: ['Location', 'Vary'] },
          }
        : { 200: { schema: ServerList } },
      example: {},
      handle(c) {
        if (!hasWeb) return listServers()
        const type = accepts(c, { header: 'Accept', supports: [JSON_TYPE, HTML_TYPE], default: JSON_TYPE })
        return type === HTML_TYPE ? redirectToWeb(c) : listServers(VARY)
      },
    }),
    route({
      method: 'GET',
      path: '/stats',
      operation: 'getStats',
      summary: 'Returns counters',
      needs: 'nothing',
      responses: { 200: { schema: Stats } },
      example: {},
      handle: async () => json(await metrics.stats()),
    }),
  ]
}
