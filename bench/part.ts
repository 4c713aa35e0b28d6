import { type Lyskomd, lyskomdInstalled, startLyskomd } from '../test/support/lyskomd.ts'
import { runCommand, type Scope } from '../test/support/scope.ts'
import { alignColumns, median } from '../test/support/statistics.ts'

const PROGRESS_MS = 5000

/** One comparison of the benchmark. */
export interface Row {
  what: string
  /** the baseline, measured in the same run */
  against?: string
  /** `what` divided by `against`; undefined if only the figures matter */
  ratio?: number
  /** target for the ratio or the figures */
  aim?: string
  /** the absolute figures behind it */
  figures: string
}

let part = ''
let step = 'preparing'
let printedAt = performance.now()

/** Runs a part of the benchmark as a program: measures, and prints the rows as a table. */
export async function runPart(name: string, measure: (scope: Scope) => Promise<Row[]>): Promise<void> {
  part = name
  const started = performance.now()
  const timer = setInterval(progress, PROGRESS_MS).unref()
  await runCommand(`bench ${name}`, async (scope) => {
    const rows = await measure(scope)
    const seconds = Math.round((performance.now() - started) / 1000)
    const lines = rows.map(({ what, against = '', ratio, aim = '', figures }) => {
      return [what, against, ratio === undefined ? '' : precise(ratio), aim, figures]
    })
    const table = alignColumns([['what', 'against', 'ratio', 'aim', 'figures'], ...lines])
    process.stdout.write(`\n${name} (${seconds} s)\n${table}`)
  })
  clearInterval(timer)
}

/** Names what is being measured, for the progress line that is printed every five seconds. */
export function progress(next = step): void {
  step = next
  if (performance.now() - printedAt < PROGRESS_MS) return
  printedAt = performance.now()
  process.stderr.write(`bench ${part}: ${step}\n`)
}

/**
 * Measures each of several things once per round, in alternating order, so that other load on the machine affects all
 * alike.
 */
export async function alternate<K extends string, V = number>(
  title: string,
  rounds: number,
  measures: Readonly<Record<K, () => V | Promise<V>>>,
): Promise<Record<K, V[]>> {
  const names = Object.keys(measures) as K[]
  const measured = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<K, V[]>
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      progress(`${title}, round ${round + 1} of ${rounds}`)
      measured[name].push(await measures[name]())
    }
  }
  return measured
}

/**
 * The median of one measurement over that of another. The median of per-round ratios would depend on whether the
 * system happens to wake a process early or late in a round.
 */
export function ratioOfMedians(what: readonly number[], against: readonly number[]): number {
  return median(what) / median(against)
}

/** A row with the ratio of two measurements and their medians, in `unit`. */
export function compare(
  names: { what: string; against: string; aim?: string },
  what: readonly number[],
  against: readonly number[],
  unit: string,
): Row {
  const figures = `${precise(median(what))} / ${precise(median(against))} ${unit}`
  return { ...names, ratio: ratioOfMedians(what, against), figures }
}

/** Formats a number with two decimals, or three digits if it is small. */
export function precise(value: number): string {
  const size = Math.abs(value)
  if (size >= 1000) return Math.round(value).toLocaleString('en')
  return size >= 0.1 || size === 0 ? value.toFixed(size >= 100 ? 0 : 2) : value.toPrecision(2)
}

/** Starts a lyskomd. Returns undefined and prints a line if it is not installed. */
export async function startInstalledLyskomd(scope: Scope): Promise<Lyskomd | undefined> {
  if (lyskomdInstalled()) return scope.use(await startLyskomd(), (running) => running.stop())
  process.stdout.write(`${part}: lyskomd is not installed; measurements with it are skipped\n`)
  return undefined
}
