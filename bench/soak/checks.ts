import { median } from '../rounds.ts'
import { countOne, type Ledger, type ProblemKind } from './ledger.ts'
import type { Sample } from './sampler.ts'

/** One line of the verdict. */
export interface Check {
  what: string
  found: string
  wanted: string
  good: boolean
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

/** Checks that no problems were recorded. */
export function problemChecks(ledger: Ledger): Check[] {
  const wordings: Record<ProblemKind, string> = {
    unanswered: 'requests without an answer within the bound',
    'wrong answer': 'answers that the API does not have',
    unasked: 'responses without a request',
    untrue: 'answers that were not true',
    stuck: 'clients that got stuck',
  }
  return Object.entries(wordings).map(([kind, what]) => {
    const { count, examples } = ledger.problems(kind as ProblemKind)
    return { what, found: String(count), wanted: '0', good: count === 0, examples }
  })
}

/** Checks that every request and WebSocket message is accounted for. */
export function countChecks({ asked, answered, left, websockets }: Ledger): Check[] {
  return [
    {
      what: 'requests: answered once, or their client left',
      found: `${answered} + ${left}`,
      wanted: String(asked),
      good: answered + left === asked,
    },
    {
      what: 'messages of WebSockets, the same',
      found: `${websockets.answered} + ${websockets.left}`,
      wanted: String(websockets.asked),
      good: websockets.answered + websockets.left === websockets.asked,
    },
  ]
}

/** Checks that every kind of client and fault occurred. */
export function coverageChecks(
  ledger: Ledger,
  kinds: readonly string[],
  faults: ReadonlyMap<string, string[]>,
): Check[] {
  const seen = new Map<string, number>()
  for (const { place, name } of ledger.faults) countOne(seen, `${place}: ${name}`)
  const wanted = [...faults].flatMap(([place, names]) => names.map((name) => `${place}: ${name}`))
  return [
    coverage('kinds of clients that came', kinds, ledger.visits),
    coverage('kinds of faults that happened', wanted, seen),
  ]
}

function coverage(what: string, wanted: readonly string[], seen: ReadonlyMap<string, number>): Check {
  const missing = wanted.filter((name) => !seen.has(name))
  const times = [...seen.values()].reduce((sum, count) => sum + count, 0)
  const found = `${wanted.length - missing.length}, ${times} times`
  return { what, found, wanted: String(wanted.length), good: missing.length === 0, examples: missing }
}

/** Checks that memory does not grow beyond noise in the second half of the run. */
export function memoryChecks(samples: readonly Sample[]): Check[] {
  const late = samples.slice(Math.floor(samples.length / 2))
  const held = late.flatMap((sample) => (sample.held === undefined ? [] : [sample.held]))
  return [
    growth('heap, collected: growth in the second half', held, HEAP_NOISE),
    growth(
      'RSS: growth in the second half',
      late.map(({ rss }) => rss),
      RSS_NOISE,
    ),
  ]
}

function growth(what: string, values: readonly number[], noise: number): Check {
  const grown = values.length < 3 ? Number.NaN : steadySlope(values) * (values.length - 1)
  const found = `${megabytes(grown)} of ${megabytes(values.at(-1) ?? 0)}`
  return { what, found, wanted: `${megabytes(noise)} at most`, good: grown <= noise }
}

/** Growth per step: the median of all pairwise slopes (Theil-Sen), which ignores peaks. */
function steadySlope(values: readonly number[]): number {
  return median(values.flatMap((value, i) => values.slice(i + 1).map((later, j) => (later - value) / (j + 1))))
}

function megabytes(bytes: number): string {
  return `${(bytes / MB).toFixed(1)} MB`
}
