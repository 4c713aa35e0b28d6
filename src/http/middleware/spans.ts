import type { TextMapGetter } from '@opentelemetry/api'
import type { Context, MiddlewareHandler } from 'hono'
import { KNOWN_METHODS } from '../../ops/metrics/http-metrics.ts'
import type { Tracing } from '../../ops/tracing.ts'
import type { Env, MatchedRoute } from '../env.ts'

/** OpenTelemetry's name for an unknown request method. */
const OTHER_METHOD = '_OTHER'

/**
 * Returns middleware that creates a span for each request, as a child of the span in its `traceparent`. The span holds
 * the route pattern, and no path, id or address. Register it before all other middleware.
 */
export function requestSpans({ api, tracer }: Tracing): MiddlewareHandler<Env> {
  const getter: TextMapGetter<Context> = { get: (c, name) => c.req.header(name), keys: () => [] }
  return async (c, next) => {
    const method = KNOWN_METHODS.has(c.req.method) ? c.req.method : OTHER_METHOD
    const parent = api.propagation.extract(api.context.active(), c, getter)
    const attributes = { 'http.request.method': method }
    const span = tracer.startSpan(method, { kind: api.SpanKind.SERVER, attributes }, parent)
    await api.context.with(api.trace.setSpan(parent, span), next)
    const route = (c.get('route') as MatchedRoute | undefined)?.path
    if (route !== undefined) {
      span.updateName(`${method} ${route}`)
      span.setAttribute('http.route', route)
    }
    const { status } = c.res
    span.setAttribute('http.response.status_code', status)
    if (status >= 500) span.setStatus({ code: api.SpanStatusCode.ERROR })
    span.end()
  }
}
