/**
 * Upper bounds of the histogram buckets, milliseconds. A call takes tenths of a millisecond on the same machine and
 * about 50 ms over a long distance.
 */
export const BOUNDS_MS: readonly number[] = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000]

/**
 * A histogram of durations. Observing a value with prom-client costs half a microsecond or more, even with pre-bound
 * labels; this class costs a few loads and stores, and prom-client reads it for each scrape.
 */
export class Times {
  /** Values per bucket, not cumulative; the last bucket has the values over all bounds. */
  readonly buckets = new Float64Array(BOUNDS_MS.length + 1)
  sumMs = 0

  /** Observes a duration in milliseconds. */
  add(ms: number): void {
    this.sumMs += ms
    let bucket = 0
    while (bucket < BOUNDS_MS.length && ms > (BOUNDS_MS[bucket] as number)) bucket++
    this.buckets[bucket] = (this.buckets[bucket] as number) + 1
  }
}
