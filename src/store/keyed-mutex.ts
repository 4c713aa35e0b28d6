/** A mutex per key: runs work with the same name one at a time. */
export class KeyedMutex {
  /** The last unfinished work for each name. */
  readonly #last = new Map<string, Promise<unknown>>()

  /** Runs `work` when the previous work with the same name has settled. Resolves and rejects like `work`. */
  async take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name)
    const mine = (async () => {
      await before?.catch(() => undefined)
      return await work()
    })()
    this.#last.set(name, mine)
    try {
      return await mine
    } finally {
      if (this.#last.get(name) === mine) this.#last.delete(name)
    }
  }
}
