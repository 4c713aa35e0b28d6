/** The median; the mean of the two middle values for an even count. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('the median of nothing')
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length / 2
  return ((sorted[Math.ceil(half) - 1] as number) + (sorted[Math.floor(half)] as number)) / 2
}

/**
 * Measures each of several things once per round, in alternating order, so that other load on the machine affects all
 * alike.
 */
export async function alternate<K extends string, V = number>(
  rounds: number,
  measures: Readonly<Record<K, () => V | Promise<V>>>,
): Promise<Record<K, V[]>> {
  const names = Object.keys(measures) as K[]
  const measured = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<K, V[]>
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) measured[name].push(await measures[name]())
  }
  return measured
}

/**
 * The median of one measurement over the sum of the medians of others. The median of per-round ratios would depend on
 * whether the system happens to wake a process early or late in a round.
 */
export function ratioOfMedians(what: readonly number[], ...against: (readonly number[])[]): number {
  return median(what) / against.reduce((sum, each) => sum + median(each), 0)
}
