import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { ConnectionError } from '../connection/errors.ts'
import { NameError } from '../lyskom/names.ts'
import { KomError, ProtocolError } from '../protocol/errors.ts'
import { ServerDownError } from '../sessions/circuit-breaker.ts'
import { LimitError, type LimitName } from '../sessions/limit-error.ts'
import { RegistryError } from '../sessions/registry.ts'
import { StoreError } from '../store/errors.ts'
import { ContentCodingError } from './content-coding.ts'
import type { AppOptions, Env } from './context.ts'
import { errorText } from './error-text.ts'
import { json } from './node/responses.ts'
import {
  CONNECTION_LIMIT,
  CONNECTION_STATUS,
  komStatus,
  LIMIT_STATUS,
  NAME_STATUS,
  PROTOCOL_STATUS,
  REGISTRY_STATUS,
  SERVER_DOWN_STATUS,
  STORE_STATUS,
} from './status.ts'

/** `Retry-After` of a 503, in seconds. */
const RETRY_AFTER_SECONDS = 5

/** Returns the response for an error of the gateway itself: `{error_type: "httpkom", error_msg}`. */
export function gatewayError(status: number, message: string, headers?: Readonly<Record<string, string>>): Response {
  return json({ error_type: 'httpkom', error_msg: message }, status, headers)
}

/** Returns the response for a request that reached a limit: `{error_type: "httpkom", error_msg, limit}`. */
export function limitResponse(limit: LimitName, message: string, headers?: Readonly<Record<string, string>>): Response {
  return json({ error_type: 'httpkom', error_msg: message, limit }, LIMIT_STATUS[limit], headers)
}

/** Returns the limit that caused an error, undefined if none did. */
export function limitOf(error: unknown): LimitName | undefined {
  if (error instanceof LimitError) return error.limit
  if (error instanceof ConnectionError) return CONNECTION_LIMIT[error.code]
  return error instanceof ProtocolError && error.bound !== undefined ? 'reply-size' : undefined
}

/**
 * Returns the response for a request that failed.
 * @param report called with errors that are the gateway's own fault, which are answered with 500
 */
export function errorResponse(error: Error, c: Context<Env>, report: AppOptions['onInternalError']): Response {
  if (error instanceof KomError) return komError(c, error)
  if (hasDisconnected(c)) return gatewayError(400, 'The request did not come whole.')
  if (error instanceof HTTPException && error.res !== undefined) return error.res
  const { status, message, headers } = toldOf(error)
  if (status === 500) report(error, c.get('requestId'))
  const limit = limitOf(error)
  return limit === undefined ? gatewayError(status, message, headers) : limitResponse(limit, message, headers)
}

/** Returns status, text and headers of an error for clients. The text of a 500 holds no details: the log has them. */
export function toldOf(error: Error): { status: number; message: string; headers?: Readonly<Record<string, string>> } {
  const status = gatewayStatus(error)
  const message = status === 500 ? 'Internal error.' : errorText(error)
  if (error instanceof ContentCodingError) return { status, message, headers: error.headers }
  const seconds = retryAfterSeconds(error, status)
  return { status, message, ...(seconds !== undefined && { headers: { 'Retry-After': String(seconds) } }) }
}

function retryAfterSeconds(error: Error, status: number): number | undefined {
  if (error instanceof ServerDownError || error instanceof LimitError)
    return Math.max(1, Math.ceil(error.retryAfterMs / 1000))
  return status === 503 ? RETRY_AFTER_SECONDS : undefined
}

function komError(c: Context<Env>, error: KomError): Response {
  return json(komErrorJson(error), c.get('namedErrors')?.[error.errorName] ?? komStatus(error))
}

/** Returns an error of the LysKOM server as public JSON: `{error_type: "protocol-a", …}`. */
export function komErrorJson({ errorCode, errorStatus, errorName }: KomError) {
  return {
    error_type: 'protocol-a',
    error_code: errorCode,
    error_status: String(errorStatus),
    error_msg: camelCase(errorName),
  }
}

/** Returns whether the client disconnected in the middle of its request: the error is not the gateway's fault then. */
function hasDisconnected(c: Context): boolean {
  const incoming = c.env?.incoming as { complete: boolean; destroyed: boolean } | undefined
  return incoming?.destroyed === true && !incoming.complete
}

function gatewayStatus(error: Error): ContentfulStatusCode {
  if (error instanceof HTTPException) return error.status as ContentfulStatusCode
  if (error instanceof ConnectionError) return CONNECTION_STATUS[error.code]
  if (error instanceof ProtocolError) return PROTOCOL_STATUS[error.code]
  if (error instanceof ServerDownError) return SERVER_DOWN_STATUS
  if (error instanceof LimitError) return LIMIT_STATUS[error.limit]
  if (error instanceof RegistryError) return REGISTRY_STATUS[error.code]
  if (error instanceof StoreError) return STORE_STATUS[error.code]
  if (error instanceof NameError) return NAME_STATUS[error.code]
  return 500
}

/** Converts a LysKOM error name: `no-such-text` -> `NoSuchText`. */
function camelCase(name: string): string {
  return name.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())
}
