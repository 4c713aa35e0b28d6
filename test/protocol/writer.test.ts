import { describe, expect, it } from 'vitest'
import { replyData, writeHello, writeMessage, writeReply, writeRequest } from '../../src/protocol/envelope.ts'
import { Reader } from '../../src/protocol/reader.ts'
import { Writer } from '../../src/protocol/writer.ts'
import { array, fields, h, message, reply, wire } from '../support/wire.ts'

function written(write: (writer: Writer) => void): string {
  const writer = new Writer()
  write(writer)
  return writer.end().toString('latin1')
}

function unwritable(): unknown {
  return expect.objectContaining({ name: 'ProtocolError', code: 'unwritable' })
}

describe('tokens', () => {
  it('are separated by one space', () => {
    const line = written((writer) => {
      writer.int(1, 9)
      writer.bool(true)
      writer.latin1('ab')
      writer.bits([true, false])
      writer.float(1.5)
      writer.arrayStart(1)
      writer.bytes(Buffer.from('c'))
      writer.arrayEnd()
      writer.arrayLength(3)
    })
    expect(line).toBe('1 1 2Hab 10 1.5 1 { 1Hc } 3 *\n')
  })

  it('follow a mark without a space', () => {
    expect(
      written((writer) => {
        writer.mark(0x3d)
        writer.int(1, 9)
        writer.int(2, 9)
      }),
    ).toBe('=1 2\n')
  })

  it.each(['ab ', ' ', '1 ', '', ' { ', '\n'])('keep their separator after the string %j', (text) => {
    const line = written((writer) => {
      writer.latin1(text)
      writer.bytes(Buffer.from(text))
      writer.int(5, 9)
    })
    expect(line).toBe(`${fields(h(text), h(text), 5)}\n`)
  })

  it('may be nothing at all', () => {
    expect(written(() => undefined)).toBe('\n')
  })
})

describe('a whole number', () => {
  it.each([0, 9, 10, 255, 4_294_967_295])('%i is written in decimal', (value) => {
    expect(written((writer) => writer.int(value, 2 ** 32 - 1))).toBe(`${value}\n`)
  })

  it('is never negative zero', () => {
    expect(written((writer) => writer.int(-0, 9))).toBe('0\n')
  })

  it.each([-1, 0.5, 256, 1e21, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0.5])(
    'is not %d',
    (value) => {
      expect(() => written((writer) => writer.int(value, 255))).toThrow(unwritable())
    },
  )

  it.each(['1', null, undefined, true, [1], {}])('is not %j of another type', (value) => {
    expect(() => written((writer) => writer.int(value as number, 255))).toThrow(unwritable())
  })

  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 1e21])('as the length of an array is not %d', (length) => {
    expect(() => written((writer) => writer.arrayLength(length))).toThrow(unwritable())
  })
})

describe('a boolean', () => {
  it.each([0, 1, 'true', null, undefined])('is not %j', (value) => {
    expect(() => written((writer) => writer.bool(value as unknown as boolean))).toThrow(unwritable())
  })
})

describe('a floating point number', () => {
  it.each([
    [0, '0'],
    [-0, '0'],
    [1.5, '1.5'],
    [1 / 3, '0.333333'],
    [1e-5, '0.00001'],
    [1e-9, '1e-9'],
    [123_456_789, '123457000'],
    [1e300, '1e+300'],
    [-2.5, '-2.5'],
    [Number.POSITIVE_INFINITY, 'inf'],
    [Number.NEGATIVE_INFINITY, '-inf'],
    [Number.NaN, 'nan'],
  ])('%d is written with the six digits of C', (value, token) => {
    const line = written((writer) => writer.float(value))
    expect(line).toBe(`${token}\n`)
    const error = Math.abs(new Reader(Buffer.from(line)).float() - value)
    if (Number.isFinite(value)) expect(error).toBeLessThanOrEqual(Math.abs(value) * 1e-5)
  })

  it('is not a string', () => {
    expect(() => written((writer) => writer.float('1' as unknown as number))).toThrow(unwritable())
  })
})

