import type { Context, MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { LimitError } from '../../sessions/limit-error.ts'

const WITHOUT_BODY = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Returns middleware that rejects bodies of more than `maxBytes` bytes with the `LimitError` `body-size` (413). */
export function limitBody(maxBytes: number): MiddlewareHandler {
  const countBytes = bodyLimit({ maxSize: maxBytes, onError: reject })
  return (c, next) => {
    if (WITHOUT_BODY.has(c.req.method)) return next()
    // Counting the bytes converts Node's request to a `Request`; a body of known length does not need that.
    const length = c.req.header('transfer-encoding') === undefined ? c.req.header('content-length') : undefined
    if (length === undefined) return hasNoBody(c) ? next() : countBytes(c, next)
    return Number(length) > maxBytes ? reject() : next()
  }

  function reject(): never {
    throw new LimitError('body-size', `The body is larger than ${maxBytes} bytes.`)
  }
}

/** RFC 9112, chapter 6.3: a request with neither header has no body. A `Request` not read by Node may have one. */
function hasNoBody(c: Context): boolean {
  return c.env?.incoming !== undefined && c.req.header('transfer-encoding') === undefined
}
