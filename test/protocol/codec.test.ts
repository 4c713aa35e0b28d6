import { describe, expect, it } from 'vitest'
import type { Params } from '../../src/protocol/calls/index.ts'
import {
  type AnyCodec,
  array,
  bits,
  bool,
  bytes,
  type Codec,
  enumerationOf,
  float,
  int8,
  int16,
  int32,
  latin1,
  nothing,
  selection,
  specName,
  struct,
} from '../../src/protocol/codec.ts'
import { readData, readEnvelope, readMessage, writeReply, writeRequest } from '../../src/protocol/envelope.ts'
import { ProtocolError } from '../../src/protocol/errors.ts'
import { Reader } from '../../src/protocol/reader.ts'
import {
  anyConfType,
  confListArchaic,
  infoType,
  miscInfo,
  textMapping,
  textStat,
  time,
} from '../../src/protocol/types.ts'
import { Writer } from '../../src/protocol/writer.ts'
import { fields, h, omitted, array as wireArray, time as wireTime } from '../support/wire.ts'

const NOW = new Date('2026-01-02T03:04:05Z')

function read<T>(codec: Codec<T>, tokens: string | Buffer): T {
  return readData(codec, new Reader(Buffer.concat([Buffer.from(tokens as string, 'latin1'), Buffer.from('\n')])))
}

function write<T>(codec: Codec<T>, value: T, side: 'client' | 'server' = 'client'): string {
  const writer = new Writer(undefined, { emptyArrayIsStar: side === 'server' })
  codec.write(writer, value)
  return writer.end().toString('latin1').slice(0, -1)
}

