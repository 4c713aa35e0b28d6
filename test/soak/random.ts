/** Pseudo-random numbers from a seed. */
export class Random {
  readonly #seed: string
  #state = 0x811c9dc5

  constructor(seed: string) {
    this.#seed = seed
    // FNV-1a
    for (const byte of Buffer.from(seed)) this.#state = Math.imul(this.#state ^ byte, 0x01000193)
  }

  /** Derives an independent generator, for one of several concurrent activities. */
  fork(name: string): Random {
    return new Random(`${this.#seed}/${name}`)
  }

  /** From 0 up to, not including, 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
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
    const left = [...list]
    return Array.from(
      { length: Math.min(count, list.length) },
      () => left.splice(this.integer(0, left.length - 1), 1)[0] as T,
    )
  }
}
