import { expect, it } from 'vitest'
import { textHeadJson } from '../../src/http/output/json.ts'
import type { TextHead } from '../../src/lyskom/texts.ts'

const flags = { deleted: false, inherit: true, secret: false, hideCreator: false, dontGarb: false }

/** A text with an aux-item of each tag. */
function textWith(tags: readonly number[]): TextHead {
  const anonymous = { persNo: 0, name: 'Anonymous person' }
  const createdAt = new Date('2026-01-07T09:45:00Z')
  const item = {
    creator: anonymous,
    createdAt,
    flags,
    inheritLimit: 0,
    data: Buffer.from('http://example.org/å', 'latin1'),
  }
  return {
    textNo: 1,
    author: anonymous,
    noOfMarks: 0,
    creationTime: createdAt,
    contentType: { type: 'text/plain', charset: undefined },
    recipients: [],
    commentTo: [],
    commentIn: [],
    auxItems: tags.map((tag, i) => ({ ...item, auxNo: i + 1, tag })),
  } as unknown as TextHead
}

it('textHeadJson includes the aux-items that clients handle, those of komfeeder too, and no others', () => {
  const { aux_items } = textHeadJson(
    textWith([1, 2, 14, 15, 16, 21, 28, 10100, 10400, 10401, 10402, 10403, 10404, 99999]),
  )
  expect(aux_items.map(({ aux_no, tag }) => [aux_no, tag])).toEqual([
    [2, 'fast-reply'],
    [3, 'faq-text'],
    [5, 'mx-author'],
    [6, 'mx-date'],
    [7, 'faq-for-conf'],
    [10, 'komfeeder-url'],
    [11, 'komfeeder-title'],
    [12, 'komfeeder-author'],
    [13, 'komfeeder-date'],
  ])
  expect(aux_items[0]?.data).toBe('http://example.org/å')
})
