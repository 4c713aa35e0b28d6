/** A mutex for each key: runs work with the same key one at a time, in the order of the calls. */
export class KeyedMutex {
  /** The last unfinished work of each key. */
  readonly #last = new Map<string, Promise<unknown>>()

  /** The number of keys with unfinished work. */
  get size(): number {
    return this.#last.size
  }

  /**
   * Runs `work` after all earlier work with the same key has settled.
   * @param isShared whether an error of the work before rejects this work too, without running it; default: never
   * @returns the result of `work`
   * @throws the error of `work`, or a shared error
   */
  async runExclusive<T>(
    key: string,
    work: () => Promise<T>,
    isShared: (error: unknown) => boolean = () => false,
  ): Promise<T> {
    const before = this.#last.get(key)
    const current = (async () => {
      await before?.catch((error: unknown) => {
        if (isShared(error)) throw error
      })
      return await work()
    })()
    this.#last.set(key, current)
    try {
      return await current
    } finally {
      if (this.#last.get(key) === current) this.#last.delete(key)
    }
  }

  /** Resolves when the work in progress and in the queue has settled. Never rejects. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#last.values())
  }
}
