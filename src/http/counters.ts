/** What `GET /stats` counts of requests and answers, since the start. */
export class HttpCounters {
  requests = 0
  readonly #byStatus = new Map<number, number>()

  answered(status: number): void {
    this.#byStatus.set(status, (this.#byStatus.get(status) ?? 0) + 1)
  }

  /** Answers by HTTP status. */
  byStatus(): [status: number, count: number][] {
    return [...this.#byStatus].sort(([a], [b]) => a - b)
  }
}
