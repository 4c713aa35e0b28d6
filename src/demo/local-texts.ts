import type { TextMapping } from '../protocol/types.ts'

/** A local number that names no text any more. */
const GONE = 0

/** Local text numbers of a conference, or of what a person has written: 1, 2, 3 … -> text number. */
export class LocalTexts {
  /** `#texts[i]` is the text with local number i + 1. */
  readonly #texts: number[] = []

  get highest(): number {
    return this.#texts.length
  }

  /** The lowest local number that still names a text; the next free one when none does. */
  get first(): number {
    const index = this.#texts.findIndex((text) => text !== GONE)
    return index < 0 ? this.#texts.length + 1 : index + 1
  }

  /** Gives a text the next local number. */
  add(text: number): number {
    return this.#texts.push(text)
  }

  /** Forgets a local number; it is never given out again. */
  remove(localNo: number): void {
    this.#texts[localNo - 1] = GONE
  }

  /** As `remove`, by the number of the text. */
  removeText(text: number): void {
    this.remove(this.#texts.indexOf(text) + 1)
  }

  /** At most `count` existing texts from `first` upwards (local-to-global). */
  map(first: number, count: number): TextMapping {
    const pairs: Pair[] = []
    let next = Math.min(first, this.highest + 1)
    for (; next <= this.highest && pairs.length < count; next++) this.#collect(pairs, next)
    const more = this.#exists(next, this.highest)
    return mapping(first, more ? next : this.highest + 1, more, pairs)
  }

  /** At most `count` existing texts below `ceiling` downwards, in rising order; ceiling 0 stands above all. */
  mapDown(ceiling: number, count: number): TextMapping {
    const end = ceiling === 0 ? this.highest + 1 : Math.min(ceiling, this.highest + 1)
    const pairs: Pair[] = []
    let at = end - 1
    for (; at >= 1 && pairs.length < count; at--) this.#collect(pairs, at)
    const more = this.#exists(1, at)
    return mapping(more ? at + 1 : Math.min(this.first, end), end, more, pairs.reverse())
  }

  #collect(pairs: Pair[], localNumber: number): void {
    const globalNumber = this.#texts[localNumber - 1] ?? GONE
    if (globalNumber !== GONE) pairs.push({ localNumber, globalNumber })
  }

  #exists(from: number, to: number): boolean {
    for (let at = from; at <= to; at++) if (this.#texts[at - 1] !== GONE) return true
    return false
  }
}

interface Pair {
  localNumber: number
  globalNumber: number
}

/** A dense block when it is no longer than the pairs would be (chapter Mapping Local to Global Text Numbers). */
function mapping(rangeBegin: number, rangeEnd: number, moreTextsExists: boolean, pairs: Pair[]): TextMapping {
  const first = pairs[0]
  const last = pairs.at(-1)
  const head = { rangeBegin, rangeEnd, moreTextsExists }
  if (first === undefined || last === undefined) return { ...head, block: { kind: 'sparse', value: [] } }
  const span = last.localNumber - first.localNumber + 1
  if (span > 2 * pairs.length) return { ...head, block: { kind: 'sparse', value: pairs } }
  const texts: number[] = new Array(span).fill(GONE)
  for (const { localNumber, globalNumber } of pairs) texts[localNumber - first.localNumber] = globalNumber
  return { ...head, block: { kind: 'dense', value: { firstLocalNo: first.localNumber, texts } } }
}
