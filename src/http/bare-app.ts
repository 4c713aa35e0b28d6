import { Hono } from 'hono'
import { methodNotAllowed } from 'hono/method-not-allowed'
import type { Metrics } from '../ops/metrics/metrics.ts'
import type { Tracing } from '../ops/tracing.ts'
import type { Registry } from '../sessions/registry.ts'
import type { Env } from './env.ts'
import { RequestError } from './errors/request-error.ts'
import { badRequest } from './input/body.ts'
import { type AccessOptions, access } from './middleware/access.ts'
import { requestSpans } from './middleware/spans.ts'
import { MemoizedRouter } from './node/memoized-router.ts'
import { DOT_SEGMENT_PATH, pathUnder } from './node/request-path.ts'
import { empty } from './node/responses.ts'
import { type ErrorObservers, errorResponse } from './output/error-response.ts'

/** The observers of requests and errors. */
export interface Observers extends ErrorObservers, Pick<AccessOptions, 'onAccess'> {
  /** called for each request that falsely claims to be from another node of the cluster */
  onForeignNode?: (error: Error) => void
}

/** Options of `bareApp`. */
export interface BareAppOptions extends Pick<AccessOptions, 'cluster'> {
  /** the prefix of every path, `/kom` for example; empty for none */
  basePath: string
  registry: Registry
  metrics: Metrics
  /** creates a span for each request */
  tracing?: Tracing | undefined
  observers: Observers
}

/** Creates an application without routes that counts and logs requests and renders every error as JSON. */
export function bareApp({ basePath, registry, cluster, metrics, tracing, observers }: BareAppOptions): Hono<Env> {
  const app = new Hono<Env>({ router: new MemoizedRouter(), getPath: pathUnder(basePath) })
  app.onError((error, c) => errorResponse(error, c, observers))
  const rejectMethod = methodNotAllowed({
    app,
    onMethodNotAllowed(c, methods) {
      const allow = [...methods, 'OPTIONS'].join(', ')
      if (c.req.method === 'OPTIONS') return empty(204, { Allow: allow })
      const error = new RequestError('method-not-allowed', `${c.req.method} is not allowed here.`, { Allow: allow })
      return errorResponse(error, c, observers)
    },
  })
  // Runs only where no route matched, so that matched requests do not pay for it.
  app.notFound(async (c) => {
    if (c.req.path === DOT_SEGMENT_PATH) return errorResponse(badRequest('The path holds a dot segment.'), c, observers)
    c.res = errorResponse(new RequestError('not-found', 'Not found.'), c, observers)
    await rejectMethod(c, () => Promise.resolve())
    return c.res
  })
  if (tracing !== undefined) app.use(requestSpans(tracing))
  app.use(access({ registry, cluster, metrics, onAccess: observers.onAccess }))
  return app
}
