import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type EventBlock, EventParser } from '../../src/client/event-parser.ts'
import { repetitions } from '../support/repetitions.ts'

/** Parses bytes that arrive in pieces, as the client does. */
function parse(pieces: Iterable<Uint8Array>): EventBlock[] {
  const decoder = new TextDecoder()
  const parser = new EventParser()
  return [...pieces].flatMap((piece) => parser.feed(decoder.decode(piece, { stream: true })))
}

const bytesOf = (text: string) => [...Buffer.from(text)].map((byte) => Uint8Array.of(byte))

describe('the parser of server-sent events', () => {
  it.each([
    { what: 'an event', text: 'id: a-1\nevent: x\ndata: {"a":1}\n\n', blocks: [{ id: 'a-1', data: '{"a":1}' }] },
    { what: 'a position alone', text: 'id: a-1\n\n', blocks: [{ id: 'a-1' }] },
    { what: 'a delay', text: 'retry: 3000\n\n', blocks: [{ retry: 3000 }] },
    { what: 'a comment', text: ':\n\n: more\n\n', blocks: [{}, {}] },
    { what: 'several lines of data', text: 'data: a\ndata:b\ndata\ndata:  c\n\n', blocks: [{ data: 'a\nb\n\n c' }] },
    { what: 'empty data', text: 'data\n\n', blocks: [{ data: '' }] },
    { what: 'an empty position', text: 'id\n\n', blocks: [{ id: '' }] },
    { what: 'fields that are not valid', text: 'retry: 3s\nid: a\0\nDATA: x\nfoo\n\n', blocks: [{}] },
    { what: 'a byte order mark', text: '\ufeffdata: a\n\n', blocks: [{ data: 'a' }] },
    { what: 'CR', text: 'data: a\rdata: b\r\rdata: c\r\r', blocks: [{ data: 'a\nb' }, { data: 'c' }] },
    { what: 'CR LF', text: 'data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n', blocks: [{ data: 'a\nb' }, { data: 'c' }] },
    {
      what: 'separators that are no line ends',
      text: 'data: a\u2028b\u0085c\v\n\n',
      blocks: [{ data: 'a\u2028b\u0085c\v' }],
    },
    { what: 'Unicode', text: 'data: smörgås 🥪\n\n', blocks: [{ data: 'smörgås 🥪' }] },
    { what: 'an event without its end', text: 'data: a\n\nid: 2\ndata: b\n', blocks: [{ data: 'a' }] },
  ])('reads $what, whole and byte by byte', ({ text, blocks }) => {
    expect(parse([Buffer.from(text)])).toEqual(blocks)
    expect(parse(bytesOf(text))).toEqual(blocks)
  })

  it('reads the same blocks wherever the bytes are cut, with any line ends', () => {
    const line = fc.string({ unit: fc.constantFrom('a', ':', ' ', 'ö', '🥪', '\u2028'), maxLength: 8 })
    const block = fc.record(
      {
        id: line,
        data: fc.array(line, { minLength: 1, maxLength: 3 }),
        retry: fc.nat(),
        comment: line,
      },
      { requiredKeys: [] },
    )
    const arbitrary = fc.tuple(fc.array(block), fc.constantFrom('\n', '\r', '\r\n'), fc.array(fc.nat(20)))
    fc.assert(
      fc.property(arbitrary, ([blocks, end, cuts]) => {
        const text = blocks.map(({ id, data = [], retry, comment }) => {
          const lines = [
            ...(id === undefined ? [] : [`id: ${id}`]),
            ...data.map((each) => `data: ${each}`),
            ...(comment === undefined ? [] : [`:${comment}`]),
            ...(retry === undefined ? [] : [`retry: ${retry}`]),
          ]
          return [...lines, '', ''].join(end)
        })
        const bytes = Buffer.from(text.join(''))
        const pieces: Uint8Array[] = []
        let at = 0
        for (const cut of cuts) {
          pieces.push(bytes.subarray(at, at + cut))
          at += cut
        }
        const expected = blocks.map(({ comment: _, data, ...rest }) => ({
          ...rest,
          ...(data !== undefined && { data: data.join('\n') }),
        }))
        expect(parse([...pieces, bytes.subarray(at)])).toEqual(expected)
      }),
      { numRuns: repetitions(500) },
    )
  })
})
