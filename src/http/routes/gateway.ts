import { Hono } from 'hono'
import type { Metrics } from '../../ops/metrics/metrics.ts'
import type { Registry } from '../../sessions/registry.ts'
import type { Env } from '../env.ts'
import { json } from '../node/responses.ts'

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

/** The server list and the statistics of the gateway; mounted at the root. */
export function gatewayRoutes({ servers, registry, metrics }: GatewayRouteOptions) {
  return new Hono<Env>({ strict: false })
    .get('/', () =>
      json(
        Object.fromEntries(
          [...servers].map(([id, { name, host, port, sortOrder }]) => [
            id,
            { id, name, host, port, sort_order: sortOrder, up: registry.serverUp(id) },
          ]),
        ),
      ),
    )
    .get('/stats', async () => json(await metrics.stats()))
}
