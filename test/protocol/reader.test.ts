import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../../src/protocol/errors.ts'
import { Reader } from '../../src/protocol/reader.ts'

const INT32 = 2 ** 32 - 1

function over(tokens: string): Reader {
  return new Reader(Buffer.from(`${tokens}\n`, 'latin1'))
}

function unreadable(): unknown {
  return expect.objectContaining({ name: 'ProtocolError', code: 'unreadable' })
}

describe('Reader.int', () => {
  it.each([
    ['0', 0],
    ['7', 7],
    ['4294967295', INT32],
    ['   12', 12],
    ['007', 7],
  ])('reads %j as %i', (token, value) => {
    expect(over(token).int(INT32)).toBe(value)
  })

  it.each(['', ' ', '-1', '+1', 'x', '{', '*', 'H', '.5', '\t1', '\r1', '\0', '\xb2'])('rejects %j', (token) => {
    expect(() => over(token).int(INT32)).toThrow(unreadable())
  })

  it.each([
    ['256', 255],
    ['65536', 65_535],
    ['4294967296', INT32],
    ['18446744073709551616', INT32],
    ['9'.repeat(400), INT32],
    ['0'.repeat(16), INT32],
  ])('rejects %s, which exceeds %i', (token, max) => {
    expect(() => over(token).int(max)).toThrow(unreadable())
  })

  it('reads integers up to the largest safe integer exactly', () => {
    expect(over('999999999999999').int(Number.MAX_SAFE_INTEGER)).toBe(999_999_999_999_999)
  })

  it('stops after the digits', () => {
    const reader = over('12{')
    expect(reader.int(99)).toBe(12)
    expect(reader.arrayOpen()).toBe(true)
  })
})

describe('Reader.bool', () => {
  it('reads 0 and 1', () => {
    const reader = over('0 1')
    expect([reader.bool(), reader.bool()]).toEqual([false, true])
  })

  it.each(['2', '11', 'true', '', '-1'])('rejects %j', (token) => {
    expect(() => over(token).bool()).toThrow(unreadable())
  })
})

describe('Reader.float', () => {
  it.each([
    ['0', 0],
    ['19.80', 19.8],
    ['1.2e-02', 0.012],
    ['3.77589e-05', 3.77589e-5],
    ['1e+06', 1e6],
    ['1E6', 1e6],
    ['-1.5', -1.5],
    ['1.79769e+308', 1.79769e308],
    ['4.94066e-324', 5e-324],
    ['inf', Number.POSITIVE_INFINITY],
    ['-inf', Number.NEGATIVE_INFINITY],
    ['nan', Number.NaN],
    ['-nan', Number.NaN],
  ])('reads %s, which is in the format of C', (token, value) => {
    expect(over(`${token} 1`).float()).toBe(value)
    expect(over(token).float()).toBe(value)
    expect(over(`${token}}`).float()).toBe(value)
  })

  it.each([
    '',
    'x',
    '1.2.3',
    '1e',
    'e5',
    '--1',
    '+1',
    '0x10',
    '1,5',
    'Infinity',
    'infinity',
    '1e9999',
    '1_0',
    '.',
    '5H',
  ])('rejects %j', (token) => {
    expect(() => over(token).float()).toThrow(unreadable())
  })
})

describe('Reader.bytes and Reader.latin1', () => {
  it('reads the announced number of arbitrary bytes', () => {
    const reader = over('  5Ha\nb 5 0H 3H{\0\xff')
    expect(reader.bytes()).toEqual(Buffer.from('a\nb 5'))
    expect(reader.bytes()).toEqual(Buffer.alloc(0))
    expect(reader.latin1()).toBe('{\0\xff')
    reader.end()
  })

  it('returns a view on the message', () => {
    const message = Buffer.from('3Habc\n')
    expect(new Reader(message).bytes().buffer).toBe(message.buffer)
  })

  it.each([
    '',
    '5',
    '5 H',
    'H',
    '-1H',
    '3habc',
    '4Habc',
    '3Hab',
    '4294967296H',
    '99999999999999999999H',
    '2147483648Habc',
  ])('rejects %j', (token) => {
    expect(() => over(token).bytes()).toThrow(unreadable())
    expect(() => over(token).latin1()).toThrow(unreadable())
  })

  it('never includes the line feed that ends the message', () => {
    expect(over('3Habc').bytes()).toEqual(Buffer.from('abc'))
    expect(() => over('4Habc').bytes()).toThrow(unreadable())
  })
})

