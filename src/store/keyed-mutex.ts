/** One mutex per key: work with the same key runs one at a time, in the order of the calls. */
export class KeyedMutex {
  /** The last unfinished work of each key. */
  readonly #last = new Map<string, Promise<unknown>>()

  /** The number of keys with unfinished work. */
  get size(): number {
    return this.#last.size
  }

  /** Runs `work` after all earlier work with the same key has settled. Resolves and rejects like `work`. */
  async runExclusive<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key)
    const mine = (async () => {
      await before?.catch(() => undefined)
      return await work()
    })()
    this.#last.set(key, mine)
    try {
      return await mine
    } finally {
      if (this.#last.get(key) === mine) this.#last.delete(key)
    }
  }

  /** Resolves when the work so far has settled: that of one key, or of all keys. Never rejects. */
  async settled(key?: string): Promise<void> {
    await Promise.allSettled(key === undefined ? this.#last.values() : [this.#last.get(key)])
  }
}
