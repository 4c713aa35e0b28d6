import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { codecName } from '../../src/lyskom/charsets/names.ts'
import { decode, latin1, splitText } from '../../src/lyskom/content.ts'

type Sample = [label: string, hex: string, text: string | null]
/** The results of the codecs of Python 3.11. A text is null for a UnicodeError or a LookupError. */
const PYTHON: {
  aliases: Record<string, string>
  /** by codec: the characters of the bytes 0 to 255, U+FFFD for a byte without a character */
  single: Record<string, string>
  samples: Sample[]
  spellings: Sample[]
} = JSON.parse(readFileSync(new URL('python-codecs.json', import.meta.url), 'utf8'))
/** Labels that only the Encoding Standard knows. */
const STANDARD = new Set(['mac', 'x-mac-roman'])

describe('decode', () => {
  it.each(Object.keys(PYTHON.single))('decodes every byte in %s like Python', (codec) => {
    const decoded = Array.from({ length: 256 }, (_, byte) => decode(Uint8Array.of(byte), codec))
    const expected = [...(PYTHON.single[codec] as string)]
    expect(decoded).toEqual(expected.map((char, byte) => (char === '\ufffd' ? String.fromCharCode(byte) : char)))
  })

  it.each(PYTHON.samples)('decodes text in %s like Python: %s', (label, hex, text) => {
    const bytes = Buffer.from(hex, 'hex')
    expect(decode(bytes, label.toLowerCase())).toBe(text ?? latin1(bytes))
  })

  it.each(PYTHON.spellings.filter(([label]) => !STANDARD.has(label)))(
    'interprets the label %j like Python',
    (label, hex, text) => {
      const bytes = Buffer.from(hex, 'hex')
      expect(decode(bytes, label)).toBe(text ?? latin1(bytes))
    },
  )

  it('accepts the aliases of Python', () => {
    const names = Object.keys(PYTHON.aliases).map((alias) => [alias, codecName(alias.replaceAll('_', '-'))])
    expect(Object.fromEntries(names)).toEqual(PYTHON.aliases)
  })

  it.each([
    ['x-sjis', '82a0 8740', 'あ①'],
    ['x-cp1252', '80', '€'],
    ['x-mac-cyrillic', '80', 'А'],
    ['windows-1252', '3520 80', '5 €'],
  ])('decodes %s, which is a label of the Encoding Standard', (label, hex, text) => {
    expect(decode(Buffer.from(hex.replaceAll(' ', ''), 'hex'), label)).toBe(text)
  })

  it('decodes a view of a larger buffer', () => {
    const bytes = Buffer.from('xxÅsa xx')
    expect(decode(new Uint8Array(bytes.buffer, bytes.byteOffset + 2, 5), 'utf-8')).toBe('Åsa ')
  })

  it('decodes texts of more than 8 MiB only as ISO 8859-1 and UTF-8, which are fast', () => {
    const bytes = Buffer.alloc(8 * 1024 * 1024 + 1, 'å', 'latin1')
    expect(decode(bytes, 'gb18030')).toBe(latin1(bytes))
    expect(decode(Buffer.alloc(9_000_000, 'å'), 'utf-8')).toBe('å'.repeat(4_500_000))
  })

  it.each([
    ['big5', 'a1 40 c7 cf c6 a6 61', '\u3000жあa'],
    ['cp950', 'c7 cf a4 40 c6 a6', 'ж一あ'],
    ['cp932', 'a0 82 a0 ff f9 41', '\uf8f0あ\uf8f3\ue69d'],
  ])('decodes in %s the bytes %s, which iconv-lite lacks, like Python', (charset, bytes, text) => {
    expect(decode(Buffer.from(bytes.replaceAll(' ', ''), 'hex'), charset)).toBe(text)
  })

  it.each([
    ['big5', [0xf9, 0xe9]],
    ['euc_kr', [0xa4, 0xd4]],
    ['gbk', [0xa3, 0xa0]],
    ['gb2312', [0xa6, 0xe0]],
  ])('reads a text in %s with a pair that Python rejects as ISO 8859-1: %j', (charset, bytes) => {
    expect(decode(Buffer.from(bytes), charset)).toBe(latin1(Buffer.from(bytes)))
  })

  it.each(['mac-roman', 'iso-8859-15', 'shift_jis', 'utf-7', 'utf-16'])('decodes a text of 4 MB in %s', (charset) => {
    expect(decode(Buffer.alloc(4_000_000, 'text'), charset).length).toBeGreaterThan(1_900_000)
  })
})

describe('splitText', () => {
  const encode = (text: string, charset: string): Buffer => {
    const unit = charset.includes('16') ? 2 : 4
    const bytes = Buffer.alloc([...text].length * unit)
    const isBig = charset.endsWith('be')
    for (const [i, char] of [...text].entries()) {
      const at = i * unit
      if (isBig) bytes.writeUIntBE(char.codePointAt(0) ?? 0, at, unit)
      else bytes.writeUIntLE(char.codePointAt(0) ?? 0, at, unit)
    }
    return bytes
  }
  const read = (bytes: Buffer, charset: string) => {
    const { subject, body } = splitText(bytes, charset)
    return [decode(subject, charset), decode(body, charset)]
  }

  describe.each(['utf-16le', 'utf-16be', 'utf-32le', 'utf-32be'])('%s', (charset) => {
    const declared = charset.slice(0, 6)

    it.each([
      ['Åsa', 'en\nrad ☃'],
      ['', 'Ċ上ઊ'],
      ['Ċ上ઊ!', 'b\n'],
      ['s', ''],
    ])('splits a text that is encoded as a whole at its line feed: %j', (subject, body) => {
      const whole = encode(`${subject}\n${body}`, charset)
      expect(read(whole, charset)).toEqual([subject, body])
      expect(read(Buffer.concat([encode('\ufeff', charset), whole]), declared)).toEqual([subject, body])
    })

    it('splits a text whose parts are encoded separately at the line feed of one byte between them', () => {
      const [subject, body] = [encode('Åsa', charset), encode('☃\n', charset)]
      expect(read(Buffer.concat([subject, Buffer.from('\n'), body]), charset)).toEqual(['Åsa', '☃\n'])
      expect(read(Buffer.concat([Buffer.from('s\n'), body]), charset)).toEqual(['s', '☃\n'])
      expect(read(Buffer.concat([Buffer.from('s\n'), encode('\ufeff', charset), body]), declared)).toEqual(['s', '☃\n'])
    })

    it('returns a text without a line feed as the body', () => {
      expect(read(encode('Ċ上ઊ', charset), charset)).toEqual(['', 'Ċ上ઊ'])
    })
  })
})
