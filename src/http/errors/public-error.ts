import type { z } from 'zod'
import { KomError } from '../../protocol/errors.ts'
import { type ErrorCode, KomgateError } from '../../protocol/komgate-error.ts'
import { LimitError, type LimitName } from '../../sessions/limit-error.ts'
import { RequestError } from './request-error.ts'
import { type ErrorStatus, komStatus, LIMIT_OF, type NamedErrors, STATUS } from './status.ts'

/** `Retry-After` of a 503 whose error does not know the time, in seconds. */
const RETRY_AFTER_SECONDS = 5

/** The part of an error that the client receives. */
export interface PublicError {
  code: ErrorCode
  status: ErrorStatus
  /** `Retry-After`, and fields of the error itself */
  headers: Readonly<Record<string, string>>
  /** for persons who read it; without addresses, paths and other details that only the log holds */
  message: string
  /** the limit that caused the error */
  limit: LimitName | undefined
  /** the value of `Retry-After` in seconds */
  retryAfter: number | undefined
  /** the JSON body of the response */
  fields: ErrorFields
}

/** How an API other than the gateway's own renders errors. */
export interface ErrorFormat {
  render: (error: PublicError) => Response
  /** the errors with this format; default: all but internal errors, which have the same format in every API */
  codes?: readonly ErrorCode[]
  /** the body */
  schema: z.ZodType
  /** the content type of a body that is not JSON */
  type?: string
}

type ErrorFields =
  | { error_type: 'httpkom'; error_msg: string; limit?: LimitName }
  | { error_type: 'protocol-a'; error_code: number; error_status: string; error_msg: string }

/**
 * Returns the part of an error that the client receives. An error that is not a `KomgateError` is an internal one.
 * @param named the statuses of LysKOM errors that the route overrides
 */
export function publicError(error: unknown, named?: NamedErrors): PublicError {
  if (error instanceof KomError) return publicKomError(error, komStatus(error, named))
  const code = error instanceof KomgateError ? error.code : 'internal-error'
  const status = STATUS[code]
  // The log has the details of an internal error.
  const message = error instanceof KomgateError && status !== 500 ? error.clientMessage : 'Internal error.'
  const limit = error instanceof LimitError ? error.code : LIMIT_OF[code]
  const retryAfter = retryAfterSeconds(error, status)
  return {
    code,
    status,
    headers: {
      ...(error instanceof RequestError && error.headers),
      ...(retryAfter !== undefined && { 'Retry-After': String(retryAfter) }),
    },
    message,
    limit,
    retryAfter,
    fields: { error_type: 'httpkom', error_msg: message, ...(limit !== undefined && { limit }) },
  }
}

function publicKomError(
  { code, message, errorCode, errorStatus, errorName }: KomError,
  status: ErrorStatus,
): PublicError {
  const fields = {
    error_type: 'protocol-a',
    error_code: errorCode,
    error_status: String(errorStatus),
    error_msg: camelCase(errorName),
  } as const
  return { code, status, headers: {}, message, limit: undefined, retryAfter: undefined, fields }
}

function retryAfterSeconds(error: unknown, status: ErrorStatus): number | undefined {
  if (error instanceof KomgateError && error.retryAfterMs !== undefined) {
    return Math.max(1, Math.ceil(error.retryAfterMs / 1000))
  }
  return status === 503 ? RETRY_AFTER_SECONDS : undefined
}

/** Converts a LysKOM error name: `no-such-text` -> `NoSuchText`. */
function camelCase(name: string): string {
  return name.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())
}
