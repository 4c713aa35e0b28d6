import { expect, it } from 'vitest'
import { coming, type LinkedText, nextUnread, upcoming } from '../../src/web/reader/reading/order.ts'

/** Links by text: 1 has the comments 2 and 5, 2 the comment 3 and the footnote 4. */
const LINKS: Record<number, LinkedText> = {
  1: links([], [2, 5]),
  2: links([1], [3], [4]),
  3: links([2]),
  4: links([2]),
  5: links([1]),
}

function links(commentTo: number[], comments: number[] = [], footnotes: number[] = []): LinkedText {
  return {
    comment_to_list: commentTo.map((text_no) => ({ text_no })),
    comment_in_list: [
      ...comments.map((text_no) => ({ type: 'comment' as const, text_no })),
      ...footnotes.map((text_no) => ({ type: 'footnote' as const, text_no })),
    ],
  }
}

const next = (unread: Record<number, number[]>, from: { confNo?: number; textNo?: number } = {}) =>
  nextUnread(
    Object.entries(unread).map(([no, unread_texts]) => ({ conf_no: Number(no), unread_texts })),
    { confNo: from.confNo, textNo: from.textNo },
    (textNo) => LINKS[textNo],
  )

it('begins with the first text of the first conference', () => {
  expect(next({ 7: [10, 11], 8: [1] })).toEqual({ confNo: 7, textNo: 10 })
})

it('reads a thread to its end: footnotes first, then comments, then those of the texts above', () => {
  const order: number[] = []
  const unread = [1, 2, 3, 4, 5, 9]
  let textNo = 1
  for (;;) {
    const found = next({ 7: unread.filter((no) => no > 1 && !order.includes(no)) }, { confNo: 7, textNo })
    if (found === undefined) break
    order.push(found.textNo)
    textNo = found.textNo
  }
  expect(order).toEqual([2, 4, 3, 5, 9])
})

it('finds unread comments below comments that have been read', () => {
  expect(next({ 7: [9, 3] }, { confNo: 7, textNo: 1 })).toEqual({ confNo: 7, textNo: 3 })
})

it('stays in the conference before it goes on to the next one', () => {
  expect(next({ 6: [20], 7: [11] }, { confNo: 7, textNo: 10 })).toEqual({ confNo: 7, textNo: 11 })
  expect(next({ 6: [20], 7: [10] }, { confNo: 7, textNo: 10 })).toEqual({ confNo: 6, textNo: 20 })
})

it('ends when no other text is unread', () => {
  expect(next({ 7: [10], 8: [10] }, { confNo: 7, textNo: 10 })).toBeUndefined()
  expect(next({})).toBeUndefined()
})

it('ends in a thread that is a circle', () => {
  const circle: Record<number, LinkedText> = { 1: links([2], [2]), 2: links([1], [1]) }
  const unread = [{ conf_no: 7, unread_texts: [9] }]
  expect(nextUnread(unread, { confNo: 7, textNo: 1 }, (no) => circle[no])).toEqual({ confNo: 7, textNo: 9 })
})

it('goes through threads that are deeper than the stack', () => {
  const depth = 200_000
  const linksOf = (no: number) => links(no > 1 ? [no - 1] : [], no < depth ? [no + 1] : [])
  const unread = [{ conf_no: 7, unread_texts: [depth] }]
  expect(nextUnread(unread, { confNo: 7, textNo: 1 }, linksOf)).toEqual({ confNo: 7, textNo: depth })
})

it('lists the texts that are read next, each once: of the thread, the conference, and the next conferences', () => {
  const unread = [
    { conf_no: 6, unread_texts: [20, 3] },
    { conf_no: 7, unread_texts: [9, 3, 5, 1] },
  ]
  const from = { confNo: 7, textNo: 1 }
  expect(upcoming(unread, from, (no) => LINKS[no], 10)).toEqual([3, 5, 9, 20])
  expect(upcoming(unread, from, (no) => LINKS[no], 2)).toEqual([3, 5])
  expect(upcoming(unread, { confNo: undefined, textNo: undefined }, () => undefined, 3)).toEqual([20, 3, 9])
})

it('says what comes: comments of the thread, texts of the conference, or the next conference', () => {
  const unread = [
    { conf_no: 6, unread_texts: [20, 21] },
    { conf_no: 7, unread_texts: [1, 3, 5, 9] },
  ]
  const kindAfter = (textNo: number, next: { confNo: number; textNo: number }) =>
    coming(unread, next, { confNo: 7, textNo }, (no) => LINKS[no])
  expect(kindAfter(1, { confNo: 7, textNo: 3 })).toEqual({ kind: 'thread', count: 2 })
  expect(kindAfter(9, { confNo: 7, textNo: 1 })).toEqual({ kind: 'conference', count: 3 })
  expect(kindAfter(9, { confNo: 6, textNo: 20 })).toEqual({ kind: 'next-conference', count: 2 })
})