describe('Reader.bits and Reader.bitsOf', () => {
  it('reads bit by bit', () => {
    const reader = over(' 0101}')
    const start = reader.bitsOf(4)
    expect([0, 1, 2, 3].map((bit) => reader.bit(start + bit))).toEqual([false, true, false, true])
    expect(over('10000000').bits().length).toBe(8)
  })

  it.each(['', '010', '01010', '0102', '01 01', '0101x', '{', '2'])('rejects %j as a string of four bits', (token) => {
    expect(() => over(token).bitsOf(4)).toThrow(unreadable())
  })

  it.each(['', '2', '01x', '0101H', '{'])('rejects %j as a bit string of any length', (token) => {
    expect(() => over(token).bits()).toThrow(unreadable())
  })
})

describe('Reader arrays', () => {
  it.each([
    ['0 *', { length: 0, follows: false }],
    ['3 *', { length: 3, follows: false }],
    ['4294967296 *', { length: 4_294_967_296, follows: false }],
    ['0 { }', { length: 0, follows: true }],
    ['2 { 1 2 }', { length: 2, follows: true }],
    ['2{1 2}', { length: 2, follows: true }],
  ])('reads the start of the array %j', (token, start) => {
    expect(over(token).arrayStart()).toEqual(start)
  })

  it.each(['', '*', '{ }', '2', '2 }', '-1 *', '-1 { }', '1 ( 1 )', '9999999999999999 *'])('rejects %j', (token) => {
    expect(() => over(token).arrayStart()).toThrow(unreadable())
  })

  it.each(['2147483648 { 1 }', '4 { 1 }', '999999999999999 { }'])(
    'rejects %j, which announces more elements than the message holds',
    (token) => {
      expect(() => over(token).arrayStart()).toThrow(unreadable())
    },
  )

  it('requires the closing brace', () => {
    expect(() => over(' }').arrayEnd()).not.toThrow()
    expect(() => over('5 }').arrayEnd()).toThrow(unreadable())
    expect(() => over('').arrayEnd()).toThrow(unreadable())
  })
})

describe('Reader.end', () => {
  it('accepts only spaces before the line feed', () => {
    expect(() => over('').end()).not.toThrow()
    expect(() => over('   ').end()).not.toThrow()
    expect(() => over('1').end()).toThrow(unreadable())
    expect(() => new Reader(Buffer.from('\n\n')).end()).toThrow(unreadable())
  })

  it.each(['', '=1', '=1\n '])('rejects the message %j, which does not end with a line feed', (bytes) => {
    expect(() => new Reader(Buffer.from(bytes))).toThrow(unreadable())
  })

  it('does not move past the end of the message', () => {
    const reader = over('1')
    reader.int(9)
    for (let i = 0; i < 3; i++) {
      expect(() => reader.int(9)).toThrow(unreadable())
      expect(() => reader.float()).toThrow(unreadable())
      expect(() => reader.bits()).toThrow(unreadable())
      expect(() => reader.bytes()).toThrow(unreadable())
      expect(() => reader.arrayOpen()).toThrow(unreadable())
    }
    reader.end()
    expect([reader.remaining, reader.peek()]).toEqual([1, 0x0a])
  })

  it('does not quote the message in errors, since it may contain a password', () => {
    const error = thrown(() => over('secret').int(9))
    expect(error).toBeInstanceOf(ProtocolError)
    expect(String(error)).not.toContain('secret')
    expect(String(error)).toContain('at byte 0 of 7')
  })
})

function thrown(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    return error
  }
}
