import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../../src/protocol/errors.ts'
import { Framer } from '../../src/protocol/framer.ts'
import { array, fields, h, message, reply, wire } from '../support/wire.ts'

const MANY = 1_000_000

/** Pushes the chunks into a framer, and returns the messages decoded as ISO 8859-1. */
function cut(chunks: (string | Buffer)[], maxBytes = MANY): string[] {
  const messages: string[] = []
  const framer = new Framer((bytes) => messages.push(bytes.toString('latin1')), maxBytes)
  for (const chunk of chunks) framer.push(wire(chunk))
  return messages
}

function tooLarge(): unknown {
  return expect.objectContaining({ code: 'message-too-large' })
}

describe('Framer with whole messages', () => {
  it('delivers messages in order, with their line feeds', () => {
    expect(cut(['=1\n=2 5\n:0 7\n'])).toEqual(['=1\n', '=2 5\n', ':0 7\n'])
  })

  it('delivers a message before it reads the rest of the chunk', () => {
    const messages: string[] = []
    const framer = new Framer((bytes) => messages.push(String(bytes)), 10)
    expect(() => framer.push(Buffer.from('=1\n=2\n=3 99H'))).toThrow(ProtocolError)
    expect(messages).toEqual(['=1\n', '=2\n'])
  })

  it('delivers empty messages', () => {
    expect(cut(['\n\n=1\n'])).toEqual(['\n', '\n', '=1\n'])
  })

  it.each([
    ['a line feed', 'a\nb'],
    ['only line feeds', '\n\n\n'],
    ['the form of a refusal', 'a\n%% LysKOM protocol error.\n'],
    ['the form of a string', 'a\n99999H'],
    ['digits at its end', 'year 1999'],
    ['digits and an H after it', '12'],
    ['no content', ''],
    ['braces and stars', '2 { 1 * }\n'],
    ['every byte', String.fromCharCode(...Array.from({ length: 256 }, (_, code) => code))],
  ])('keeps a message whole if a string in it has %s', (_, content) => {
    const whole = [reply(1, h(content), 5), message(12, 5, 6, h(content)), reply(2, array([h(content), h(content)]))]
    expect(cut([Buffer.concat(whole)])).toEqual(whole.map((bytes) => bytes.toString('latin1')))
  })

  it.each(['=1 H\n', '=1 xH 5\n', '=1 5 H5\n', '=1 5h5\n', '=1 -H\n', '=1 %5 H\n'])(
    'finds no string in %j, where no digits precede the H',
    (line) => {
      expect(cut([line])).toEqual([line])
    },
  )

  it('delivers views on the chunk, and does not modify the chunk', () => {
    const chunk = Buffer.from('=1\n=2\n')
    const before = Buffer.from(chunk)
    const messages: Buffer[] = []
    new Framer((bytes) => messages.push(bytes), MANY).push(chunk)
    expect(messages.map(({ buffer }) => buffer === chunk.buffer)).toEqual([true, true])
    expect(chunk).toEqual(before)
  })
})

describe('Framer with split messages', () => {
  const whole = Buffer.concat([
    reply(1, fields(h('a\nb'), 12, h('7H\n%%')), array([h(''), h('\n')])),
    wire('%% 5H says nothing\n'),
    message(12, 5, 6, h('x'.repeat(300))),
    reply(2),
  ])
  const expected = cut([whole])

  it('delivers the same messages for every split into two chunks', () => {
    for (let at = 0; at <= whole.length; at++) {
      expect(cut([whole.subarray(0, at), whole.subarray(at)])).toEqual(expected)
    }
  })

  it('delivers the same messages for every split into three chunks', () => {
    const short = whole.subarray(0, 60)
    const once = cut([short])
    for (let first = 0; first <= short.length; first++) {
      for (let second = first; second <= short.length; second++) {
        expect(cut([short.subarray(0, first), short.subarray(first, second), short.subarray(second)])).toEqual(once)
      }
    }
  })

  it.each([1, 2, 3, 7, 64])('delivers the same messages in chunks of %i bytes', (size) => {
    const pieces: Buffer[] = []
    for (let at = 0; at < whole.length; at += size) pieces.push(whole.subarray(at, at + size))
    expect(cut(pieces)).toEqual(expected)
  })

  it('accepts a split between the digits of a length and before its H', () => {
    expect(cut(['=1 1', '0', 'H12345678', '9\n', '\n'])).toEqual(['=1 10H123456789\n\n'])
  })

  it('accepts a split between the two percent signs of a refusal', () => {
    expect(cut(['%', '% 5H\n=1\n'])).toEqual(['%% 5H\n', '=1\n'])
    expect(cut(['%', '%', ' 5H', '\n', '=1\n'])).toEqual(['%% 5H\n', '=1\n'])
  })

  it('ignores empty chunks', () => {
    expect(cut(['', '=1 3', '', 'Ha', '', '\n', '', 'b', '\n'])).toEqual(['=1 3Ha\nb\n'])
  })

  it('does not modify delivered messages when it reads later chunks', () => {
    const messages: Buffer[] = []
    const framer = new Framer((bytes) => messages.push(bytes), MANY)
    for (const piece of ['=1 3Ha', '\nb', '\n=2 3Hc', '\nd\n', '=3 5', '\n']) framer.push(Buffer.from(piece))
    expect(messages.map(String)).toEqual(['=1 3Ha\nb\n', '=2 3Hc\nd\n', '=3 5\n'])
  })

  it('reads a message of a megabyte in single bytes within the test timeout', () => {
    const large = reply(1, h('\n'.repeat(1_000_000)))
    let count = 0
    const framer = new Framer((bytes) => {
      count++
      expect(bytes.equals(large)).toBe(true)
    }, 2_000_000)
    for (let at = 0; at < large.length; at++) framer.push(large.subarray(at, at + 1))
    expect(count).toBe(1)
  })
})

