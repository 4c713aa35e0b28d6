import { expect } from 'vitest'

/**
 * What a machine with other things to do may add to any time that is measured: its timers, its scheduler, HTTP. What
 * would be wrong otherwise takes the call timeout of 20 s or never ends, so that much cannot hide it.
 */
const MACHINE_MS = 1000

/** How long something took, milliseconds, and what came of it. */
export async function timed<T>(work: () => T | Promise<T>): Promise<{ ms: number; value: T }> {
  const start = performance.now()
  const value = await work()
  return { ms: performance.now() - start, value }
}

/**
 * Holds a measured time against what was promised. With `SHOW_BOUNDS` set it is shown as well: docs/faults.md was
 * written from that.
 */
export function expectWithin(promisedMs: number, measuredMs: number, fault: string): void {
  show(fault, `${promisedMs} ms`, `${measuredMs.toFixed(1)} ms`)
  expect(measuredMs, fault).toBeLessThanOrEqual(promisedMs + MACHINE_MS)
}

/** The same for what is no time. */
export function show(fault: string, promised: string, measured: string): void {
  if (process.env.SHOW_BOUNDS) process.stderr.write(`BOUND | ${fault} | ${promised} | ${measured}\n`)
}
