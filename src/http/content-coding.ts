import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { header } from './header.ts'

const IDENTITY = /^(?:identity|[\s,])*$/i
const CHUNKED = /^\s*chunked\s*$/i

/** The body of a request has a content coding, which the gateway does not decode. */
export class ContentCodingError extends HTTPException {
  /** RFC 9110, 15.5.16 */
  readonly headers = { 'Accept-Encoding': 'identity' }

  constructor() {
    super(415, { message: 'The body must have no content coding.' })
  }
}

/**
 * Checks that the body of a request has no coding.
 * @throws ContentCodingError (415) for a content coding; HTTPException 501 for a transfer coding other than `chunked`
 */
export function refuseCodings(c: Context): void {
  const content = header(c, 'content-encoding')
  if (content !== undefined && !IDENTITY.test(content)) throw new ContentCodingError()
  const transfer = header(c, 'transfer-encoding')
  if (transfer !== undefined && !CHUNKED.test(transfer)) {
    throw new HTTPException(501, { message: 'The body must have no transfer coding but "chunked".' })
  }
}
