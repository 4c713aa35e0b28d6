import { plainResponse } from '../node/inner-request.ts'

/** The headers of a response that a batch passes on. */
const PASSED_ON = new Map(['Content-Type', 'ETag', 'Location', 'Retry-After'].map((name) => [name.toLowerCase(), name]))
const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\b/
const TEXT_TYPE = /^text\//

/** The response to a request of a batch. */
export interface SubResponse {
  readonly status: number
  /** the JSON of its entry in the response of the batch */
  readonly entry: string
  /** the JSON of its body, if another request refers to it */
  readonly body: string | undefined
}

/**
 * Reads the response to a request of a batch. Rejects if its body cannot be read to the end.
 * @param isReferredTo whether another request refers to the body
 */
export async function readResponse(id: string, response: Response, isReferredTo: boolean): Promise<SubResponse> {
  const plain = plainResponse(response)
  const headers = passedOn(plain?.headers ?? response.headers)
  const isJson = JSON_TYPE.test(headers['Content-Type'] ?? '')
  const content = plain?.body ?? (isJson ? await response.text() : Buffer.from(await response.arrayBuffer()))
  const body = bodyJson(content, isJson, headers['Content-Type'] ?? '')
  return subResponse({ id, status: response.status, headers, body, isReferredTo })
}

function passedOn(headers: Headers | Readonly<Record<string, string>>): Record<string, string> {
  const passed: Record<string, string> = {}
  for (const [name, value] of headers instanceof Headers ? headers : Object.entries(headers)) {
    const known = PASSED_ON.get(name.toLowerCase())
    if (known !== undefined) passed[known] = value
  }
  return passed
}

/** Creates the response to a request of a batch that was not sent to the application. */
export function errorResponse(id: string, status: number, fields: object): SubResponse {
  const headers = { 'Content-Type': 'application/json' }
  return subResponse({ id, status, headers, body: JSON.stringify(fields), isReferredTo: false })
}

interface Parts {
  id: string
  status: number
  headers: Readonly<Record<string, string>>
  /** JSON */
  body: string
  isReferredTo: boolean
}

function subResponse({ id, status, headers, body, isReferredTo }: Parts): SubResponse {
  const head = `{"id":${JSON.stringify(id)},"status":${status},"headers":${JSON.stringify(headers)}`
  return { status, entry: `${head},"body":${body}}`, body: isReferredTo ? body : undefined }
}

/** Returns a body as JSON: JSON as it is, other text as a string, anything else as `{base64}`, and null for none. */
function bodyJson(content: string | Uint8Array, isJson: boolean, type: string): string {
  if (content.length === 0) return TEXT_TYPE.test(type) ? '""' : 'null'
  if (isJson) return typeof content === 'string' ? content : Buffer.from(content).toString()
  if (typeof content === 'string') return JSON.stringify(content)
  const text = TEXT_TYPE.test(type) ? decoded(content) : undefined
  return JSON.stringify(text ?? { base64: Buffer.from(content).toString('base64') })
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
