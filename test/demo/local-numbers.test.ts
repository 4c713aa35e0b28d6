import { expect, test } from 'vitest'
import { LocalTexts } from '../../src/demo/local-texts.ts'
import { firstUnread, normalized, readTo, withoutRead, withRead } from '../../src/demo/read-ranges.ts'

/** Returns a map in which local number i + 1 is text `numbers[i]`; 0 stands for a deleted text. */
function localTexts(...numbers: number[]): LocalTexts {
  const texts = new LocalTexts()
  for (const [i, number] of numbers.entries()) {
    texts.add(number || 1)
    if (number === 0) texts.remove(i + 1)
  }
  return texts
}

// Examples from the specification of local-to-global.
const EXAMPLE = localTexts(1003, 1005, 1009, 1029, 0, 1034, ...new Array(55).fill(0), 1302, 0, 0, 0, 0, 0, 0, 1006)

test('LocalTexts returns adjacent numbers as a dense block', () => {
  expect(EXAMPLE.map(1, 5)).toEqual({
    rangeBegin: 1,
    rangeEnd: 7,
    moreTextsExists: true,
    block: { kind: 'dense', value: { firstLocalNo: 1, texts: [1003, 1005, 1009, 1029, 0, 1034] } },
  })
})

test('LocalTexts returns distant numbers as pairs', () => {
  const { block, ...range } = EXAMPLE.map(1, 6)
  expect(range).toEqual({ rangeBegin: 1, rangeEnd: 63, moreTextsExists: true })
  expect(block.kind).toBe('sparse')
  expect(EXAMPLE.map(50, 10)).toEqual({
    rangeBegin: 50,
    rangeEnd: 70,
    moreTextsExists: false,
    block: {
      kind: 'sparse',
      value: [
        { localNumber: 62, globalNumber: 1302 },
        { localNumber: 69, globalNumber: 1006 },
      ],
    },
  })
})

test('LocalTexts returns the last texts below a ceiling in ascending order', () => {
  const texts = localTexts(1, 2, 3, 5, 8, 9)
  expect(texts.mapDown(100, 2)).toEqual({
    rangeBegin: 5,
    rangeEnd: 7,
    moreTextsExists: true,
    block: { kind: 'dense', value: { firstLocalNo: 5, texts: [8, 9] } },
  })
  expect(texts.mapDown(3, 10)).toMatchObject({ rangeBegin: 1, rangeEnd: 3, moreTextsExists: false })
  expect(texts.mapDown(0, 255)).toMatchObject({ rangeBegin: 1, rangeEnd: 7, moreTextsExists: false })
})

test('LocalTexts does not reuse the local number of a deleted text', () => {
  const texts = localTexts(7, 0)
  expect(texts.add(9)).toBe(3)
  expect(texts.highest).toBe(3)
  expect(localTexts(0, 5).first).toBe(2)
  expect(localTexts().first).toBe(1)
})

test('read ranges are joined when texts are read and split when texts become unread', () => {
  expect(withRead(readTo(2), [5, 3])).toEqual([
    { firstRead: 1, lastRead: 3 },
    { firstRead: 5, lastRead: 5 },
  ])
  expect(withoutRead(readTo(3), 2)).toEqual([
    { firstRead: 1, lastRead: 1 },
    { firstRead: 3, lastRead: 3 },
  ])
  expect(withoutRead(readTo(3), 9)).toEqual(readTo(3))
  expect(normalized([...readTo(3), { firstRead: 4, lastRead: 5 }])).toEqual(readTo(5))
})

test('firstUnread returns the local number after the first read range', () => {
  expect(firstUnread([])).toBe(1)
  expect(firstUnread(readTo(4))).toBe(5)
  expect(firstUnread([{ firstRead: 3, lastRead: 4 }])).toBe(1)
})
