/** Lets work under the same name be done one after the other, so that none of it gets in another's way. */
export class Turns {
  /** The last of the work under each name that is not done. */
  readonly #last = new Map<string, Promise<unknown>>()

  /** Does the work when that before it is done, well or not. */
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
