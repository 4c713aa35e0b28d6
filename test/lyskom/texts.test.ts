import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BodyCache } from '../../src/lyskom/body-cache.ts'
import { contentTypeOf, decode, parseContentType, splitText } from '../../src/lyskom/content.ts'
import { LyskomSession } from '../../src/lyskom/session.ts'
import { getBody, getText } from '../../src/lyskom/texts.ts'
import { isRead, unreadRanges } from '../../src/lyskom/unread-ranges.ts'
import { readUserArea } from '../../src/lyskom/user-area.ts'
import { connectTo } from '../support/connection.ts'
import { type FakeServer, type Handler, startFakeServer } from '../support/fake-server.ts'
import { errorReply, fields, h, reply, time } from '../support/wire.ts'

describe('parseContentType and contentTypeOf', () => {
  it.each([
    ['text/x-kom-basic;charset=utf-8', { type: 'text/x-kom-basic', charset: 'utf-8' }],
    ['x-kom/text', { type: 'text/x-kom-basic', charset: undefined }],
    ['text/html; charset="ISO-8859-1"; x=y', { type: 'text/html;x=y', charset: 'iso-8859-1' }],
    ['image/jpeg; name=image:abc.jpg', { type: 'image/jpeg;name=image:abc.jpg', charset: undefined }],
    ['TEXT/Plain', { type: 'text/plain', charset: undefined }],
    ['nonsense', undefined],
    ['', undefined],
    ['text/', undefined],
    ['text/plain\nX-Header: 1', undefined],
    ['text/plain;x=a\r\nSet-Cookie: b', undefined],
  ])('parse %j as %j', (text, read) => {
    expect(parseContentType(text)).toEqual(read)
  })

  it('return text/plain for a text without a content-type aux-item', () => {
    expect(contentTypeOf([])).toEqual({ type: 'text/plain', charset: undefined })
  })
})

describe('decode and splitText', () => {
  const bytes = (...values: number[]) => Uint8Array.from(values)

  it.each([
    ['utf-8', Buffer.from('å☃\ufeff'), 'å☃\ufeff'],
    ['utf-8', bytes(0xe5), 'å'],
    ['iso-8859-1', bytes(0x80, 0xe5), '\u0080å'],
    ['us-ascii', bytes(0xe5), 'å'],
    ['x-ctext', bytes(0xe5), 'å'],
    ['no-such-charset', bytes(0xe5), 'å'],
    [undefined, bytes(0xe5), 'å'],
    ['koi8-r', bytes(0xc1), 'а'],
  ])(
    'decode a text in %s, as ISO 8859-1 if the charset is unknown or the bytes are invalid',
    (charset, stored, text) => {
      expect(decode(stored, charset)).toBe(text)
    },
  )

  it.each([
    ['subject\nbody\nmore', 'subject', 'body\nmore'],
    ['no line feed', '', 'no line feed'],
    ['\nonly a body', '', 'only a body'],
    ['only a subject\n', 'only a subject', ''],
    ['', '', ''],
  ])('split %j into subject and body', (stored, subject, body) => {
    const split = splitText(Buffer.from(stored))
    expect([String(split.subject), String(split.body)]).toEqual([subject, body])
  })
})

