/** A client like those written for httpkom: it stores the connection id and sends it with each request. */
export class HttpkomClient {
  readonly #baseUrl: string
  readonly #serverId: string
  #connectionId: string | undefined

  constructor(baseUrl: string, serverId: string) {
    this.#baseUrl = baseUrl
    this.#serverId = serverId
  }

  get connectionId(): string | undefined {
    return this.#connectionId
  }

  /** Resolves with status and body; `null` for an empty body or an error body with only the status. */
  async send(method: string, path: string, body?: unknown): Promise<{ status: number; answer: unknown }> {
    const response = await fetch(`${this.#baseUrl}/${this.#serverId}${path}`, {
      method,
      headers: {
        ...(body != null && { 'Content-Type': 'application/json' }),
        ...(this.#connectionId !== undefined && { 'Httpkom-Connection': this.#connectionId }),
      },
      ...(body != null && { body: JSON.stringify(body) }),
    })
    this.#connectionId = response.headers.get('Httpkom-Connection') ?? this.#connectionId
    const text = await response.text()
    return { status: response.status, answer: text === '' ? null : JSON.parse(text) }
  }
}
