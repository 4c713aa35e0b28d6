/** The middle value; the mean of the two middle ones of an even number. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('the median of nothing')
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length / 2
  return ((sorted[Math.ceil(half) - 1] as number) + (sorted[Math.floor(half)] as number)) / 2
}

/**
 * Measures each of several things once a round. They take turns, every other round in the opposite order, so whatever
 * else the machine does meets them alike.
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
 * What is measured in one way, over what is measured in some others together. Not the median of the ratios of the
 * rounds: from one to the next the system may wake a process at once or late, and it does not do so for all alike.
 */
export function ratioOfMedians(what: readonly number[], ...against: (readonly number[])[]): number {
  return median(what) / against.reduce((sum, each) => sum + median(each), 0)
}
