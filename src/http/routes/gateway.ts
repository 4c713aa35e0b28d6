import type { Metrics } from '../../ops/metrics/metrics.ts'
import type { Registry } from '../../sessions/registry.ts'
import { json } from '../node/responses.ts'
import { ServerList, Stats } from '../output/schemas/index.ts'
import { type AnyRoute, route } from './route.ts'

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
}

/** The server list and the statistics of the gateway. */
export function gatewayRoutes({ servers, registry, metrics }: GatewayRouteOptions): AnyRoute[] {
  return [
    route({
      method: 'GET',
      path: '/',
      operation: 'listServers',
      summary: 'Lists the LysKOM servers',
      needs: 'nothing',
      responses: { 200: { schema: ServerList } },
      example: {},
      handle: () =>
        json(
          Object.fromEntries(
            [...servers].map(([id, { name, host, port, sortOrder }]) => [
              id,
              { id, name, host, port, sort_order: sortOrder, up: registry.serverUp(id) },
            ]),
          ),
        ),
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