function thrown(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

function refused(code: 'unreadable' | 'unwritable', path = ''): unknown {
  const named = { name: 'ProtocolError', code, path: path === '' ? [] : path.split('.') }
  return expect.objectContaining(named)
}

describe('codecs of simple types', () => {
  it.each<[string, AnyCodec, string, unknown]>([
    ['INT8', int8, '255', 255],
    ['INT16', int16, '65535', 65_535],
    ['INT32', int32, '4294967295', 4_294_967_295],
    ['BOOL', bool, '1', true],
    ['FLOAT', float, '0.5', 0.5],
    ['HOLLERITH as bytes', bytes, '2H\n\xff', Buffer.from([0x0a, 0xff])],
    ['HOLLERITH as ISO 8859-1', latin1, '2H\n\xff', '\n\xff'],
    ['nothing', nothing, '', undefined],
  ])('read and write %s', (_, codec, tokens, value) => {
    expect(read(codec, tokens)).toEqual(value)
    expect(write(codec, value)).toBe(tokens)
  })

  it.each<[string, AnyCodec, string]>([
    ['INT8', int8, '256'],
    ['INT16', int16, '65536'],
    ['INT32', int32, '4294967296'],
  ])('reject a number that is too large for %s when reading and writing', (_, codec, tokens) => {
    expect(() => read(codec, tokens)).toThrow(refused('unreadable'))
    expect(() => write(codec, Number(tokens))).toThrow(refused('unwritable'))
  })

  it('reject data after the last token', () => {
    expect(() => read(int8, '1 2')).toThrow(refused('unreadable'))
    expect(() => read(nothing, '1')).toThrow(refused('unreadable'))
  })
})

describe('bits codec', () => {
  const abc = bits('a', 'bitB', 'c')

  it('reads and writes a bit string as an object of booleans', () => {
    expect(read(abc, '010')).toEqual({ a: false, bitB: true, c: false })
    expect(write(abc, { a: true, bitB: false, c: true })).toBe('101')
  })

  it('writes 0 for a missing property, and 1 only for true', () => {
    expect(write(abc, { bitB: true } as never)).toBe('010')
    expect(write(abc, { a: 1, bitB: 'yes', c: true } as never)).toBe('001')
  })

  it.each(['01', '0101', '012', ''])('rejects %j as a bit string of three bits', (tokens) => {
    expect(() => read(abc, tokens)).toThrow(refused('unreadable'))
  })

  it.each([undefined, null])('rejects %s instead of an object', (value) => {
    expect(() => write(struct({ type: abc }), { type: value as never })).toThrow(refused('unwritable', 'type'))
  })

  it('reads 4 or 8 bits as Any-Conf-Type, and writes 8 bits', () => {
    const long = read(anyConfType, '10011000')
    expect(long).toMatchObject({ rdProt: true, letterbox: true, allowAnonymous: true, forbidSecret: false })
    expect(read(anyConfType, '1001')).toEqual({ ...long, allowAnonymous: false })
    expect(write(anyConfType, read(anyConfType, '1001'))).toBe('10010000')
    // The bits of the next element do not belong to the first one.
    expect(read(array(anyConfType), '2 { 1001 1111 }')[0]).toEqual({ ...long, allowAnonymous: false })
    for (const tokens of ['', '100', '10010', '1001000', '100110000', '1002']) {
      expect(() => read(anyConfType, tokens)).toThrow(refused('unreadable'))
    }
  })
})

describe('array codec', () => {
  const numbers = array(int8)

  it.each([
    ['0 *', []],
    ['0 { }', []],
    ['2 { 5 6 }', [5, 6]],
    ['1{ 5}', [5]],
  ])('reads %j', (tokens, value) => {
    expect(read(numbers, tokens)).toEqual(value)
    expect(read(numbers, tokens).omitted).toBeUndefined()
  })

  it('reads an array without its elements as an empty array with its length in `omitted`', () => {
    const values = read(numbers, '3 *')
    expect([values.length, values.omitted]).toEqual([0, 3])
    expect(write(numbers, values, 'server')).toBe('3 *')
  })

  it('rejects an array without its elements in a request', () => {
    const values = { list: read(numbers, '3 *') }
    expect(() => write(struct({ list: numbers }), values)).toThrow(refused('unwritable', 'list'))
    expect(write(numbers, Object.assign([], { omitted: 0 }))).toBe('0 { }')
  })

  it('writes an empty array as `0 { }` for a client and as `0 *` for a server', () => {
    expect(write(numbers, [])).toBe('0 { }')
    expect(write(numbers, [], 'server')).toBe('0 *')
    expect(writeRequest(1, 'accept-async', { requestList: [] }).toString()).toBe('1 80 0 { }\n')
    expect(writeReply(1, 'query-async', []).toString()).toBe('=1 0 *\n')
  })

  it.each([
    ['2 { 5 }', '1'],
    ['1 { 5 6 }', ''],
    ['1 { 5', ''],
    ['1 { }', '0'],
    ['1 5', ''],
    ['{ 5 }', ''],
    ['-1 { }', ''],
    ['2147483648 { 5 }', ''],
    ['4294967295 {', ''],
    ['99999999999999999999 { }', ''],
  ])('rejects the malformed array %j', (tokens, path) => {
    expect(() => read(numbers, tokens)).toThrow(refused('unreadable', path))
  })

  it.each([undefined, null, 'ab', { length: 1, 0: 5 }, 5])('rejects %j, which is not an array', (value) => {
    expect(() => write(numbers, value as never)).toThrow(refused('unwritable'))
  })

  it.each([-1, 0.5, Number.NaN, '3'])('rejects %j as an omitted length', (length) => {
    const values = Object.assign([], { omitted: length }) as never
    expect(() => write(numbers, values, 'server')).toThrow(refused('unwritable'))
  })
})

describe('Conf-List-Archaic codec', () => {
  const two = {
    confNos: [5, 6],
    confTypes: ['1001', '0000'].map((type) => read(bits('rdProt', 'original', 'secret', 'letterbox'), type)),
  }

  it('reads and writes the second array without its length', () => {
    expect(read(confListArchaic, '2 { 5 6 } { 1001 0000 }')).toEqual(two)
    expect(write(confListArchaic, two)).toBe('2 { 5 6 } { 1001 0000 }')
  })

  it('writes an empty list as `0 * *`', () => {
    expect(read(confListArchaic, '0 * *')).toEqual({ confNos: [], confTypes: [] })
    expect(read(confListArchaic, '0 { } { }')).toEqual({ confNos: [], confTypes: [] })
    expect(write(confListArchaic, { confNos: [], confTypes: [] })).toBe('0 * *')
  })

  it.each(['2 { 5 6 } { 1001 }', '2 { 5 6 } { 1001 0000 0000 }', '2 { 5 6 }', '0 *', '1 { 5 } 1 { 1001 }'])(
    'rejects the malformed list %j',
    (tokens) => {
      expect(() => read(confListArchaic, tokens)).toThrow(refused('unreadable'))
    },
  )

  it('rejects arrays of different lengths when writing', () => {
    expect(() => write(confListArchaic, { ...two, confNos: [5] })).toThrow(refused('unwritable'))
    expect(() => write(confListArchaic, { ...two, confNos: [] })).toThrow(refused('unwritable'))
  })
})

describe('selection and enumeration codecs', () => {
  const one = selection({ 'a-number': [3, 'n', int8], text: [15, 't', latin1] })

  it('read and write a selector and its tail', () => {
    expect(read(one, '3 5')).toEqual({ kind: 'a-number', value: 5 })
    expect(read(one, '15 2Hab')).toEqual({ kind: 'text', value: 'ab' })
    expect(write(one, { kind: 'text', value: 'ab' })).toBe('15 2Hab')
    expect(read(enumerationOf(one), '15')).toBe('text')
    expect(write(enumerationOf(one), 'a-number')).toBe('3')
  })

  it.each(['0', '4', '14', '16', '4294967295'])('reject the unknown selector %s', (number) => {
    expect(() => read(one, `${number} 5`)).toThrow(refused('unreadable'))
    expect(() => read(enumerationOf(one), number)).toThrow(refused('unreadable'))
    expect(String(thrown(() => read(one, `${number} 5`)))).toContain(`no such selector: ${number}`)
  })

  it.each(['toString', '__proto__', 'constructor', 'n', '', undefined, 3])(
    'reject the unknown case %j when writing',
    (kind) => {
      expect(() => write(one, { kind, value: 5 } as never)).toThrow(refused('unwritable'))
      expect(() => write(enumerationOf(one), kind as never)).toThrow(refused('unwritable'))
    },
  )

  it.each([undefined, null, 'text', 3])('reject %j instead of an object', (value) => {
    expect(() => write(one, value as never)).toThrow(refused('unwritable'))
  })

  it('accept the selectors of Misc-Info, and reject those in its gap before bcc-recpt', () => {
    expect(read(miscInfo, '15 9')).toEqual({ kind: 'bcc-recpt', value: 9 })
    expect(read(infoType, '15')).toBe('bcc-recpt')
    for (const number of [10, 14, 16]) expect(() => read(miscInfo, `${number} 9`)).toThrow(refused('unreadable'))
  })
})

describe('struct codec', () => {
  it('reads and writes fields in order', () => {
    const pair = struct({ second: latin1, first: int8 })
    expect(read(pair, '1Hx 5')).toEqual({ second: 'x', first: 5 })
    expect(write(pair, { first: 5, second: 'x' })).toBe('1Hx 5')
  })

  it.each([undefined, null, 5, 'x'])('rejects %j instead of an object', (value) => {
    expect(() => write(struct({ field: int8 }), value as never)).toThrow(refused('unwritable'))
  })

  it('reads structures in arrays in selections', () => {
    const pairs = fields('1 9 1 0', wireArray(['1 11', '8 12']))
    const sparse = { rangeBegin: 1, rangeEnd: 9, moreTextsExists: true }
    expect(read(textMapping, pairs)).toEqual({
      ...sparse,
      block: {
        kind: 'sparse',
        value: [
          { localNumber: 1, globalNumber: 11 },
          { localNumber: 8, globalNumber: 12 },
        ],
      },
    })
    expect(read(textMapping, fields('1 9 0 1 5', wireArray([7, 0, 8])))).toMatchObject({
      block: { kind: 'dense', value: { firstLocalNo: 5, texts: [7, 0, 8] } },
    })
    expect(read(textMapping, fields('1 9 0 0', omitted(4)))).toMatchObject({ block: { value: { omitted: 4 } } })
  })

  it('reads and writes broken-down times', () => {
    const value = read(time, wireTime(NOW))
    expect(value).toEqual({
      ...{ seconds: 5, minutes: 4, hours: 3, day: 2, month: 0, year: 126 },
      ...{ dayOfWeek: 5, dayOfYear: 1, isDst: false },
    })
    expect(write(time, value)).toBe(wireTime(NOW).toString())
  })

  it('has field names that specName converts to the spelling of the specification', () => {
    expect(specName('wantReadRanges')).toBe('want-read-ranges')
    expect(specName('confNo')).toBe('conf-no')
  })
})

describe('ProtocolError', () => {
  const stat = (misc: string) => fields(wireTime(NOW), 6, 1, 10, 0, wireArray(['0 5', '6 7', misc]), '0 *')

  it('has the path of a field that cannot be read', () => {
    expect(() => read(textStat, stat('0 65536'))).toThrow(refused('unreadable', 'miscInfo.2'))
    expect(() => read(textStat, stat('11 5'))).toThrow(refused('unreadable', 'miscInfo.2'))
    expect(() => read(textStat, stat('7 1 2 3 4 5 6 7 8 9'))).toThrow(refused('unreadable', 'miscInfo.2.isDst'))
    expect(String(thrown(() => read(textStat, stat('7 1 2 x'))))).toMatch(
      /^ProtocolError: miscInfo\.2\.hours: expected a number/,
    )
  })

  it('has the path of a field in a reply', () => {
    const envelope = readEnvelope(Buffer.from('=1 1 { 0 5\n'))
    if (envelope.kind !== 'reply') throw new Error(envelope.kind)
    expect(() => readData(array(struct({ a: int8, b: latin1 })), envelope.reader)).toThrow(refused('unreadable', '0.b'))
  })

  it('has the path of a parameter that cannot be written, at any depth', () => {
    const item = { tag: 1, flags: {}, inheritLimit: 0, data: Buffer.from('x') }
    const text = { text: Buffer.from('x'), miscInfo: [{ kind: 'recpt', value: 5 }], auxItems: [item] }
    const wrong = (change: object) => () =>
      writeRequest(1, 'create-text', { ...text, ...change } as unknown as Params<'create-text'>)
    expect(wrong({})).not.toThrow()
    expect(wrong({ text: 'x' })).toThrow(refused('unwritable', 'text'))
    expect(wrong({ miscInfo: [...text.miscInfo, { kind: 'recpt', value: -1 }] })).toThrow(
      refused('unwritable', 'miscInfo.1.recpt'),
    )
    expect(wrong({ auxItems: [item, { ...item, data: undefined }] })).toThrow(refused('unwritable', 'auxItems.1.data'))
    expect(wrong({ auxItems: [{ ...item, inheritLimit: 1.5 }] })).toThrow(
      refused('unwritable', 'auxItems.0.inheritLimit'),
    )
  })

  it('has the path of a string outside ISO 8859-1, without quoting it', () => {
    const error = thrown(() => writeRequest(1, 'login', { person: 5, passwd: 'sn☃w', invisible: false }))
    expect(error).toEqual(refused('unwritable', 'passwd'))
    expect(String(error)).toBe('ProtocolError: passwd: a character outside ISO 8859-1')
  })

  it('does not replace errors of other classes', () => {
    const broken: Codec<number> = { ...int8, read: () => raise(), write: () => raise() }
    const raise = () => {
      throw new RangeError('mine')
    }
    expect(() => read(array(struct({ broken })), '1 { 1 }')).toThrow(RangeError)
    expect(() => write(array(struct({ broken })), [{ broken: 1 }])).toThrow(RangeError)
  })
})

describe('envelopes', () => {
  it.each([
    ['=7 5\n', { kind: 'reply', refNo: 7 }],
    ['%7 14 4294967295\n', { kind: 'error', refNo: 7, errorCode: 14, errorStatus: 4_294_967_295 }],
    [':2 9 5 2\n', { kind: 'message', number: 9 }],
    [':1 4711 what follows is not known\n', { kind: 'message', number: 4711 }],
    ['%%Insane array size.\n', { kind: 'refusal', text: 'Insane array size.' }],
    ['%% No connections left.\n', { kind: 'refusal', text: 'No connections left.' }],
    ['%%\n', { kind: 'refusal', text: '' }],
  ])('readEnvelope reads %j', (line, envelope) => {
    expect(readEnvelope(Buffer.from(line))).toMatchObject(envelope)
  })

  it.each([
    '\n',
    'LysKOM\n',
    '5 5\n',
    '= \n',
    '=\n',
    '=x\n',
    '%\n',
    '%1\n',
    '%1 2\n',
    ':\n',
    ':2\n',
    ':-1 5\n',
    '=4294967296\n',
  ])('readEnvelope rejects %j', (line) => {
    expect(() => readEnvelope(Buffer.from(line))).toThrow(refused('unreadable'))
  })

  it('readEnvelope truncates the text of a refusal and removes control characters', () => {
    const envelope = readEnvelope(Buffer.from(`%% \x1b[31mNo\0\r ${'x'.repeat(10_000)}\n`))
    expect(envelope).toMatchObject({ kind: 'refusal', text: expect.stringMatching(/^\[31mNo {3}x{100,200}$/) })
  })

  it('readMessage returns undefined for an unknown message', () => {
    expect(readMessage(4711, new Reader(Buffer.from('x\n')))).toBeUndefined()
    expect(readMessage(3, new Reader(Buffer.from('x\n')))).toBeUndefined()
  })

  it('readMessage returns a message by name, and rejects missing and extra parameters', () => {
    const params = { recipient: 0, sender: 5, message: Buffer.from('hi') }
    const reader = new Reader(Buffer.from(`0 5 ${h('hi').toString()}\n`))
    expect(readMessage(12, reader)).toEqual({ name: 'async-send-message', params })
    expect(() => readMessage(9, new Reader(Buffer.from('5\n')))).toThrow(ProtocolError)
    expect(() => readMessage(9, new Reader(Buffer.from('5 2 1\n')))).toThrow(ProtocolError)
  })
})
