import { Hono } from 'hono'
import type { Metrics } from '../../ops/metrics/metrics.ts'
import type { Registry } from '../../sessions/registry.ts'
import type { SessionStore } from '../../store/store.ts'
import type { Env } from '../env.ts'
import { publicError } from '../errors/public-error.ts'
import { RequestError } from '../errors/request-error.ts'
import { json } from '../node/responses.ts'

/** Options of `observabilityRoutes`. */
export interface ObservabilityRouteOptions {
  registry: Registry
  store: SessionStore
  metrics: Metrics
}

/** Metrics and health checks; mounted at the root. */
export function observabilityRoutes({ registry, store, metrics }: ObservabilityRouteOptions) {
  return new Hono<Env>({ strict: false })
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
}

/** Returns the 503 of a readiness check, without `Retry-After`: probes have an interval of their own. */
function notReady(message: string): Response {
  const { fields, status } = publicError(new RequestError('not-ready', message))
  return json(fields, status)
}
