/** The middle value; the mean of the two middle ones of an even number. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('the median of nothing')
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length / 2
  return ((sorted[Math.ceil(half) - 1] as number) + (sorted[Math.floor(half)] as number)) / 2
}

type Measured<K extends string> = Record<K, number[]>

/**
 * Measures each of several things once a round. They take turns, every other round in the opposite order, so whatever
 * else the machine does meets them alike.
 */
export async function alternate<K extends string>(
  rounds: number,
  measures: Readonly<Record<K, () => number | Promise<number>>>,
): Promise<Measured<K>> {
  const names = Object.keys(measures) as K[]
  const measured = Object.fromEntries(names.map((name) => [name, []])) as unknown as Measured<K>
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) measured[name].push(await measures[name]())
  }
  return measured
}

/** The median of the ratios of the rounds: what is divided was measured one right after the other. */
export function medianRatio(what: readonly number[], ...against: (readonly number[])[]): number {
  return median(what.map((value, round) => value / against.reduce((sum, each) => sum + (each[round] as number), 0)))
}