describe('Framer with refusals', () => {
  it.each(['%%LysKOM unsupported protocol.\n', '%% 5H\n', '%%5H\n', '%% 999999999999H is a long string\n', '%%\n'])(
    'treats %j as one line of text without strings',
    (line) => {
      expect(cut([`${line}=1\n`], 100)).toEqual([line, '=1\n'])
    },
  )

  it('recognizes a refusal only at the beginning of a message', () => {
    expect(cut(['=%% 3Ha\nb\n'])).toEqual(['=%% 3Ha\nb\n'])
    expect(cut(['=', '% 3Ha\nb\n'])).toEqual(['=% 3Ha\nb\n'])
    expect(cut([' %% 3Ha\nb\n'])).toEqual([' %% 3Ha\nb\n'])
    expect(cut(['%1 2 3%% 3Ha\nb\n'])).toEqual(['%1 2 3%% 3Ha\nb\n'])
  })

  it('recognizes strings again in the message after a refusal', () => {
    expect(cut(['%% No\n=1 3Ha\nb\n'])).toEqual(['%% No\n', '=1 3Ha\nb\n'])
  })
})

describe('size limit of Framer', () => {
  it('accepts a message of exactly the limit', () => {
    expect(cut(['=1 4Habcd\n'], 10)).toEqual(['=1 4Habcd\n'])
    expect(cut(['=1 4H', 'abcd', '\n'], 10)).toEqual(['=1 4Habcd\n'])
  })

  it('rejects a message one byte over the limit, whole or split', () => {
    expect(() => cut(['=1 5Habcde\n'], 10)).toThrow(tooLarge())
    expect(() => cut(['=1 5H', 'abcde', '\n'], 10)).toThrow(tooLarge())
    expect(() => cut(['=1 abcdef\n'], 9)).toThrow(tooLarge())
    expect(() => cut(['=1 ab', 'cdef', '\n'], 9)).toThrow(tooLarge())
  })

  it('applies to each message separately', () => {
    expect(cut(['=1 abc\n'.repeat(1000)], 7).length).toBe(1000)
  })

  it.each([
    ['2 GB', '=1 2147483648H'],
    ['a length of 400 digits', `=1 ${'9'.repeat(400)}H`],
    ['a length that wraps to 0 in 64 bits', '=1 18446744073709551616H'],
  ])('rejects a string that announces %s before its first byte', (_, bytes) => {
    expect(() => cut([bytes], 1000)).toThrow(tooLarge())
    expect(() => cut([...bytes], 1000)).toThrow(tooLarge())
  })

  it('adds up the lengths of the strings in a message', () => {
    expect(() => cut([`=1 6H${'x'.repeat(6)} 6H`], 15)).toThrow(tooLarge())
  })

  it('does not count numbers that are not string lengths', () => {
    expect(cut(['=1 99999999999 99999999999\n'], 100)).toEqual(['=1 99999999999 99999999999\n'])
  })

  it('rejects an endless refusal', () => {
    const framer = new Framer(() => undefined, 1000)
    expect(() => {
      for (;;) framer.push(Buffer.from('%% '))
    }).toThrow(tooLarge())
    expect(framer.rest().length).toBeLessThanOrEqual(1000)
  })

  it('buffers no part of a chunk that exceeds the limit', () => {
    const framer = new Framer(() => undefined, 1000)
    framer.push(Buffer.from('=1 '))
    expect(() => framer.push(Buffer.alloc(1_000_000, 0x61))).toThrow(tooLarge())
    expect(framer.rest().toString()).toBe('=1 ')
  })

  it('allocates memory for received bytes, not for an announced length', () => {
    const framer = new Framer(() => undefined, 2 ** 33)
    const before = process.memoryUsage().arrayBuffers
    framer.push(Buffer.from('=1 4294967295H'))
    framer.push(Buffer.from('abc'))
    expect(framer.rest().toString()).toBe('=1 4294967295Habc')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16_000_000)
  })
})

describe('Framer.rest', () => {
  it('returns the received part of an unfinished message', () => {
    const framer = new Framer(() => undefined, MANY)
    expect([framer.rest().length, framer.partial]).toEqual([0, false])
    framer.push(Buffer.from('=1\n%% No con'))
    framer.push(Buffer.from('nections'))
    expect([framer.rest().toString(), framer.partial]).toEqual(['%% No connections', true])
    framer.push(Buffer.from(' left.\n'))
    expect([framer.rest().length, framer.partial]).toEqual([0, false])
  })

  it('returns the received part of a string', () => {
    const framer = new Framer(() => undefined, MANY)
    framer.push(Buffer.from('=1 10Ha\nb'))
    expect([framer.rest().toString(), framer.partial]).toEqual(['=1 10Ha\nb', true])
  })
})
