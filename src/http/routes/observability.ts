import { Hono } from 'hono'
import type { AppOptions, Env } from '../context.ts'
import { gatewayError } from '../error-response.ts'
import { json } from '../node/responses.ts'
import { adminRoutes } from './admin.ts'

/** Metrics, health checks and, if an admin key is set, administration; mounted at the root. */
export function observabilityRoutes(options: AppOptions) {
  const { registry, store, metrics } = options
  const app = new Hono<Env>({ strict: false })
    .get(
      '/metrics',
      async () =>
        new Response(await metrics.text(), {
          headers: { 'Cache-Control': 'no-cache', 'Content-Type': metrics.contentType },
        }),
    )
    .get('/live', () => json({ live: true }))
    .get('/ready', () => {
      if (registry.isDraining) return gatewayError(503, 'This gateway is shutting down.')
      if (store.unavailable !== undefined) return gatewayError(503, 'The session store is unavailable.')
      if (!registry.isAnyReachable()) return gatewayError(503, 'No LysKOM server can be reached.')
      return json({ ready: true })
    })
  if (options.adminKey !== '') app.route('/admin', adminRoutes(options))
  return app
}
