import { hash } from 'node:crypto'

/** Pseudo-random numbers from a seed. */
export class Random {
  #count = 0

  constructor(private readonly seed: string) {}

  /** Derives an independent generator, for one of several concurrent activities. */
  fork(name: string): Random {
    return new Random(`${this.seed}/${name}`)
  }

  /** From 0 up to, not including, 1. */
  next(): number {
    return hash('sha1', `${this.seed} ${++this.#count}`, 'buffer').readUInt32BE() / 2 ** 32
  }

  /** An integer, both ends included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1))
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError('nothing to pick from')
    return list[this.integer(0, list.length - 1)] as T
  }

  /** Returns at most `count` elements in random order. */
  sample<T>(list: readonly T[], count = list.length): T[] {
    const ranked = list.map((value) => ({ value, rank: this.next() })).sort((a, b) => a.rank - b.rank)
    return ranked.slice(0, count).map(({ value }) => value)
  }
}