describe('a string', () => {
  it.each([
    ['a line feed', 'a\n1 44 0\n'],
    ['a quote', '"it\'s" `quoted` \\'],
    ['another length', '5Habc'],
    ['braces and stars', '{ * }'],
    ['NUL', '\0'],
    ['all of ISO 8859-1', String.fromCharCode(...Array.from({ length: 256 }, (_, code) => code))],
  ])('is data, with %s too', (_, text) => {
    const expected = `${fields(h(text), 1).toString('latin1')}\n`
    const of = (write: (writer: Writer) => void) =>
      written((writer) => {
        write(writer)
        writer.int(1, 9)
      })
    expect(of((writer) => writer.latin1(text))).toBe(expected)
    expect(of((writer) => writer.bytes(Buffer.from(text, 'latin1')))).toBe(expected)
  })

  it.each(['\u0100', 'snö ☃', '\u{1f600}', '\ud800', 'a\n\u2028'])('is not %j, outside ISO 8859-1', (text) => {
    expect(() => written((writer) => writer.latin1(text))).toThrow(unwritable())
  })

  it.each([1, null, undefined, {}, Buffer.from('x')])('of ISO 8859-1 is not %j', (value) => {
    expect(() => written((writer) => writer.latin1(value as string))).toThrow(unwritable())
  })

  it.each(['x', null, undefined, [1, 2], new ArrayBuffer(2), new Uint16Array(2)])('of bytes is not %j', (value) => {
    expect(() => written((writer) => writer.bytes(value as unknown as Uint8Array))).toThrow(unwritable())
  })

  it('of bytes is copied', () => {
    const bytes = Buffer.from('before')
    const writer = new Writer()
    writer.bytes(bytes)
    bytes.fill('x')
    expect(String(writer.end())).toBe('6Hbefore\n')
  })

  it('of bytes is only the part of the memory that it shows', () => {
    const part = new Uint8Array(Buffer.from('hello there').buffer, 0, 0)
    expect(written((writer) => writer.bytes(part))).toBe('0H\n')
    expect(written((writer) => writer.bytes(Buffer.from('hello there').subarray(6, 9)))).toBe('3Hthe\n')
  })

  it('may be long', () => {
    const text = 'x'.repeat(1_000_000)
    expect(written((writer) => writer.latin1(text))).toBe(`1000000H${text}\n`)
  })
})

it('makes room as it is needed, wherever the message has got to', () => {
  const tokens = (writer: Writer) => {
    writer.int(4_294_967_295, 2 ** 32 - 1)
    writer.latin1('å')
    writer.bits([true, false, true, false])
    writer.arrayStart(0)
    writer.arrayEnd()
    writer.float(-1.23457e-300)
    writer.bool(true)
    writer.arrayLength(4_294_967_295)
  }
  const expected = ' 4294967295 1Hå 1010 0 { } -1.23457e-300 1 4294967295 *'
  for (let before = 0; before < 300; before++) {
    const line = written((writer) => {
      writer.bytes(Buffer.alloc(before, 'x'))
      for (let i = 0; i < 5; i++) tokens(writer)
    })
    expect(line).toBe(`${before}H${'x'.repeat(before)}${expected.repeat(5)}\n`)
  }
})

describe('a line', () => {
  it('says hello with who connects', () => {
    expect(writeHello('komgate', 'kom.example.org').toString()).toBe('A23Hkomgate%kom.example.org\n')
    expect(writeHello('a\n1 44 0', 'b').toString()).toBe('A10Ha\n1 44 0%b\n')
  })

  it('of a request is its number, then its fields', () => {
    const params = { text: Buffer.from('Hi\n1 44 0\n'), miscInfo: [{ kind: 'recpt' as const, value: 5 }], auxItems: [] }
    const line = wire(fields(7, 86, h('Hi\n1 44 0\n'), array(['0 5']), '0 { }'), '\n')
    expect(writeRequest(7, 'create-text', params)).toEqual(line)
    expect(writeRequest(4_294_967_295, 'get-time', {}).toString()).toBe('4294967295 35\n')
  })

  it('of a reply is as the server writes it', () => {
    expect(writeReply(7, 'get-text', Buffer.from('a\nb'))).toEqual(reply(7, h('a\nb')))
    expect(writeReply(7, 'logout', undefined)).toEqual(reply(7))
    expect(writeReply(7, 'lookup-name', { confNos: [], confTypes: [] })).toEqual(reply(7, '0 * *'))
    expect(writeReply(7, 'get-marks', [])).toEqual(reply(7, '0 *'))
  })

  it('of a reply can be had without its envelope', () => {
    expect(replyData('get-text', Buffer.from('a\n\xff', 'latin1'))).toBe('3Ha\n\xff')
    expect(replyData('logout', undefined)).toBe('')
  })

  it('of a message counts its parameters, an array as two', () => {
    expect(writeMessage('async-login', { persNo: 5, sessionNo: 2 })).toEqual(message(9, 5, 2))
    expect(writeMessage('async-sync-db', {})).toEqual(message(7))
    const unchanged = { textNo: 4, deleted: [], added: [] }
    expect(writeMessage('async-text-aux-changed', unchanged).toString()).toBe(':5 22 4 0 * 0 *\n')
  })

  it.each([-1, 0.5, 2 ** 32])('is not numbered %d', (refNo) => {
    expect(() => writeRequest(refNo, 'get-time', {})).toThrow(unwritable())
  })
})
