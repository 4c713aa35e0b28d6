import { sleep } from './abort.ts'
import { Attempt } from './attempt.ts'
import { batchBody, MAX_BATCH, outsideBatch, parseJson, readParts, resolved } from './batch.ts'
import { errorOf, KomgateError } from './errors.ts'
import { overNetwork } from './network.ts'
import type { Path } from './path.ts'
import { findRequest, newRequest, type RequestOptions, type RequestSpec, remember, type Sent } from './request.ts'
import { type RetryOptions, retryDelay } from './retry.ts'

const CONNECTION_HEADER = 'Httpkom-Connection'
/** The content type of streams of events. */
export const EVENT_STREAM = 'text/event-stream'

/** Options of the requests of a session. */
export interface TransportOptions extends RetryOptions {
  /** address of the gateway with its base path: `https://kom.example.org/httpkom` */
  url: string | URL
  /** id of the LysKOM server */
  server: string
  /** default: the global `fetch` */
  fetch?: typeof fetch
  /** aborts all requests of the session, except for `close` */
  signal?: AbortSignal
  /** whether requests made in one event-loop tick are sent as one batch. Default: false */
  batch?: boolean
  /** time limit of each attempt in milliseconds. Default: 60,000 */
  timeoutMs?: number
}

/** Sends the requests of a session. */
export class Transport {
  connectionId: string | undefined
  readonly options: TransportOptions
  readonly #base: string
  #queue: Attempt[] = []

  constructor(options: TransportOptions) {
    this.options = options
    this.#base = `${String(options.url).replace(/\/+$/, '')}/${encodeURIComponent(options.server)}`
  }

  /** See `Send`. GETs are retried, see `retryDelay`. */
  send<T>(spec: RequestSpec, options: RequestOptions = {}): Promise<T> {
    return this.#start(spec, options, this.options.signal)
  }

  /** Sends a request that the signal of the session does not abort. */
  sendLast<T>(spec: RequestSpec, options: RequestOptions = {}): Promise<T> {
    return this.#start(spec, options, undefined)
  }

  /**
   * Sends requests that have been made in the current event-loop tick as one batch.
   *
   * @throws TypeError if one of them has been sent; then none of the others is
   */
  sendBatch(promises: readonly Promise<unknown>[]): void {
    const requests = new Set(promises.map(findRequest))
    const queued = new Map<Sent | undefined, Attempt>(this.#queue.map((attempt) => [attempt.request, attempt]))
    const attempts = [...requests].flatMap((request) => queued.get(request) ?? [])
    this.#queue = this.#queue.filter(({ request }) => !requests.has(request))
    if (attempts.length < requests.size || attempts.some(({ request }) => request.isAlone)) {
      const error = new TypeError('a batch takes requests that have just been made and may be part of a batch')
      for (const attempt of attempts) attempt.fail(error)
      throw error
    }
    void this.#sendTogether(attempts, false)
  }

  /** Opens a stream of events, once. @param since the position to go on from */
  open({ url }: Path, since: string | undefined, signal: AbortSignal): Promise<Response> {
    // The gateway hides errors from a client that accepts streams alone.
    const accept = `${EVENT_STREAM}, */*`
    return this.#fetch('GET', url, undefined, signal, { Accept: accept, ...(since && { 'Last-Event-ID': since }) })
  }

  #start<T>(spec: RequestSpec, options: RequestOptions, sessionSignal: AbortSignal | undefined): Promise<T> {
    const request = newRequest(spec, options)
    const promise = this.#perform(request, [request.signal, sessionSignal])
    remember(promise, request)
    return promise as Promise<T>
  }

