import { z } from 'zod'
import type { Metrics } from '../../ops/metrics/metrics.ts'
import type { Registry } from '../../sessions/registry.ts'
import type { SessionStore } from '../../store/store.ts'
import { publicError } from '../errors/public-error.ts'
import { RequestError } from '../errors/request-error.ts'
import { json } from '../node/responses.ts'
import { type AnyRoute, route } from './route.ts'

/** Options of `observabilityRoutes`. */
export interface ObservabilityRouteOptions {
  registry: Registry
  store: SessionStore
  metrics: Metrics
  /** whether the gateway is a node of a cluster */
  isNode: boolean
}

/** Metrics and health checks. */
export function observabilityRoutes({ registry, store, metrics, isNode }: ObservabilityRouteOptions): AnyRoute[] {
  return [
    route({
      method: 'GET',
      path: '/metrics',
      operation: 'getMetrics',
      summary: 'Returns metrics for Prometheus',
      needs: 'nothing',
      responses: { 200: { type: metrics.contentType } },
      handle: async () =>
        new Response(await metrics.text(), {
          headers: { 'Cache-Control': 'no-cache', 'Content-Type': metrics.contentType },
        }),
    }),
    route({
      method: 'GET',
      path: '/live',
      operation: 'isLive',
      summary: 'Tells whether the process runs',
      needs: 'nothing',
      responses: { 200: { schema: z.strictObject({ live: z.literal(true) }) } },
      example: {},
      handle: () => json({ live: true }),
    }),
    route({
      method: 'GET',
      path: '/ready',
      operation: 'isReady',
      summary: 'Tells whether the gateway can open sessions',
      needs: 'nothing',
      responses: { 200: { schema: z.strictObject({ ready: z.literal(true) }) } },
      rejects: ['not-ready'],
      example: {},
      handle() {
        if (registry.isRefusing) return notReady('This gateway is shutting down.')
        // The nodes of a cluster share what follows: a load balancer must not drop all of them at once.
        if (isNode) return json({ ready: true })
        if (store.unavailable !== undefined) return notReady('The session store is unavailable.')
        if (!registry.isAnyReachable()) return notReady('No LysKOM server can be reached.')
        return json({ ready: true })
      },
    }),
  ]
}

/** Returns the 503 of a readiness check, without `Retry-After`: probes have an interval of their own. */
function notReady(message: string): Response {
  const { fields, status } = publicError(new RequestError('not-ready', message))
  return json(fields, status)
}
