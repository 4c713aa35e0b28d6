import type { TextMapping } from '../protocol/types.ts'

/** Stands for the text number of a deleted text in a dense block. */
const DELETED = 0

/**
 * Maps the local text numbers of a conference or an author (1, 2, 3 …) to text numbers. Deleted texts take no memory.
 */
export class LocalTexts {
  /** Local numbers in ascending order, and the text numbers at the same indexes. */
  readonly #localNos: number[] = []
  readonly #texts: number[] = []
  #highest = 0

  /** The highest local number assigned so far; 0 if there is none. */
  get highest(): number {
    return this.#highest
  }

  /** The lowest local number of an existing text; the next free number if there is none. */
  get first(): number {
    return this.#localNos[0] ?? this.#highest + 1
  }

  /** Assigns the next local number to a text and returns it. */
  add(text: number): number {
    this.#localNos.push(++this.#highest)
    this.#texts.push(text)
    return this.#highest
  }

  /** Removes a local number. It is never reused. */
  remove(localNo: number): void {
    const at = this.#indexOf(localNo)
    if (this.#localNos[at] === localNo) this.#removeAt(at)
  }

  /** Removes a text by its text number. */
  removeText(text: number): void {
    const at = this.#texts.indexOf(text)
    if (at >= 0) this.#removeAt(at)
  }

  /** Returns at most `count` existing texts from local number `first` upwards (local-to-global). */
  map(first: number, count: number): TextMapping {
    const from = this.#indexOf(first)
    const pairs = this.#pairs(from, from + count)
    const end = this.#highest + 1
    if (from + count >= this.#localNos.length) return mapping(first, end, false, pairs)
    return mapping(first, (pairs.at(-1)?.localNumber ?? Math.min(first, end) - 1) + 1, true, pairs)
  }

  /**
   * Returns at most `count` existing texts with the highest local numbers below `ceiling`, in ascending order. Ceiling
   * 0 means no upper bound.
   */
  mapDown(ceiling: number, count: number): TextMapping {
    const end = ceiling === 0 ? this.#highest + 1 : Math.min(ceiling, this.#highest + 1)
    const to = this.#indexOf(end)
    const from = Math.max(0, to - count)
    const pairs = this.#pairs(from, to)
    if (from === 0) return mapping(Math.min(this.first, end), end, false, pairs)
    return mapping(pairs[0]?.localNumber ?? end, end, true, pairs)
  }

  #pairs(from: number, to: number): Pair[] {
    const globalNumbers = this.#texts.slice(from, to)
    return this.#localNos.slice(from, to).map((localNumber, i) => ({
      localNumber,
      globalNumber: globalNumbers[i] ?? DELETED,
    }))
  }

  /** Returns the index of the first existing local number that is at least `localNo`. */
  #indexOf(localNo: number): number {
    let low = 0
    let high = this.#localNos.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#localNos[middle] ?? 0) < localNo) low = middle + 1
      else high = middle
    }
    return low
  }

  #removeAt(index: number): void {
    this.#localNos.splice(index, 1)
    this.#texts.splice(index, 1)
  }
}

interface Pair {
  localNumber: number
  globalNumber: number
}

/** Returns a dense block if it is not longer than the pairs (chapter Mapping Local to Global Text Numbers). */
function mapping(rangeBegin: number, rangeEnd: number, moreTextsExists: boolean, pairs: Pair[]): TextMapping {
  const first = pairs[0]
  const last = pairs.at(-1)
  const head = { rangeBegin, rangeEnd, moreTextsExists }
  if (first === undefined || last === undefined) return { ...head, block: { kind: 'sparse', value: [] } }
  const span = last.localNumber - first.localNumber + 1
  if (span > 2 * pairs.length) return { ...head, block: { kind: 'sparse', value: pairs } }
  const texts: number[] = new Array(span).fill(DELETED)
  for (const { localNumber, globalNumber } of pairs) texts[localNumber - first.localNumber] = globalNumber
  return { ...head, block: { kind: 'dense', value: { firstLocalNo: first.localNumber, texts } } }
}
