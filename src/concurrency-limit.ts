/** Runs functions with bounded concurrency, in the order of the calls. Starts none after the first error. */
export class ConcurrencyLimit {
  readonly #max: number
  #running = 0
  /** starts the functions that wait, in order */
  readonly #waiting: (() => void)[] = []
  #error: unknown

  /** @param max maximum number of functions that run at the same time */
  constructor(max: number) {
    this.#max = max
  }

  /** Whether another function would wait. */
  get isFull(): boolean {
    return this.#running >= this.#max
  }

  /**
   * Runs `work`, immediately if there is room. Resolves with its result.
   * @throws the first error of any function
   */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (!this.isFull) this.#running++
    else await new Promise<void>((start) => this.#waiting.push(start))
    try {
      if (this.#error !== undefined) throw this.#error
      return await work()
    } catch (error) {
      this.#error ??= error
      throw error
    } finally {
      const start = this.#waiting.shift()
      if (start === undefined) this.#running--
      else start()
    }
  }
}
