import type { Context } from 'hono'
import { RequestError } from '../errors/request-error.ts'

const IDENTITY = /^(?:identity|[\s,])*$/i
const CHUNKED = /^\s*chunked\s*$/i

/** RFC 9110, 15.5.16 */
const ACCEPTED = { 'Accept-Encoding': 'identity' }

/**
 * Checks that the body of a request has no coding.
 * @throws RequestError `content-coding` (415), or `transfer-coding` (501) for another transfer coding than `chunked`
 */
export function rejectCodings(c: Context): void {
  const content = c.req.header('content-encoding')
  if (content !== undefined && !IDENTITY.test(content)) {
    throw new RequestError('content-coding', 'Content-Encoding must be identity.', ACCEPTED)
  }
  const transfer = c.req.header('transfer-encoding')
  if (transfer !== undefined && !CHUNKED.test(transfer)) {
    throw new RequestError('transfer-coding', 'Transfer-Encoding must be chunked.')
  }
}
