/** An event as a client receives it. `id` is the last event id after it. */
export interface ReceivedEvent {
  id: string
  type: string
  // biome-ignore lint/suspicious/noExplicitAny: the expectations of a test check the type
  data: any
}

/** Options of `EventClient.open`. */
export interface EventClientOptions {
  /** the connection id, sent as header */
  id?: string | undefined
  headers?: Record<string, string>
}

/** Reads server-sent events, as chapter 9.2 of the HTML standard describes. */
export class EventClient {
  readonly response: Response
  /** the events received so far */
  readonly events: ReceivedEvent[] = []
  /** comment lines received so far */
  comments = 0
  /** the position to resume from */
  lastEventId = ''
  retryMs: number | undefined
  /** resolves when the stream has ended or broken */
  readonly ended: Promise<void>
  readonly #abort: AbortController
  #onEvent: () => void = () => undefined

  private constructor(response: Response, abort: AbortController) {
    this.response = response
    this.#abort = abort
    // Rarely, fetch of Node 20 leaves the body of an aborted response pending.
    const aborted = new Promise<void>((resolve) => abort.signal.addEventListener('abort', () => resolve()))
    this.ended = Promise.race([this.#read().catch(() => undefined), aborted])
  }

  /** Opens a stream. Resolves when the headers of the response have arrived. */
  static async open(url: string, { id, headers }: EventClientOptions = {}): Promise<EventClient> {
    const abort = new AbortController()
    const response = await fetch(url, {
      headers: { ...(id !== undefined && { 'httpkom-connection': id }), ...headers },
      signal: abort.signal,
    })
    return new EventClient(response, abort)
  }

  /** Resolves with the first `count` events when they have arrived. Rejects if the stream ends before. */
  async first(count: number): Promise<ReceivedEvent[]> {
    let hasEnded = false
    void this.ended.then(() => {
      hasEnded = true
      this.#onEvent()
    })
    while (this.events.length < count) {
      if (hasEnded) throw new Error(`the stream ended after ${JSON.stringify(this.events)}`)
      await new Promise<void>((resolve) => {
        this.#onEvent = resolve
      })
    }
    return this.events.slice(0, count)
  }

  /** Calls a function after each event. */
  onEvent(listener: () => void): void {
    this.#onEvent = listener
  }

  /** Disconnects, and resolves when the stream has ended. */
  async close(): Promise<void> {
    this.#abort.abort()
    await this.ended
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder()
    let text = ''
    for await (const chunk of this.response.body ?? []) {
      text += decoder.decode(chunk, { stream: true })
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) this.#handle(block)
    }
  }

  #handle(block: string): void {
    let type = 'message'
    let data: string | undefined
    for (const line of block.split('\n')) {
      const [, field, value = ''] = /^([^:]*): ?(.*)$/.exec(line) ?? []
      if (field === '') this.comments++
      else if (field === 'id') this.lastEventId = value
      else if (field === 'event') type = value
      else if (field === 'data') data = value
      else if (field === 'retry') this.retryMs = Number(value)
      else throw new Error(`unexpected line: ${line}`)
    }
    if (data === undefined) return
    this.events.push({ id: this.lastEventId, type, data: JSON.parse(data) })
    this.#onEvent()
  }
}
