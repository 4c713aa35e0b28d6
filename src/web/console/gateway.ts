import { signal } from '@preact/signals'

/** Statuses of proxies whose gateway does not respond. */
const AWAY = new Set([502, 503, 504])

/** Options of a request. */
export interface RequestOptions {
  /** default: GET */
  method?: string
  signal?: AbortSignal
}

/** A request that failed. */
export class GatewayError extends Error {
  /** HTTP status of the response; 0 if there was no response */
  readonly status: number
  /** the value of `Retry-After`, seconds */
  readonly retryAfter: number | undefined

  constructor(message: string, status: number, retryAfter?: number) {
    super(message)
    this.status = status
    this.retryAfter = retryAfter
  }
}

/** The gateway, as the operator with the admin key uses it. */
export class Gateway {
  /** the base URL, which ends with a slash; this page is below it in app/ */
  readonly url = new URL('..', document.baseURI)
  readonly key: string
  /** whether the gateway did not respond to the last request with the key */
  readonly isAway = signal(false)
  readonly #onRejected: () => void

  /** @param onRejected called when the gateway does not accept the key any more */
  constructor(key: string, onRejected: () => void) {
    this.key = key
    this.#onRejected = onRejected
  }

  /**
   * Makes a request with the admin key.
   * @param path below the base URL, without a slash at its beginning
   * @throws GatewayError for an error response, and if there is no response
   */
  async send(path: string, { method = 'GET', signal: abort }: RequestOptions = {}): Promise<Response> {
    const response = await fetch(new URL(path, this.url), {
      method,
      headers: { Authorization: `Bearer ${this.key}` },
      // A redirect or a kept response would not be the gateway's own.
      cache: 'no-store',
      credentials: 'omit',
      ...(abort && { signal: abort }),
    }).catch((error: unknown) => {
      if (abort?.aborted) throw error
      this.isAway.value = true
      throw new GatewayError('no response', 0)
    })
    this.isAway.value = AWAY.has(response.status)
    if (response.ok) return response
    if (response.status === 401) this.#onRejected()
    throw await errorOf(response)
  }

  /** Returns the JSON of a response. @throws GatewayError as `send` does */
  async json<T>(path: string, options?: RequestOptions): Promise<T> {
    const response = await this.send(path, options)
    return (await response.json().catch(() => {
      throw new GatewayError('the response is incomplete', 0)
    })) as T
  }
}

async function errorOf(response: Response): Promise<GatewayError> {
  const body: { error_msg?: unknown } = await response.json().catch(() => ({}))
  const retryAfter = Number(response.headers.get('Retry-After') ?? Number.NaN)
  return new GatewayError(
    typeof body?.error_msg === 'string' ? body.error_msg : `HTTP status ${response.status}`,
    response.status,
    Number.isNaN(retryAfter) ? undefined : retryAfter,
  )
}
