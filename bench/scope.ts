/** Things to put away when a part of the benchmark ends, however it ends; the last one first. */
export class Scope {
  readonly #closers: (() => unknown)[] = []
  #closed = false

  /** Keeps `thing` until `close`, and returns it. Throws when that has been, and puts it away at once. */
  use<T>(thing: T, close: (thing: T) => unknown): T {
    this.#closers.push(() => close(thing))
    if (!this.#closed) return thing
    void this.close()
    throw new Error('the benchmark is being stopped')
  }

  /** A scope that ends before this one does, or with it. */
  inner(): Scope {
    return this.use(new Scope(), (scope) => scope.close())
  }

  /** May be called again, while it runs too: what one call has taken the other leaves alone. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true
    for (let next = this.#closers.pop(); next !== undefined; next = this.#closers.pop()) {
      try {
        await next()
      } catch (error) {
        process.stderr.write(`bench: while putting things away: ${error}\n`)
      }
    }
  }
}
