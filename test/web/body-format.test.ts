import { describe, expect, it } from 'vitest'
import { blocksOf, partsOf } from '../../src/web/reader/text/body-format.ts'
import { fileName } from '../../src/web/reader/text/file-name.ts'
import { tidyLines } from '../../src/web/reader/text/tidy-lines.ts'

const kinds = (body: string) => blocksOf(body).map(({ kind }) => kind)

describe('blocksOf', () => {
  it('lets paragraphs of long lines flow, and keeps the lines of addresses, lists and verses', () => {
    const long = 'This text has one recipient: your letterbox. Only you and I'
    expect(kinds(`${long}\n${long}\nread it.`)).toEqual(['flowing'])
    expect(kinds('Roses are red,\nviolets are blue.')).toEqual(['prose'])
    expect(kinds(`${long}\n- ${long}\n- ${long}`)).toEqual(['prose'])
    expect(kinds(`word\n  ${long}\n  ${long}`)).toEqual(['prose'])
  })

  it('finds columns, code and drawings', () => {
    expect(kinds('Dough\n  150 g  butter\n    5 dl  milk')).toEqual(['fixed'])
    expect(kinds('  curl -s http://localhost/\n  echo done')).toEqual(['fixed'])
    expect(kinds('+------+\n| text |\n+------+')).toEqual(['fixed'])
    expect(blocksOf('  one\n\n  two')).toEqual([{ kind: 'fixed', lines: ['  one', '', '  two'] }])
  })

  it('wraps columns that are too wide to be read without scrolling', () => {
    expect(kinds(`${'a  b'.repeat(100)}\nc  d`)).toEqual(['prose'])
  })

  it('separates quotations from answers', () => {
    expect(blocksOf('> one\n> two\nYes.')).toEqual([
      { kind: 'quote', lines: ['> one', '> two'] },
      { kind: 'flowing', lines: ['Yes.'] },
    ])
  })

  it('returns no blocks for an empty body', () => {
    expect(blocksOf(' \r\n\n\r')).toEqual([])
  })

  it('handles 10,000 lines and lines of 100,000 characters in linear time', () => {
    const start = performance.now()
    blocksOf('a  '.repeat(100_000))
    blocksOf(`${' '.repeat(100_000)}\n`.repeat(20))
    blocksOf('> x\n\n'.repeat(10_000))
    partsOf('http://'.repeat(20_000))
    partsOf('mailto:'.repeat(20_000))
    partsOf('<1'.repeat(50_000))
    partsOf(`http://a/${'.'.repeat(100_000)}x`)
    expect(performance.now() - start).toBeLessThan(2000)
  })
})

describe('partsOf', () => {
  it('links URLs without the punctuation of the sentence', () => {
    expect(partsOf('See https://example.org/a?b=c, or (http://x.se/).')).toEqual([
      { text: 'See ' },
      { text: 'https://example.org/a?b=c', href: 'https://example.org/a?b=c' },
      { text: ', or (' },
      { text: 'http://x.se/', href: 'http://x.se/' },
      { text: ').' },
    ])
  })

  it('links addresses of mail', () => {
    expect(partsOf('Write to <mailto:anna@example.org>.')).toEqual([
      { text: 'Write to <' },
      { text: 'mailto:anna@example.org', href: 'mailto:anna@example.org' },
      { text: '>.' },
    ])
    expect(partsOf('a mailto: link, mailto:anna')).toEqual([{ text: 'a mailto: link, mailto:anna' }])
  })

  it.each(['<4711>', 'text 4711', 'Text 4711', 'inlägg 4711', 'inlägget 4711', 'text no. 4711', 'inlägg nr 4711'])(
    'links %s',
    (text) => {
      expect(partsOf(`in ${text}!`)).toEqual([{ text: 'in ' }, { text, textNo: 4711 }, { text: '!' }])
    },
  )

  it.each([
    'context 4711',
    'text 0',
    'text 12345678901',
    'javascript:alert(1)',
    'data:text/html,x',
    'texts 4711',
    '<4711',
    '<0>',
  ])('does not link %s', (text) => {
    expect(partsOf(text)).toEqual([{ text }])
  })
})

describe('texts that would take long', () => {
  it('have their lines tidied', () => {
    expect(tidyLines(' a \t\n\n \n\n  b\u00a0\nc')).toBe('a\n\nb\nc')
    const run = ' '.repeat(1_000_000)
    expect(tidyLines(`a${run}b${run}\n${run}c`)).toBe(`a${run}b\nc`)
  })

  it('have the name of a file at the end of their subject', () => {
    const named = (subject: string) => fileName({ text_no: 7, subject, content_type: 'image/x-icon' })
    expect(named('The map: my map.png ')).toBe('my map.png')
    expect([named('A map'), named('')]).toEqual(['text-7.icon', 'text-7.icon'])
    expect(named('a'.repeat(1_000_000))).toBe('text-7.icon')
  })
})
