/** What Redis says of a record; null when there is none. */
type Answer = string | null

interface Batch {
  readonly now: number
  readonly names: string[]
  readonly waiting: { resolve(answer: Answer): void; reject(error: unknown): void }[]
}

/** What is on its way together holds up everybody else on the server. */
const MAX_TOGETHER = 32

/**
 * Reads of records that are asked for in the same turn of the event loop go to the server together: one command for many
 * costs both sides a good deal less than many.
 */
export class Touches {
  readonly #send: (app: string, now: number, names: readonly string[]) => Promise<Answer[]>
  readonly #batches = new Map<string, Batch>()

  constructor(send: (app: string, now: number, names: readonly string[]) => Promise<Answer[]>) {
    this.#send = send
  }

  touch(app: string, now: number, name: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const batch = this.#batchFor(app, now)
      batch.names.push(name)
      batch.waiting.push({ resolve, reject })
    })
  }

  #batchFor(app: string, now: number): Batch {
    const open = this.#batches.get(app)
    if (open?.now === now && open.names.length < MAX_TOGETHER) return open
    if (open !== undefined) void this.#sendBatch(app, open)
    if (this.#batches.size === 0) setImmediate(() => this.#sendAll())
    const batch: Batch = { now, names: [], waiting: [] }
    this.#batches.set(app, batch)
    return batch
  }

  #sendAll(): void {
    for (const [app, batch] of this.#batches) void this.#sendBatch(app, batch)
    this.#batches.clear()
  }

  async #sendBatch(app: string, { now, names, waiting }: Batch): Promise<void> {
    try {
      const answers = await this.#send(app, now, names)
      for (const [i, { resolve }] of waiting.entries()) resolve(answers[i] ?? null)
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    }
  }
}
