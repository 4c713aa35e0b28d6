/**
 * Returns how often a test repeats its work, for tests that find more the longer they run: the full number if `CI` is
 * set, as in `.ci/run`, and `short` otherwise, by default a tenth.
 */
export function repetitions(full: number, short: number = Math.ceil(full / 10)): number {
  return process.env.CI ? full : short
}
