import { z } from 'zod'
import type { PublicError } from '../errors/public-error.ts'
import { badRequest } from '../input/body.ts'
import { InvalidJsonError, parseJson } from '../input/parse-json.ts'

/** Any JSON value. */
const anything = z.unknown().refine((value) => value !== undefined)
const Message = z.object({ protocol: z.string(), ref_no: anything, request: anything })
type Message = z.output<typeof Message>

/** Parses a message of a client. @throws RequestError `invalid-request` */
export function parseMessage(text: string): Message {
  let value: unknown
  try {
    value = parseJson(text)
  } catch (error) {
    throw badRequest(error instanceof InvalidJsonError ? error.sentence('The message') : 'The message is not JSON.')
  }
  const parsed = Message.safeParse(value)
  if (parsed.success) return parsed.data
  const field = parsed.error.issues[0]?.path[0]
  throw badRequest(field === undefined ? 'The message is not an object.' : `"${String(field)}" is missing or invalid.`)
}

/** Returns the reply that reports an error. @param text the message that caused it */
export function errorReply(text: string, error: PublicError): string {
  return JSON.stringify({ ref_no: refNo(text), ...errorJson(error) })
}

/** The format of errors on a WebSocket. An error of the gateway without a limit has `error` alone, as in httpkom. */
function errorJson({ message, fields, limit, retryAfter }: PublicError) {
  if (fields.error_type === 'httpkom' && limit === undefined) return { error: message }
  return { error: message, ...fields, ...(retryAfter !== undefined && { retry_after: retryAfter }) }
}

/** Returns the reference number of an otherwise invalid message, so that the client can match the error to it. */
function refNo(text: string): unknown {
  try {
    return refNoOf(parseJson(text))
  } catch (error) {
    const ref_no = error instanceof InvalidJsonError ? refNoOf(error.value) : null
    return typeof ref_no === 'string' || typeof ref_no === 'number' ? ref_no : null
  }
}

function refNoOf(message: unknown): unknown {
  return (message as { ref_no?: unknown } | null | undefined)?.ref_no ?? null
}
