import type { MiddlewareHandler } from 'hono'
import { cors as honoCors } from 'hono/cors'
import { header } from '../header.ts'
import { CONNECTION_HEADER } from './connection-id.ts'

export interface CorsOptions {
  /** `*`, or the origins that may read answers */
  origins: '*' | readonly string[]
  maxAgeSeconds: number
}

/** Lets pages of other origins use the API. Only browsers send an Origin, so nobody else pays for it. */
export function cors({ origins, maxAgeSeconds }: CorsOptions) {
  const answer = honoCors({
    origin: origins === '*' ? '*' : [...origins],
    allowMethods: ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD'],
    allowHeaders: [
      'Origin',
      'Accept',
      'Content-Type',
      'X-Requested-With',
      'X-XSRF-TOKEN',
      'Cache-Control',
      'If-None-Match',
      CONNECTION_HEADER,
    ],
    exposeHeaders: ['Cache-Control', 'ETag', 'Location', 'Retry-After', CONNECTION_HEADER],
    maxAge: maxAgeSeconds,
  })
  return ((c, next) => {
    if (header(c, 'origin') !== undefined) return answer(c, next)
    return origins === '*' ? next() : next().then(() => c.header('Vary', 'Origin', { append: true }))
  }) satisfies MiddlewareHandler
}
