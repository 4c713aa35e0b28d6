/** Resources to release when a part of the benchmark ends, in reverse order. */
export class Scope {
  readonly #closers: (() => unknown)[] = []
  #closed = false

  /** Registers `thing` for `close` and returns it. If the scope is already closed, closes `thing` and throws. */
  use<T>(thing: T, close: (thing: T) => unknown): T {
    this.#closers.push(() => close(thing))
    if (!this.#closed) return thing
    void this.close()
    throw new Error('the benchmark is being stopped')
  }

  /** Creates a scope that ends before or with this one. */
  inner(): Scope {
    return this.use(new Scope(), (scope) => scope.close())
  }

  /** Can be called repeatedly and concurrently; each resource is released once. Never rejects. */
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
