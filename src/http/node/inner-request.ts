/**
 * Node's `Request`, and a `Response` that is read, are made of web streams, abort signals and header lists: with them, a
 * batch of 40 text statuses takes 14 ms of processor time, and 10 ms with these.
 */

/** The options of `innerRequest`. */
export interface InnerRequestOptions {
  method: string
  /** an absolute URL */
  url: string
  /** by lower-case name */
  headers: Readonly<Record<string, string>>
  /** undefined for none */
  body: string | undefined
  signal: AbortSignal
}

/** The part of `Headers` that Hono and the gateway read. */
class InnerHeaders {
  readonly #values: Readonly<Record<string, string>>

  constructor(values: Readonly<Record<string, string>>) {
    this.#values = values
  }

  get(name: string): string | null {
    const key = name.toLowerCase()
    return Object.hasOwn(this.#values, key) ? (this.#values[key] as string) : null
  }

  has(name: string): boolean {
    return this.get(name) !== null
  }

  forEach(visit: (value: string, name: string) => void): void {
    for (const [name, value] of Object.entries(this.#values)) visit(value, name)
  }
}

/** The part of `Request` that Hono and the gateway read. */
class InnerRequest {
  readonly method: string
  readonly url: string
  readonly headers: InnerHeaders
  readonly signal: AbortSignal
  readonly #bytes: Buffer | undefined

  constructor({ method, url, headers, body, signal }: InnerRequestOptions) {
    this.method = method
    this.url = url
    this.signal = signal
    this.#bytes = body === undefined ? undefined : Buffer.from(body)
    this.headers = new InnerHeaders(
      this.#bytes === undefined ? headers : { ...headers, 'content-length': String(this.#bytes.length) },
    )
  }

  /** Middleware asks only whether there is a body: its length is known. */
  get body(): Buffer | null {
    return this.#bytes ?? null
  }

  async arrayBuffer(): Promise<Uint8Array> {
    return this.#bytes ?? Buffer.alloc(0)
  }

  async text(): Promise<string> {
    return this.#bytes?.toString() ?? ''
  }
}

/** Creates a request that the gateway sends to its own application. */
export function innerRequest(options: InnerRequestOptions): Request {
  return new InnerRequest(options) as unknown as Request
}

/** A response that is not converted to a stream. */
export interface PlainResponse {
  status: number
  headers: Headers | Readonly<Record<string, string>>
  body: string | Uint8Array | null
}

/** The property in which node-server's `Response` keeps what it was made of; undefined until one is found. */
let cacheKey: symbol | undefined

/** Returns what a response was made of; undefined if it has a stream, or is not node-server's. */
export function plainResponse(response: Response): PlainResponse | undefined {
  cacheKey ??= Object.getOwnPropertySymbols(response).find(({ description }) => description === 'cache')
  const cache: unknown = cacheKey === undefined ? undefined : (response as unknown as Record<symbol, unknown>)[cacheKey]
  if (!Array.isArray(cache)) return undefined
  const [status, body, headers] = cache as [number, unknown, PlainResponse['headers'] | undefined]
  if (typeof body !== 'string' && !(body instanceof Uint8Array) && body !== null) return undefined
  return { status, headers: headers ?? {}, body }
}
