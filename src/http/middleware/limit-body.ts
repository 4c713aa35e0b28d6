import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { gatewayError } from '../error-response.ts'
import { header } from '../header.ts'

const WITHOUT_BODY = new Set(['GET', 'HEAD', 'OPTIONS'])

/** 413 for a body over so many bytes. */
export function limitBody(maxBytes: number): MiddlewareHandler {
  const count = bodyLimit({ maxSize: maxBytes, onError: refuse })
  return (c, next) => {
    if (WITHOUT_BODY.has(c.req.method)) return next()
    // Counting makes a whole Request of Node's, for which a body of known length has no use.
    const length = header(c, 'transfer-encoding') === undefined ? header(c, 'content-length') : undefined
    if (length === undefined) return count(c, next)
    return Number(length) > maxBytes ? Promise.resolve(refuse()) : next()
  }

  function refuse(): Response {
    return gatewayError(413, `The body is larger than ${maxBytes} bytes.`)
  }
}
