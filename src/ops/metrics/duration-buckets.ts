/**
 * Upper bounds of the buckets of duration histograms, seconds. A call takes tenths of a millisecond on the same machine
 * and about 50 ms over a long distance.
 */
export const DURATION_BUCKETS: number[] = [
  ...[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5],
  ...[1, 2.5, 5, 10],
]
