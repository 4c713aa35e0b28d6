import { type BuiltRequest, encodedBody, type Secret } from './request.ts'

/** The values of secrets. */
export type Secrets = Readonly<Partial<Record<Secret, string>>>

/** The head of a response. */
export interface AnswerHead {
  status: number
  statusText: string
  headers: readonly (readonly [name: string, value: string])[]
  /** the media type without parameters, in lower case */
  type: string
}

/** A complete response. */
export interface Answer extends AnswerHead {
  /** from the request to the end of the response, milliseconds */
  ms: number
  body: Blob
  /** the body if it is text */
  text: string | undefined
}

/** A response that goes on. */
export interface StreamAnswer extends AnswerHead {
  stream: ReadableStream<Uint8Array>
}

export const EVENT_STREAM = 'text/event-stream'
const TEXT = /^text\/|^application\/(?:json|x-ndjson|xml|javascript|x-www-form-urlencoded)$|\+(?:json|xml)$/

/**
 * Sends a request. Resolves with its response, which is a stream if it consists of events.
 * @param base the base URL of the gateway
 * @throws TypeError if there is no response, or if it breaks off; the reason of the signal
 */
export async function send(
  request: BuiltRequest,
  base: URL,
  secrets: Secrets,
  signal: AbortSignal,
): Promise<Answer | StreamAnswer> {
  const began = performance.now()
  const body = encodedBody(request)
  const response = await fetch(new URL(request.url, base), {
    method: request.method,
    headers: request.headers.map((header): [string, string] => [
      header.name,
      'secret' in header ? header.prefix + (secrets[header.secret] ?? '') : header.value,
    ]),
    ...(body !== undefined && { body }),
    // The request is the same as that of curl.
    cache: 'no-store',
    credentials: 'omit',
    signal,
  })
  const type = (response.headers.get('Content-Type') ?? '').replace(/\s*;.*$/s, '').toLowerCase()
  const { status, statusText } = response
  const head: AnswerHead = { status, statusText, headers: [...response.headers], type }
  if (type === EVENT_STREAM && response.body !== null) return { ...head, stream: response.body }
  const blob = await response.blob()
  const ms = performance.now() - began
  return { ...head, ms, body: blob, text: TEXT.test(type) ? await blob.text() : undefined }
}

/** Returns the sentence of an error response of the gateway, undefined if it has none. */
export function errorMessageOf({ status, type, text }: Answer): string | undefined {
  if (status < 400 || type !== 'application/json' || text === undefined) return undefined
  try {
    const { error_msg, error_type } = JSON.parse(text) as { error_msg?: unknown; error_type?: unknown }
    return typeof error_msg === 'string' && error_type === 'httpkom' ? error_msg : undefined
  } catch {
    return undefined
  }
}
