/** Each bucket ends so much above the one before. */
const STEP = 1.05
/** Milliseconds; what is shorter counts as that. */
const SHORTEST = 0.05

/** How long things took, in milliseconds, to within 5 %: any number of them in the same room. */
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

  /** Such a part of them took no longer; undefined when there are none. */
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
