import { signal } from '@preact/signals'

/** Statuses of proxies whose gateway does not respond. */
const AWAY = new Set([502, 503, 504])
/** Routes that every gateway with an admin key has. */
const ALWAYS = /^admin\/(servers|nodes|sessions|settings|figures)(\?|$)/

/** Options of a request. */
export interface RequestOptions {
  /** default: GET */
  method?: string
  signal?: AbortSignal
}

/** Properties of a `GatewayError`; each is optional. */
type ErrorDetails = Partial<Pick<GatewayError, 'retryAfter' | 'isAway'>>

/** A request that failed. */
export class GatewayError extends Error {
  /** HTTP status of the response; 0 if there was no response */
  readonly status: number
  /** the value of `Retry-After`, seconds */
  readonly retryAfter: number | undefined
  /** whether the gateway did not respond, but a proxy or nothing at all */
  readonly isAway: boolean

  constructor(message: string, status: number, { retryAfter, isAway = false }: ErrorDetails = {}) {
    super(message)
    this.status = status
    this.retryAfter = retryAfter
    this.isAway = isAway
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
      throw new GatewayError('no response', 0, { isAway: true })
    })
    const error = response.ok ? undefined : await errorOf(response)
    this.isAway.value = error?.isAway === true
    if (error === undefined) return response
    if (error.status === 401 || (error.status === 404 && ALWAYS.test(path))) this.#onRejected()
    throw error
  }

  /** Returns the JSON of a response. @throws GatewayError as `send` does */
  async json<T>(path: string, options?: RequestOptions): Promise<T> {
    const response = await this.send(path, options)
    return (await response.json().catch(() => {
      throw new GatewayError('the response is incomplete', 0, { isAway: true })
    })) as T
  }
}

async function errorOf(response: Response): Promise<GatewayError> {
  const { status, headers } = response
  const { error_msg: message } = ((await response.json().catch(() => undefined)) ?? {}) as { error_msg?: unknown }
  const seconds = Number(headers.get('Retry-After') ?? Number.NaN)
  const retryAfter = Number.isNaN(seconds) ? undefined : seconds
  if (typeof message === 'string') return new GatewayError(message, status, { retryAfter })
  return new GatewayError(`HTTP status ${status}`, status, { retryAfter, isAway: AWAY.has(status) })
}
