/** A client as those written for httpkom are: it keeps what the server hands it and sends it along. */
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

  /** Resolves with the status and the body, `null` when it is empty or an error that says only its status. */
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
