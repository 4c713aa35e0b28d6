/** Ratio of the upper bounds of adjacent buckets. */
const STEP = 1.05
/** Milliseconds; shorter times count as this. */
const SHORTEST = 0.05

/** A latency histogram in milliseconds, accurate to 5 %, of constant size. */
export class Latencies {
  readonly #buckets: number[] = []
  count = 0
  slowest = 0

  add(ms: number): void {
    const bucket = Math.max(0, Math.ceil(Math.log(ms / SHORTEST) / Math.log(STEP)))
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1
    this.count++
    this.slowest = Math.max(this.slowest, ms)
  }

  /** Returns a quantile, `part` from 0 to 1; undefined without values. */
  quantile(part: number): number | undefined {
    if (this.count === 0) return undefined
    let left = Math.ceil(this.count * part)
    for (const [bucket, count] of this.#buckets.entries()) {
      left -= count ?? 0
      if (left <= 0) return Math.min(this.slowest, SHORTEST * STEP ** bucket)
    }
    return this.slowest
  }
}
