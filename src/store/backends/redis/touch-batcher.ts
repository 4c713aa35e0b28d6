/** The text of a record; null if there is none. */
type Reply = string | null

interface Batch {
  readonly now: number
  readonly names: string[]
  readonly waiting: { resolve(reply: Reply): void; reject(error: unknown): void }[]
}

/** Maximum number of records in a batch. The server serves no other client during a batch. */
const BATCH_SIZE = 32

/**
 * Combines the reads of one event-loop tick into batches: one command for many records costs gateway and server much
 * less than one command each.
 */
export class TouchBatcher {
  readonly #send: (app: string, now: number, names: readonly string[]) => Promise<Reply[]>
  readonly #batches = new Map<string, Batch>()

  /** @param send reads the records with some Redis keys of an app; returns one text per key, in the same order */
  constructor(send: (app: string, now: number, names: readonly string[]) => Promise<Reply[]>) {
    this.#send = send
  }

  /**
   * Reads a record of an app.
   * @param now milliseconds since 1970
   * @param name the Redis key of the record
   * @returns the text of the record before the read, null if there is none
   * @throws the error of `send`
   */
  touch(app: string, now: number, name: string): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const batch = this.#batchFor(app, now)
      batch.names.push(name)
      batch.waiting.push({ resolve, reject })
    })
  }

  #batchFor(app: string, now: number): Batch {
    const open = this.#batches.get(app)
    if (open?.now === now && open.names.length < BATCH_SIZE) return open
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
      const replies = await this.#send(app, now, names)
      for (const [i, { resolve }] of waiting.entries()) resolve(replies[i] ?? null)
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    }
  }
}
