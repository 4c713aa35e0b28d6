import { Hono } from 'hono'
import type { AppOptions, Env } from '../context.ts'
import { json } from '../node/responses.ts'
import { publicError } from '../public-error.ts'
import { RequestError } from '../request-error.ts'
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
      if (registry.isDraining) return notReady('This gateway is shutting down.')
      if (store.unavailable !== undefined) return notReady('The session store is unavailable.')
      if (!registry.isAnyReachable()) return notReady('No LysKOM server can be reached.')
      return json({ ready: true })
    })
  if (options.adminKey !== '') app.route('/admin', adminRoutes(options))
  return app
}

/** Returns the 503 of a readiness check, without `Retry-After`: probes have an interval of their own. */
function notReady(message: string): Response {
  const { fields, status } = publicError(new RequestError('not-ready', message))
  return json(fields, status)
}