describe('unreadRanges', () => {
  const range = (firstRead: number, lastRead: number) => ({ firstRead, lastRead })

  it.each([
    ['no texts read', [], 3, [{ first: 1, last: 3 }]],
    ['all texts read', [range(1, 3)], 3, []],
    ['gaps between read ranges', [range(1, 2), range(4, 4), range(6, 9)], 12, [{ first: 3, last: 12 }]],
    [
      'gaps that are far apart',
      [range(1, 2), range(4, 15), range(17, 30)],
      40,
      [
        { first: 3, last: 12 },
        { first: 16, last: 25 },
        { first: 31, last: 40 },
      ],
    ],
    ['no texts', [], 0, []],
    ['a read range beyond the highest number', [range(1, 9)], 3, []],
    ['a gap beyond the highest number', [range(1, 1), range(8, 9)], 4, [{ first: 2, last: 4 }]],
  ])('returns the unread ranges with %s', (_, read, highest, unread) => {
    expect(unreadRanges(read, highest, 10)).toEqual(unread)
  })

  it('splits ranges to the maximum size', () => {
    expect(unreadRanges([range(6, 6)], 17, 5)).toEqual([
      { first: 1, last: 5 },
      { first: 7, last: 11 },
      { first: 12, last: 16 },
      { first: 17, last: 17 },
    ])
  })

  it('returns no more ranges than the limit', () => {
    expect(unreadRanges([], 2 ** 32 - 1, 1, 2)).toEqual([
      { first: 1, last: 1 },
      { first: 2, last: 2 },
    ])
  })

  it.each([1, 2, 3, 7])('hold every unread number and begin with one, with a size of %i', (size) => {
    const read = [range(2, 3), range(5, 5), range(9, 14)]
    const numbers = Array.from({ length: 20 }, (_, i) => i + 1)
    const ranges = unreadRanges(read, 20, size)
    const held = (no: number) => ranges.some(({ first, last }) => first <= no && no <= last)
    expect(numbers.filter((no) => !isRead(read, no) && !held(no))).toEqual([])
    expect(ranges.filter(({ first, last }) => isRead(read, first) || last - first >= size)).toEqual([])
  })
})

describe('isRead', () => {
  const read = [
    { firstRead: 2, lastRead: 3 },
    { firstRead: 5, lastRead: 5 },
  ]

  it('returns whether a number is in a range', () => {
    expect([1, 2, 3, 4, 5, 6].filter((no) => isRead(read, no))).toEqual([2, 3, 5])
    expect(isRead([], 1)).toBe(false)
  })
})

it.each([
  ['17H 5Hjskom 6Hcommon 8H{"a": 1} 12H 3Hfoo 3Hbar', { jskom: '{"a": 1}', common: ' 3Hfoo 3Hbar' }],
  ['7H 5Hjskom', {}],
  ['7H 5Hjskom 999H{"a": 1}', {}],
  ['no user area', {}],
  ['', {}],
])('readUserArea returns the readable blocks of %j', (text, blocks) => {
  expect(Object.fromEntries(readUserArea(text))).toEqual(blocks)
})

