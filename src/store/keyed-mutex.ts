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
   * @returns the result of `work`
   * @throws the error of `work`
   */
  async runExclusive<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key)
    const current = (async () => {
      await before?.catch(() => undefined)
      return await work()
    })()
    this.#last.set(key, current)
    try {
      return await current
    } finally {
      if (this.#last.get(key) === current) this.#last.delete(key)
    }
  }

  /**
   * Resolves when the work in progress and in the queue has settled. Never rejects.
   * @param key default: all keys
   */
  async settled(key?: string): Promise<void> {
    await Promise.allSettled(key === undefined ? this.#last.values() : [this.#last.get(key)])
  }
}
