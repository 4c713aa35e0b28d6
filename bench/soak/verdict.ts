import { aligned } from '../table.ts'
import type { Check } from './checks.ts'
import type { Ledger, Weather } from './ledger.ts'
import { ANSWER_MS } from './times.ts'

/** Prints the results. Returns whether all checks passed. */
export function printVerdict(ledger: Ledger, checks: readonly Check[]): boolean {
  const { stdout } = process
  const cutShort = [...ledger.cutShort.values()].reduce((sum, count) => sum + count, 0)
  stdout.write(`visits: ${list(ledger.visits)}; ${cutShort} of them cut short by a fault\n`)
  stdout.write(`statuses: ${list(new Map([...ledger.statuses].sort(([a], [b]) => a - b)))}\n`)
  for (const weather of ['calm', 'rough'] as const) stdout.write(`${latency(ledger, weather)}\n`)
  const rows = checks.map(({ what, found, wanted, good }) => [what, found, wanted, good ? 'yes' : 'NO'])
  stdout.write(`\n${aligned([['what', 'found', 'wanted', 'good'], ...rows])}\n`)
  for (const { what, examples } of checks.filter(({ good }) => !good)) {
    for (const example of examples ?? []) stdout.write(`${what}: ${example}\n`)
  }
  return checks.every(({ good }) => good)
}

function latency({ total }: Ledger, weather: Weather): string {
  const { count, slowest } = total[weather]
  const [p50, p99] = [0.5, 0.99].map((part) => total[weather].quantile(part)?.toFixed(1))
  const servers = weather === 'calm' ? 'without' : 'with'
  const times = `p50 ${p50} ms, p99 ${p99} ms, slowest ${slowest.toFixed(0)} ms, ${ANSWER_MS} ms at most`
  return `servers ${servers} faults: ${count} answers, ${times}`
}

function list(counts: ReadonlyMap<unknown, number>): string {
  return [...counts].map(([name, count]) => `${name} ${count}`).join(', ')
}
