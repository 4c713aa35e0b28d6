import { describe, expect, it } from 'vitest'
import { type Place, placeNextTo } from '../../src/web/reader/conferences/membership.ts'
import { matchesName } from '../../src/web/reader/conferences/name-match.ts'

describe('placeNextTo', () => {
  interface Named extends Place {
    name: string
  }
  const READING_ORDER: Named[] = [
    { name: 'box', priority: 255, position: 3 },
    { name: 'first', priority: 100, position: 0 },
    { name: 'second', priority: 100, position: 1 },
    { name: 'third', priority: 100, position: 4 },
    { name: 'last', priority: 20, position: 2 },
  ]

  /** Returns the reading order after a membership has been moved as a LysKOM server moves it. */
  function moved(own: Named, to: Place): string[] {
    const list = READING_ORDER.toSorted((a, b) => a.position - b.position).filter((each) => each !== own)
    list.splice(to.position, 0, { ...own, priority: to.priority })
    // The sort is stable.
    return list.toSorted((a, b) => b.priority - a.priority).map(({ name }) => name)
  }

  it('puts a membership before or after any other one in reading order', () => {
    for (const own of READING_ORDER) {
      for (const other of READING_ORDER) {
        if (own === other) continue
        for (const isBefore of [true, false]) {
          const names = READING_ORDER.filter((each) => each !== own).map(({ name }) => name)
          names.splice(names.indexOf(other.name) + (isBefore ? 0 : 1), 0, own.name)
          expect(moved(own, placeNextTo(own, other, isBefore))).toEqual(names)
        }
      }
    }
  })
})

describe('matchesName', () => {
  it.each([
    ['Fika och prat', 'f p'],
    ['Fika och prat', ' FIKA '],
    ['Birds (and other) Wildlife', 'b wild'],
    ['Birds (and other) Wildlife', 'other'],
    ['Åke Exempel', 'a\u030Ake'],
    ['Fika och prat', ''],
  ])('finds %o by %o', (name, pattern) => expect(matchesName(name, pattern)).toBe(true))

  it.each([
    ['Fika och prat', 'p f'],
    ['Fika och prat', 'ika'],
    ['Fika och prat', 'f f'],
    ['Åke Exempel', 'ake'],
  ])('does not find %o by %o', (name, pattern) => expect(matchesName(name, pattern)).toBe(false))
})
