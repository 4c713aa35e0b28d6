import { median } from '../support/statistics.ts'
import { type Counts, type Observations, PROBLEMS } from './observations.ts'
import type { Sample } from './samples.ts'

/** One line of the result. */
export interface Assertion {
  what: string
  found: string
  expected: string
  passed: boolean
  /** examples of failures */
  examples?: readonly string[]
}

const MB = 2 ** 20
/**
 * Apparent growth of the collected heap over half a run: late compilation, per-address state kept for a minute, current
 * buffers. Longer runs make this limit stricter per session.
 */
const HEAP_NOISE = 3 * MB
/** The same for the process: the allocator keeps memory for reuse. */
const RSS_NOISE = 24 * MB

/** Asserts that two values are equal. */
export function equal(what: string, found: unknown, expected: unknown, examples: readonly string[] = []): Assertion {
  const [left, right] = [String(found), String(expected)]
  return { what, found: left, expected: right, passed: left === right, examples }
}

/** Asserts that a number is in a range, both ends included. */
export function inRange(what: string, found: number, min: number, max: number): Assertion {
  const expected = min === 0 ? `${max} at most` : `${min} to ${max}`
  return { what, found: String(found), expected, passed: found >= min && found <= max }
}

/** Asserts that a number is not 0. */
function atLeastOne(what: string, found: number): Assertion {
  return { what, found: String(found), expected: '1 at least', passed: found > 0 }
}

/** Asserts that no problem was recorded, and that every request and WebSocket message is accounted for. */
export function problemAssertions(observations: Observations): Assertion[] {
  const { requests, messages, events, compared } = observations
  const accounted = (what: string, { sent, answered, aborted }: typeof requests): Assertion => ({
    ...equal(what, answered + aborted, sent),
    found: `${answered} + ${aborted}`,
  })
  return [
    ...Object.entries(PROBLEMS).map(([kind, what]) => {
      const { count, examples } = observations.problems(kind as keyof typeof PROBLEMS)
      return equal(what, count, 0, examples)
    }),
    atLeastOne('responses compared with the session or person of the client', compared.total),
    accounted('requests: one response, or the client disconnected', requests),
    accounted('WebSocket messages: one response, or the client disconnected', messages),
    {
      ...equal('messages that arrived as events, once and in order', events.received, events.expected),
      found: `${events.received} on ${events.connections} connections`,
    },
  ]
}

/** Asserts that every kind of client or fault occurred. */
export function coverageAssertion(what: string, wanted: readonly string[], seen: Counts): Assertion {
  const missing = wanted.filter((name) => !seen.has(name))
  const found = wanted.length - missing.length
  return { ...equal(what, found, wanted.length, missing), found: `${found}, ${seen.total} times` }
}

/** Asserts that the memory of all nodes together does not grow beyond noise in the second half of the run. */
export function memoryAssertions(samples: readonly Sample[], nodes: number): Assertion[] {
  const late = samples.slice(Math.floor(samples.length / 2))
  const heaps = late.flatMap(({ heap }) => heap ?? [])
  const growth = (what: string, values: readonly number[], noise: number): Assertion => {
    const grown = values.length < 3 ? Number.NaN : medianSlope(values) * (values.length - 1)
    const found = `${megabytes(grown)} of ${megabytes(values.at(-1) ?? 0)}`
    return { what, found, expected: `${megabytes(noise)} at most`, passed: grown <= noise }
  }
  const sizes = late.map(({ rss }) => rss)
  return [
    growth('heap after collection: growth in the second half', heaps, nodes * HEAP_NOISE),
    growth('RSS: growth in the second half', sizes, nodes * RSS_NOISE),
  ]
}

/** Growth per step: the median of all pairwise slopes (Theil-Sen), which ignores peaks. */
function medianSlope(values: readonly number[]): number {
  return median(values.flatMap((value, i) => values.slice(i + 1).map((later, j) => (later - value) / (j + 1))))
}

function megabytes(bytes: number): string {
  return `${(bytes / MB).toFixed(1)} MB`
}
