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

describe('Writer tokens', () => {
  it('separates tokens by one space', () => {
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

  it('writes no space between a mark and the first token', () => {
    expect(
      written((writer) => {
        writer.mark(0x3d)
        writer.int(1, 9)
        writer.int(2, 9)
      }),
    ).toBe('=1 2\n')
  })

  it.each(['ab ', ' ', '1 ', '', ' { ', '\n'])('writes a separator after the string %j', (text) => {
    const line = written((writer) => {
      writer.latin1(text)
      writer.bytes(Buffer.from(text))
      writer.int(5, 9)
    })
    expect(line).toBe(`${fields(h(text), h(text), 5)}\n`)
  })

  it('writes a message without tokens as a line feed', () => {
    expect(written(() => undefined)).toBe('\n')
  })
})

describe('Writer.int', () => {
  it.each([0, 9, 10, 255, 4_294_967_295])('writes %i in decimal', (value) => {
    expect(written((writer) => writer.int(value, 2 ** 32 - 1))).toBe(`${value}\n`)
  })

  it('writes negative zero as 0', () => {
    expect(written((writer) => writer.int(-0, 9))).toBe('0\n')
  })

  it.each([-1, 0.5, 256, 1e21, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0.5])(
    'rejects the number %d, which is not an integer from 0 to 255',
    (value) => {
      expect(() => written((writer) => writer.int(value, 255))).toThrow(unwritable())
    },
  )

  it.each(['1', null, undefined, true, [1], {}])('rejects %j, which is not a number', (value) => {
    expect(() => written((writer) => writer.int(value as number, 255))).toThrow(unwritable())
  })

  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 1e21])('rejects %d as the length of an array', (length) => {
    expect(() => written((writer) => writer.arrayLength(length))).toThrow(unwritable())
  })
})

describe('Writer.bool', () => {
  it.each([0, 1, 'true', null, undefined])('rejects %j, which is not a boolean', (value) => {
    expect(() => written((writer) => writer.bool(value as unknown as boolean))).toThrow(unwritable())
  })
})

describe('Writer.float', () => {
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
  ])('writes %d with six significant digits, as C does', (value, token) => {
    const line = written((writer) => writer.float(value))
    expect(line).toBe(`${token}\n`)
    const error = Math.abs(new Reader(Buffer.from(line)).float() - value)
    if (Number.isFinite(value)) expect(error).toBeLessThanOrEqual(Math.abs(value) * 1e-5)
  })

  it('rejects a string', () => {
    expect(() => written((writer) => writer.float('1' as unknown as number))).toThrow(unwritable())
  })
})

describe('Writer.latin1 and Writer.bytes', () => {
  it.each([
    ['a line feed', 'a\n1 44 0\n'],
    ['a quote', '"it\'s" `quoted` \\'],
    ['another length', '5Habc'],
    ['braces and stars', '{ * }'],
    ['NUL', '\0'],
    ['all of ISO 8859-1', String.fromCharCode(...Array.from({ length: 256 }, (_, code) => code))],
  ])('write a string with %s unchanged after its length', (_, text) => {
    const expected = `${fields(h(text), 1).toString('latin1')}\n`
    const of = (write: (writer: Writer) => void) =>
      written((writer) => {
        write(writer)
        writer.int(1, 9)
      })
    expect(of((writer) => writer.latin1(text))).toBe(expected)
    expect(of((writer) => writer.bytes(Buffer.from(text, 'latin1')))).toBe(expected)
  })

  it.each(['\u0100', 'snö ☃', '\u{1f600}', '\ud800', 'a\n\u2028'])('reject %j, which is outside ISO 8859-1', (text) => {
    expect(() => written((writer) => writer.latin1(text))).toThrow(unwritable())
  })

  it.each([1, null, undefined, {}, Buffer.from('x')])('reject %j as a string in ISO 8859-1', (value) => {
    expect(() => written((writer) => writer.latin1(value as string))).toThrow(unwritable())
  })

  it.each(['x', null, undefined, [1, 2], new ArrayBuffer(2), new Uint16Array(2)])(
    'reject %j as a string of bytes',
    (value) => {
      expect(() => written((writer) => writer.bytes(value as unknown as Uint8Array))).toThrow(unwritable())
    },
  )

  it('copy the bytes', () => {
    const bytes = Buffer.from('before')
    const writer = new Writer()
    writer.bytes(bytes)
    bytes.fill('x')
    expect(String(writer.end())).toBe('6Hbefore\n')
  })

  it('write only the part of the buffer that a view covers', () => {
    const part = new Uint8Array(Buffer.from('hello there').buffer, 0, 0)
    expect(written((writer) => writer.bytes(part))).toBe('0H\n')
    expect(written((writer) => writer.bytes(Buffer.from('hello there').subarray(6, 9)))).toBe('3Hthe\n')
  })

  it('write a string of 1,000,000 characters', () => {
    const text = 'x'.repeat(1_000_000)
    expect(written((writer) => writer.latin1(text))).toBe(`1000000H${text}\n`)
  })
})

it('Writer grows its buffer at any position of the message', () => {
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

describe('message writers', () => {
  it('writeHello writes the user name and the host name', () => {
    expect(writeHello('komgate', 'kom.example.org').toString()).toBe('A23Hkomgate%kom.example.org\n')
    expect(writeHello('a\n1 44 0', 'b').toString()).toBe('A10Ha\n1 44 0%b\n')
  })

  it('writeRequest writes the reference number, the call number and the parameters', () => {
    const params = { text: Buffer.from('Hi\n1 44 0\n'), miscInfo: [{ kind: 'recpt' as const, value: 5 }], auxItems: [] }
    const line = wire(fields(7, 86, h('Hi\n1 44 0\n'), array(['0 5']), '0 { }'), '\n')
    expect(writeRequest(7, 'create-text', params)).toEqual(line)
    expect(writeRequest(4_294_967_295, 'get-time', {}).toString()).toBe('4294967295 35\n')
  })

  it('writeReply writes a reply as the server does', () => {
    expect(writeReply(7, 'get-text', Buffer.from('a\nb'))).toEqual(reply(7, h('a\nb')))
    expect(writeReply(7, 'logout', undefined)).toEqual(reply(7))
    expect(writeReply(7, 'lookup-name', { confNos: [], confTypes: [] })).toEqual(reply(7, '0 * *'))
    expect(writeReply(7, 'get-marks', [])).toEqual(reply(7, '0 *'))
  })

  it('replyData writes a reply without its envelope', () => {
    expect(replyData('get-text', Buffer.from('a\n\xff', 'latin1'))).toBe('3Ha\n\xff')
    expect(replyData('logout', undefined)).toBe('')
  })

  it('writeMessage counts the parameters of a message, and an array as two', () => {
    expect(writeMessage('async-login', { persNo: 5, sessionNo: 2 })).toEqual(message(9, 5, 2))
    expect(writeMessage('async-sync-db', {})).toEqual(message(7))
    const unchanged = { textNo: 4, deleted: [], added: [] }
    expect(writeMessage('async-text-aux-changed', unchanged).toString()).toBe(':5 22 4 0 * 0 *\n')
  })

  it.each([-1, 0.5, 2 ** 32])('writeRequest rejects the reference number %d', (refNo) => {
    expect(() => writeRequest(refNo, 'get-time', {})).toThrow(unwritable())
  })
})
