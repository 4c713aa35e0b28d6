import { expect } from 'vitest'

/** What the machine may add to any time that is measured: its timers, its scheduler, HTTP. */
const MACHINE_MS = 300

/** For tests that measure time: a machine with other things to do may take longer than that once, but not each time. */
export const MEASURING = { retry: 2 }

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
