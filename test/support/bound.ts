import { expect } from 'vitest'

/**
 * Allowance for timers, scheduling and HTTP on a busy machine, in milliseconds. It cannot hide a failure, because a
 * request that fails takes the call timeout of 20 s or never ends.
 */
const MACHINE_MS = 1000

/** Runs `work`. Returns its duration in milliseconds and its result. */
export async function timed<T>(work: () => T | Promise<T>): Promise<{ ms: number; value: T }> {
  const start = performance.now()
  const value = await work()
  return { ms: performance.now() - start, value }
}

/**
 * Checks that a measured time does not exceed the documented bound plus an allowance. With `SHOW_BOUNDS` set, also
 * prints both values, which docs/faults.md lists.
 *
 * @param promisedMs the documented bound, in milliseconds
 * @param fault label of the fault in the output
 */
export function expectWithin(promisedMs: number, measuredMs: number, fault: string): void {
  show(fault, `${promisedMs} ms`, `${measuredMs.toFixed(1)} ms`)
  expect(measuredMs, fault).toBeLessThanOrEqual(promisedMs + MACHINE_MS)
}

/** Prints a bound and its measured value if `SHOW_BOUNDS` is set. */
export function show(fault: string, promised: string, measured: string): void {
  if (process.env.SHOW_BOUNDS) process.stderr.write(`BOUND | ${fault} | ${promised} | ${measured}\n`)
}