describe('getBody', () => {
  const GET_TEXT = 25
  const GET_TEXT_STAT = 90
  const stat = (noOfMarks = 0) => fields(time(new Date('2026-01-02T03:04:05Z')), 0, 1, 10, noOfMarks, '0 *', '0 *')

  let bodies: BodyCache
  let server: FakeServer
  let handler: Handler
  const sessions: LyskomSession[] = []

  beforeEach(async () => {
    bodies = new BodyCache(100)
    handler = ({ ref, call }) =>
      call === GET_TEXT ? reply(ref, h('s\nbody')) : call === GET_TEXT_STAT && reply(ref, stat())
    server = await startFakeServer((request, connection) => handler(request, connection))
  })
  afterEach(async () => {
    for (const session of sessions.splice(0)) await session.close()
    await server.close()
  })

  const open = async () => {
    const session = new LyskomSession(await connectTo(server.port), { name: 'x', version: '1' }, bodies)
    sessions.push(session)
    return session
  }
  const fetched = () =>
    server.connections.flatMap(({ received }) => received.filter(({ call }) => call === GET_TEXT)).length

  it('fetches a body once for all sessions, and the status for each read', async () => {
    const [one, two] = [await open(), await open()]
    expect((await getText(one, 1)).content.body).toBe('body')
    handler = ({ ref, call }) => call === GET_TEXT_STAT && reply(ref, stat(7))
    const again = await getText(two, 1)
    expect([again.content.body, again.head.noOfMarks, fetched()]).toEqual(['body', 7, 1])
    expect((await getBody(two, 1, [])).body).toBe('body')
    expect(fetched()).toBe(1)
  })

  it('rejects with no-such-text for a session that may not read the cached text', async () => {
    const [one, two] = [await open(), await open()]
    await getText(one, 1)
    handler = ({ ref, call }) => call === GET_TEXT_STAT && errorReply(ref, 14, 1)
    await expect(getText(two, 1)).rejects.toMatchObject({ errorName: 'no-such-text' })
    await expect(getBody(two, 1, [])).rejects.toMatchObject({ errorName: 'no-such-text' })
    const tag = '1-20260102030405'
    await expect(getBody(two, 1, [tag])).rejects.toMatchObject({ errorName: 'no-such-text' })
  })

  it('does not use the cached body of another text with the same number', async () => {
    const before = await open()
    expect((await getText(before, 1)).content.body).toBe('body')
    const { tag: oldTag } = await getBody(before, 1, [])
    // A server that is restored from a backup may assign the number to a new text.
    const created = time(new Date('2026-01-02T03:04:06Z'))
    handler = ({ ref, call }) =>
      call === GET_TEXT
        ? reply(ref, h('s\nnew body'))
        : call === GET_TEXT_STAT && reply(ref, fields(created, 0, 1, 10, 0, '0 *', '0 *'))
    const after = await open()
    expect((await getText(after, 1)).content.body).toBe('new body')
    const { body, tag } = await getBody(after, 1, [])
    expect([body, fetched()]).toEqual(['new body', 2])
    expect(tag).not.toBe(oldTag)
  })

  it('returns no body for a tag that the client has', async () => {
    const session = await open()
    const { tag } = await getBody(session, 1, [])
    expect(await getBody(session, 1, ['other', tag])).toMatchObject({ tag, body: undefined })
    expect((await getBody(session, 1, ['other'])).body).toHaveLength(4)
  })

  it('returns a tag that depends on the content type and the charset', async () => {
    const session = await open()
    const tags = new Set<string>()
    for (const contentType of [undefined, 'text/plain', 'text/plain;charset=utf-8', 'text/html;charset=utf-8']) {
      const item = fields(1, 1, 10, time(new Date()), '00000000', 0, h(contentType ?? ''))
      const items = contentType === undefined ? '0 *' : fields(1, '{', item, '}')
      const created = time(new Date('2026-01-02T03:04:05Z'))
      handler = ({ ref, call }) =>
        call === GET_TEXT
          ? reply(ref, h('s\nbody'))
          : call === GET_TEXT_STAT && reply(ref, fields(created, 10, 0, 5, 0, '0 *', items))
      tags.add((await getBody(session, 1, [])).tag)
    }
    // A text without a content type is text/plain.
    expect(tags.size).toBe(3)
  })

  it('decodes a cached body again when the content type of the text changes', async () => {
    const session = await open()
    const as = (contentType: string): Handler => {
      const item = fields(1, 1, 0, time(new Date()), '00000000', 0, h(contentType))
      const created = time(new Date('2026-01-02T03:04:05Z'))
      const described = fields(created, 0, 0, 5, 0, '0 *', fields(1, '{', item, '}'))
      return ({ ref, call }) =>
        call === GET_TEXT ? reply(ref, h(Buffer.from('s\nå'))) : call === GET_TEXT_STAT && reply(ref, described)
    }
    handler = as('text/plain;charset=utf-8')
    expect((await getText(session, 1)).content.body).toBe('å')
    handler = as('text/plain')
    expect((await getText(session, 1)).content.body).toBe('\xc3\xa5')
    handler = as('image/png')
    const { body } = await getBody(session, 1, [])
    expect(Buffer.from(body as Uint8Array)).toEqual(Buffer.from([0xc3, 0xa5]))
  })

  it('limits the size of the cache', async () => {
    handler = ({ ref, call, args }) =>
      call === GET_TEXT
        ? reply(ref, h(`s\n${String(args).split(' ')[0]}`.padEnd(60)))
        : call === GET_TEXT_STAT && reply(ref, stat())
    const session = await open()
    for (const textNo of [1, 2, 1]) await getText(session, textNo)
    expect(fetched()).toBe(3)
  })
})
