import type { MiddlewareHandler } from 'hono'
import { cors as honoCors } from 'hono/cors'
import { header } from '../header.ts'
import { LEASE_HEADER } from '../lease.ts'
import { REQUEST_ID_HEADER } from '../request-id.ts'
import { CONNECTION_HEADER } from './connection-id.ts'

/** Headers of W3C Trace Context and Baggage, which OpenTelemetry adds to the requests of a page. */
const TRACE_CONTEXT = ['traceparent', 'tracestate', 'baggage']

export interface CorsOptions {
  /** whether listed origins may use cookies */
  credentials: boolean
  /** `*`, or the origins that may read answers */
  origins: '*' | readonly string[]
  maxAgeSeconds: number
}

/** Lets pages of other origins use the API. Only browsers send an Origin, so nobody else pays for it. */
export function cors({ origins, maxAgeSeconds, credentials }: CorsOptions) {
  const answer = honoCors({
    origin: origins === '*' ? '*' : [...origins],
    allowMethods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'],
    allowHeaders: [
      'Origin',
      'Accept',
      'Content-Type',
      'X-Requested-With',
      'X-XSRF-TOKEN',
      'Cache-Control',
      'If-None-Match',
      'Authorization',
      ...TRACE_CONTEXT,
      REQUEST_ID_HEADER,
      CONNECTION_HEADER,
    ],
    exposeHeaders: [
      'Cache-Control',
      'ETag',
      'Location',
      'Retry-After',
      REQUEST_ID_HEADER,
      CONNECTION_HEADER,
      LEASE_HEADER,
    ],
    maxAge: maxAgeSeconds,
    // Browsers take it only where the origin is named.
    credentials: credentials && origins !== '*',
  })
  return ((c, next) => {
    if (header(c, 'origin') !== undefined) return answer(c, next)
    return origins === '*' ? next() : next().then(() => c.header('Vary', 'Origin', { append: true }))
  }) satisfies MiddlewareHandler
}