  async #perform(request: Sent, signals: readonly (AbortSignal | undefined)[]): Promise<unknown> {
    for (let retry = 1; ; retry++) {
      try {
        return await this.#attempt(request, signals)
      } catch (error) {
        const delay = retryDelay(request, error, retry, this.options)
        if (delay === undefined) throw error
        await sleep(delay, signals)
      }
    }
  }

  #attempt(request: Sent, signals: readonly (AbortSignal | undefined)[]): Promise<unknown> {
    const attempt = new Attempt(request, signals, this.options.timeoutMs ?? 60_000)
    // `sendBatch` may take the attempt out of the queue before the end of the tick.
    if (this.#queue.push(attempt) === 1) queueMicrotask(() => this.#flush())
    return attempt.value
  }

  #flush(): void {
    const waiting = this.#queue.filter(({ signal }) => !signal.aborted)
    this.#queue = []
    const together = this.options.batch ? waiting.filter(({ request }) => !request.isAlone) : []
    if (together.length < 2) {
      for (const attempt of waiting) void this.#sendAlone(attempt)
      return
    }
    for (const attempt of waiting) if (attempt.request.isAlone) void this.#sendAlone(attempt)
    for (let i = 0; i < together.length; i += MAX_BATCH) void this.#sendTogether(together.slice(i, i + MAX_BATCH), true)
  }

  async #sendAlone(attempt: Attempt): Promise<void> {
    const { method, path, as } = attempt.request
    try {
      const { json, needed } = resolved(attempt.request)
      if (needed.length > 0) throw outsideBatch()
      const response = await this.#fetch(method, path.url, json, attempt.signal)
      if (as === 'blob') return attempt.succeed(await overNetwork(response.blob()))
      const text = await overNetwork(response.text())
      attempt.succeed(text === '' ? undefined : parseJson(text))
    } catch (error) {
      attempt.fail(error)
    }
  }

  /** @param isDivisible whether the requests are sent alone if the gateway rejects the batch */
  async #sendTogether(all: readonly Attempt[], isDivisible: boolean): Promise<void> {
    const attempts = new Map(all.filter(({ signal }) => !signal.aborted).map((each) => [each.request.id, each]))
    const controller = new AbortController()
    for (const [id, { signal }] of attempts) {
      signal.addEventListener('abort', () => {
        attempts.delete(id)
        // The gateway completes the batch while another request of it is awaited.
        if (attempts.size === 0) controller.abort()
      })
    }
    try {
      const body = batchBody(attempts)
      if (attempts.size === 0) return
      const accept = { Accept: 'application/x-ndjson' }
      const response = await this.#fetch('POST', '/batch', body, controller.signal, accept)
      await readParts(response.body as ReadableStream<Uint8Array>, attempts)
    } catch (error) {
      const isDivided = isDivisible && isRejection(error)
      for (const attempt of attempts.values()) {
        if (isDivided && resolved(attempt.request).needed.length === 0) void this.#sendAlone(attempt)
        else attempt.fail(error)
      }
    }
  }

  async #fetch(
    method: string,
    url: string,
    json: unknown,
    signal: AbortSignal,
    headers?: Record<string, string>,
  ): Promise<Response> {
    const init: RequestInit = { method, signal, headers: this.#headers(json, headers) }
    if (json !== undefined) init.body = JSON.stringify(json)
    // The global function must not be called as a method of another object.
    const { fetch: send = globalThis.fetch } = this.options
    const response = await overNetwork(send(this.#base + url, init))
    if (response.ok) return response
    throw errorOf(response.status, response.headers, await overNetwork(response.text()))
  }

  /** @throws TypeError for a value that no header can have */
  #headers(json: unknown, headers?: Record<string, string>): Headers {
    return new Headers({
      ...headers,
      ...(json !== undefined && { 'Content-Type': 'application/json' }),
      ...(this.connectionId !== undefined && { [CONNECTION_HEADER]: this.connectionId }),
    })
  }
}

/** Returns whether the gateway has carried out no request of a batch: one of them is invalid, or the batch is too large. */
function isRejection(error: unknown): boolean {
  return error instanceof KomgateError && [400, 404, 413].includes(error.httpStatus)
}
