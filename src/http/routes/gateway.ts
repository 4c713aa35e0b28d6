import { Hono } from 'hono'
import type { AppOptions, Env } from '../context.ts'
import { json } from '../node/responses.ts'

/** The server list and the statistics of the gateway; mounted at the root. */
export function gatewayRoutes({ servers, registry, metrics }: AppOptions) {
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
