/** A client like those for httpkom: it stores the connection id and sends it with each request. */
export class HttpkomClient {
  readonly #baseUrl: string
  readonly #serverId: string
  #connectionId: string | undefined

  constructor(baseUrl: string, serverId: string) {
    this.#baseUrl = baseUrl
    this.#serverId = serverId
  }

  /** The connection id; undefined before a session is opened. */
  get connectionId(): string | undefined {
    return this.#connectionId
  }

  /** Sends a request. Resolves with the status and the body, which is null if it is empty or has only the status. */
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
