/** Upper bounds of the buckets, milliseconds: a call takes some tenths of one on the same machine, and 50 from afar. */
export const BOUNDS_MS: readonly number[] = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000]

/**
 * How long things of one kind took. A histogram of prom-client costs half a microsecond and more for each value, even
 * where its labels are known beforehand; this one costs a few loads and stores, and prom-client reads it when asked.
 */
export class Times {
  /** For each bound what is within it and over the one before it; the last is what is over all of them. */
  readonly buckets = new Float64Array(BOUNDS_MS.length + 1)
  sumMs = 0

  add(ms: number): void {
    this.sumMs += ms
    let bucket = 0
    while (bucket < BOUNDS_MS.length && ms > (BOUNDS_MS[bucket] as number)) bucket++
    this.buckets[bucket] = (this.buckets[bucket] as number) + 1
  }
}
