/** Counts requests and responses since startup for `GET /stats`. */
export class HttpCounters {
  requests = 0
  readonly #byStatus = new Map<number, number>()

  /** Counts one response. */
  answered(status: number): void {
    this.#byStatus.set(status, (this.#byStatus.get(status) ?? 0) + 1)
  }

  /** Returns the number of responses by HTTP status, sorted by status. */
  byStatus(): [status: number, count: number][] {
    return [...this.#byStatus].sort(([a], [b]) => a - b)
  }
}
