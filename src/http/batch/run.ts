import { LimitError } from '../../sessions/limit-error.ts'
import type { Env, RequestBatch } from '../env.ts'
import { RequestError } from '../errors/request-error.ts'
import { badRequest } from '../input/body.ts'
import { innerRequest } from '../node/inner-request.ts'
import { type ErrorObservers, reportedError } from '../output/error-response.ts'
import { runGraph } from './graph.ts'
import { type HeldResponses, MAX_HELD_BYTES } from './held-responses.ts'
import { Steps, select } from './pointer.ts'
import { fillBody, type Reference } from './references.ts'
import type { Batch, BatchRequest } from './requests.ts'
import { errorResponse, readResponse, type SubResponse } from './sub-response.ts'
import { fillUrl } from './url.ts'

/** The steps that the references of one batch may take: some milliseconds of work. */
const MAX_STEPS = 1_000_000
const MAX_QUOTED = 100
const WEBSOCKET = /^\/websocket\/?(?:\?|$)/
/** The longest request id that still fits into a valid one together with a number. */
const MAX_ID_PREFIX = 120

/** The environment of a batch. */
export interface RunContext {
  /** handles a request */
  fetch: (request: Request, bindings: NonNullable<Env['Bindings']>) => Response | Promise<Response>
  /** the URL that the urls of the batch are appended to: base path and server */
  root: string
  /** what the requests inherit from the batch */
  bindings: { batch: RequestBatch }
  /** the id of the batch in the log; its requests get `<id>.1`, `<id>.2`, … */
  requestId: string
  /** the size limit of the values that references insert into the bodies of a batch, in characters of JSON */
  maxBodySize: number
  /** aborted when the client disconnects: no further requests are sent then */
  signal: AbortSignal
  held: HeldResponses
  observers: ErrorObservers
}

/**
 * Sends the requests of a batch to the application, each as soon as those that it depends on have responses.
 *
 * @returns the responses by id; undefined for requests that were not sent because the client has disconnected
 */
export function runBatch(
  { inOrder, referredTo }: Batch,
  context: RunContext,
): Map<string, Promise<SubResponse | undefined>> {
  const run = new BatchRun(context, referredTo)
  return runGraph(
    inOrder,
    (request, before) => run.respond(request, before),
    () => context.signal.aborted,
  )
}

type Responses = ReadonlyMap<string, SubResponse>

/** Sends the requests of one batch. */
class BatchRun {
  readonly #context: RunContext
  readonly #referredTo: ReadonlySet<string>
  readonly #steps = new Steps(MAX_STEPS)
  /** Values of references by their text, with the length of their JSON. */
  readonly #values = new Map<string, { value: unknown; size: number }>()
  readonly #bodies = new Map<string, unknown>()
  #bodySizeLeft: number

  constructor(context: RunContext, referredTo: ReadonlySet<string>) {
    this.#context = context
    this.#referredTo = referredTo
    this.#bodySizeLeft = context.maxBodySize
  }

  /** Returns the response to a request. Never rejects. */
  async respond(request: BatchRequest, before: Responses): Promise<SubResponse> {
    const { held } = this.#context
    const { id } = request
    let response: SubResponse
    try {
      const sent = await this.#context.fetch(this.#requestOf(request, before), this.#context.bindings)
      response = await readResponse(id, sent, this.#referredTo.has(id))
      if (held.add(response.entry.length)) return response
      throw new RequestError('batch-size', `The responses of the batch are larger than ${MAX_HELD_BYTES} bytes.`)
    } catch (error) {
      response = this.#errorResponse(request, error)
    }
    // An error is short, so it is sent even if it does not fit.
    held.add(response.entry.length)
    return response
  }

  #errorResponse(request: BatchRequest, error: unknown): SubResponse {
    const { observers } = this.#context
    const { status, fields } = reportedError(error, this.#requestId(request), observers)
    return errorResponse(request.id, status, fields)
  }

  #requestId({ index }: BatchRequest): string {
    return `${this.#context.requestId.slice(0, MAX_ID_PREFIX)}.${index + 1}`
  }

  /** @throws RequestError `failed-dependency` if a request that this one depends on has failed, or for a reference */
  #requestOf(request: BatchRequest, before: Responses): Request {
    const { method, headers } = request
    for (const [id, { status }] of before) {
      if (status >= 400) throw failedDependency(`The request "${id}", which this one depends on, has failed.`)
    }
    const url = fillUrl(request.url, (reference) => this.#valueOf(reference, before).value)
    if (url === undefined) {
      throw failedDependency('A value that "url" refers to holds other characters than letters, digits, -, _, . and ~.')
    }
    // The WebSocket belongs to no server, so that no route matches.
    if (WEBSOCKET.test(url)) throw notInBatch()
    const body = this.#bodyOf(request, before)
    return innerRequest({
      method,
      url: this.#context.root + url,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
        'x-request-id': this.#requestId(request),
      },
      body,
      signal: this.#context.signal,
    })
  }

  #bodyOf({ body, bodyReferences }: BatchRequest, before: Responses): string | undefined {
    if (body === undefined) return undefined
    if (bodyReferences.size === 0) return JSON.stringify(body)
    const filled = fillBody(body, bodyReferences, (reference) => {
      const { value, size } = this.#valueOf(reference, before)
      // A body may refer to one large value many times.
      this.#bodySizeLeft -= size
      if (this.#bodySizeLeft < 0) {
        const max = this.#context.maxBodySize
        throw new LimitError('body-size', `The values that the bodies of the batch refer to exceed ${max} bytes.`)
      }
      return value
    })
    return JSON.stringify(filled)
  }

  #valueOf({ text, id, pointer }: Reference, before: Responses): { value: unknown; size: number } {
    const known = this.#values.get(text)
    if (known !== undefined) return known
    const value = select(this.#bodyValue(id, before), pointer, this.#steps)
    if (this.#steps.isExhausted) throw failedDependency('The references of the batch select too many values.')
    if (value === undefined) throw failedDependency(`"${text.slice(0, MAX_QUOTED)}" refers to nothing.`)
    const found = { value, size: JSON.stringify(value).length }
    this.#values.set(text, found)
    return found
  }

  #bodyValue(id: string, before: Responses): unknown {
    if (!this.#bodies.has(id)) this.#bodies.set(id, JSON.parse(before.get(id)?.body ?? 'null'))
    return this.#bodies.get(id)
  }
}

/** Creates the error for a request that a batch may not hold (400). */
export function notInBatch(): RequestError {
  return badRequest('A batch may not hold this request.')
}

function failedDependency(message: string): RequestError {
  return new RequestError('failed-dependency', message)
}
