import { StoreError } from './errors.ts'

/** Runs calls to a server, converts their errors, and counts the interruptions that a `Backend` reports. */
export class ServerCalls {
  /** number of times the server was lost; calls that fail in one outage count once */
  interruptions = 0
  readonly #convert: (error: unknown) => unknown
  #isUp = true

  /** @param convert converts an error of the driver to a `StoreError`; returns unknown errors unchanged */
  constructor(convert: (error: unknown) => unknown) {
    this.#convert = convert
  }

  /**
   * Runs a call.
   * @returns its result
   * @throws its error, converted
   */
  async run<T>(call: () => Promise<T>): Promise<T> {
    try {
      const result = await call()
      this.#isUp = true
      return result
    } catch (error) {
      throw this.converted(error)
    }
  }

  /** Returns the converted error of a call that `run` does not run. */
  converted(error: unknown): unknown {
    const converted = this.#convert(error)
    if (converted instanceof StoreError && converted.code === 'unavailable') this.lost()
    return converted
  }

  /** Records that a connection was lost. */
  lost(): void {
    if (this.#isUp) this.interruptions++
    this.#isUp = false
  }
}
