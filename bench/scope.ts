/** Things to put away when a part of the benchmark ends, however it ends; the last one first. */
export class Scope {
  readonly #closers: (() => unknown)[] = []

  /** Keeps `thing` until `close`, and returns it. */
  use<T>(thing: T, close: (thing: T) => unknown): T {
    this.#closers.push(() => close(thing))
    return thing
  }

  /** May be called again, while it runs too: what one call has taken the other leaves alone. Never rejects. */
  async close(): Promise<void> {
    for (let next = this.#closers.pop(); next !== undefined; next = this.#closers.pop()) {
      try {
        await next()
      } catch (error) {
        process.stderr.write(`bench: while putting things away: ${error}\n`)
      }
    }
  }
}
