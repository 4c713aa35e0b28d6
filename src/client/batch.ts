import type { Attempt } from './attempt.ts'
import { errorOf, RequestError, UnavailableError } from './errors.ts'
import { overNetwork, textOf } from './network.ts'
import { bodyWithReferences } from './reference.ts'
import type { Sent } from './request.ts'

/** The most requests of a batch. */
export const MAX_BATCH = 100

/** A response in a batch. */
interface Part {
  id: string
  status: number
  headers?: Record<string, string>
  body?: unknown
}

/**
 * Returns the body of `POST /S/batch`. Attempts that depend on a request outside the batch fail.
 *
 * @param attempts those that fail are removed
 */
export function batchBody(attempts: Map<string, Attempt>): { requests: object[] } {
  const ids = new Set(attempts.keys())
  const requests = [...attempts].flatMap(([id, attempt]) => {
    const { method, path, after } = attempt.request
    const { json, needed } = resolved(attempt.request)
    if (!needed.every((each) => ids.has(each))) {
      attempts.delete(id)
      attempt.fail(outsideBatch())
      return []
    }
    return [
      {
        id,
        method,
        url: path.url,
        ...(json !== undefined && { body: json }),
        ...(after.length > 0 && { depends_on: after }),
      },
    ]
  })
  return { requests }
}

/** Returns the JSON of the body of a request, and the ids of the requests that it depends on. */
export function resolved({ path, body, after }: Sent): { json: unknown; needed: string[] } {
  const needed = new Set([...path.references, ...after])
  return { json: bodyWithReferences(body, needed), needed: [...needed] }
}

/** The error of a request that is not in one batch with a request that it depends on. */
export function outsideBatch(): TypeError {
  return new TypeError('a request must be in the same batch as the requests that it refers to')
}

/**
 * Ends each attempt as soon as its response has arrived.
 *
 * @param body lines of JSON
 * @param attempts by id; attempts that have ended are removed
 * @throws UnavailableError if the responses end before all attempts have one
 * @throws RequestError for a line that is not JSON
 */
export async function readParts(body: ReadableStream<Uint8Array>, attempts: Map<string, Attempt>): Promise<void> {
  for await (const line of lines(body)) {
    const part = parseJson(line) as Part
    const attempt = attempts.get(part.id)
    attempts.delete(part.id)
    if (attempt === undefined) continue
    if (part.status < 400) attempt.succeed(part.body)
    else attempt.fail(errorOf(part.status, new Headers(part.headers), part.body))
  }
  if (attempts.size > 0) throw new UnavailableError('the response to a batch has ended early', { httpStatus: 0 })
}

/** @throws RequestError for text that is not JSON, such as the page of a proxy */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new RequestError('the response is not JSON', { httpStatus: 200, cause })
  }
}

async function* lines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = ''
  for await (const piece of textOf(body, overNetwork)) {
    const complete = (rest + piece).split('\n')
    rest = complete.pop() as string
    for (const line of complete) if (line.trim() !== '') yield line
  }
  if (rest.trim() !== '') yield rest
}
