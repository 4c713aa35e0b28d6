import { Hono } from 'hono'
import type { AppOptions, Env } from '../context.ts'

/** What the gateway says of itself; mounted at the root. */
export function gatewayRoutes({ servers, stats }: AppOptions) {
  return new Hono<Env>({ strict: false })
    .get('/', (c) =>
      c.json(
        Object.fromEntries(
          [...servers].map(([id, { name, host, port, sortOrder }]) => [
            id,
            { id, name, host, port, sort_order: sortOrder },
          ]),
        ),
      ),
    )
    .get('/stats', (c) => c.json(stats()))
}
