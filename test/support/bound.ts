import { expect } from 'vitest'

/**
 * Allowance for timers, scheduling and HTTP on a busy machine, in milliseconds. Failures take the call timeout of 20 s
 * or never end, so this allowance cannot hide them.
 */
const MACHINE_MS = 1000

/** Runs `work`. Returns its duration in milliseconds and its result. */
export async function timed<T>(work: () => T | Promise<T>): Promise<{ ms: number; value: T }> {
  const start = performance.now()
  const value = await work()
  return { ms: performance.now() - start, value }
}

/**
 * Checks a measured time against the documented bound. With `SHOW_BOUNDS` set it also prints both; docs/faults.md is
 * based on that output.
 */
export function expectWithin(promisedMs: number, measuredMs: number, fault: string): void {
  show(fault, `${promisedMs} ms`, `${measuredMs.toFixed(1)} ms`)
  expect(measuredMs, fault).toBeLessThanOrEqual(promisedMs + MACHINE_MS)
}

/** Prints a bound that is not a time. */
export function show(fault: string, promised: string, measured: string): void {
  if (process.env.SHOW_BOUNDS) process.stderr.write(`BOUND | ${fault} | ${promised} | ${measured}\n`)
}
