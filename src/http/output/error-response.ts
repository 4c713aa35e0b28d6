import type { Context } from 'hono'
import type { LimitName } from '../../sessions/limit-error.ts'
import type { Env, MatchedRoute } from '../env.ts'
import { type PublicError, publicError } from '../errors/public-error.ts'
import { RequestError } from '../errors/request-error.ts'
import type { NamedErrors } from '../errors/status.ts'
import { json } from '../node/responses.ts'

/** The observers of errors. */
export interface ErrorObservers {
  /** called for each request or message that a limit rejects */
  onLimit: (limit: LimitName) => void
  /** called for each error that is the gateway's own fault; the client gets no details */
  onInternalError: (error: unknown, requestId: string) => void
}

/** Reports an error and returns the response to the request that failed, in the format of the matched route. */
export function errorResponse(error: unknown, c: Context<Env>, observers: ErrorObservers): Response {
  const cause = hasDisconnected(c) ? new RequestError('incomplete-request', 'The request is incomplete.') : error
  const route = c.get('route') as MatchedRoute | undefined
  const shown = reportedError(cause, c.get('requestId'), observers, route?.errors)
  const replacement = route?.replaceError?.(shown, c)
  if (replacement !== undefined) return replacement
  const format = route?.errorFormat
  const hasFormat = format?.codes?.includes(shown.code) ?? shown.status !== 500
  return format !== undefined && hasFormat ? format.render(shown) : json(shown.fields, shown.status, shown.headers)
}

/** Reports an error and returns the part of it that the client receives. */
export function reportedError(
  error: unknown,
  requestId: string,
  { onLimit, onInternalError }: ErrorObservers,
  named?: NamedErrors,
): PublicError {
  const shown = publicError(error, named)
  if (shown.limit !== undefined) onLimit(shown.limit)
  if (shown.status === 500) onInternalError(error, requestId)
  return shown
}

/** Returns whether the client disconnected in the middle of its request: the error is not the gateway's fault then. */
function hasDisconnected(c: Context): boolean {
  const incoming = c.env?.incoming as { complete: boolean; destroyed: boolean } | undefined
  return incoming?.destroyed === true && !incoming.complete
}
