import type { MiddlewareHandler } from 'hono'
import { cors as honoCors } from 'hono/cors'
import { REQUEST_ID_HEADER } from '../node/request-id.ts'
import { LEASE_HEADER } from '../output/idle-timeout.ts'
import { CONNECTION_HEADER, type Transport } from './connection-id.ts'

/** Headers of W3C Trace Context and Baggage, which OpenTelemetry adds to the requests of a page. */
const TRACE_CONTEXT = ['traceparent', 'tracestate', 'baggage']

/** Options of the CORS middleware. */
export interface CorsOptions {
  /** `*`, or the origins whose pages may read responses */
  corsOrigins: '*' | readonly string[]
  /** how long browsers may cache a preflight response, milliseconds */
  corsMaxAgeMs: number
  /** with `cookie`, pages of the listed origins may send cookies */
  transports: readonly Transport[]
}

/** Returns CORS middleware. Requests without an `Origin`, which only browsers send, skip Hono's middleware. */
export function cors({ corsOrigins: origins, corsMaxAgeMs, transports }: CorsOptions) {
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
      'Last-Event-ID',
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
    maxAge: Math.round(corsMaxAgeMs / 1000),
    // Browsers accept credentials only where the response names the origin.
    credentials: transports.includes('cookie') && origins !== '*',
  })
  return ((c, next) => {
    // The node that the client is connected to adds the headers.
    if (c.env?.forwarded !== undefined) return next()
    if (c.req.header('origin') !== undefined) return answer(c, next)
    return origins === '*' ? next() : next().then(() => c.header('Vary', 'Origin', { append: true }))
  }) satisfies MiddlewareHandler
}
