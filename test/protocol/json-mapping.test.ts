import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { CALLS, type CallName, type Params } from '../../src/protocol/calls/index.ts'
import { type AnyCodec, array, bits, bytes, float, int8, latin1, nothing, struct } from '../../src/protocol/codec.ts'
import { writeRequest } from '../../src/protocol/envelope.ts'
import { digitsUpTo } from '../../src/protocol/json/digits.ts'
import { InvalidFieldError } from '../../src/protocol/json/invalid-field-error.ts'
import { callJsonSchemas, type JsonSchema, jsonSchema } from '../../src/protocol/json/json-schema.ts'
import { type JsonMapping, jsonMapping, jsonSize } from '../../src/protocol/json/mapping.ts'
import { anyConfType, infoType, membership, miscInfo, textStat, time } from '../../src/protocol/types.ts'
import { arbitraryOf, EXISTING_TIMES } from './arbitraries.ts'

const callNames = Object.keys(CALLS) as CallName[]

/** Returns JSON as the other side receives it. */
const sent = (json: unknown): unknown => JSON.parse(JSON.stringify(json))

const toJson = (codec: AnyCodec, value: unknown) => sent(jsonMapping(codec, 'server').toJson(value))
const fromJson = (codec: AnyCodec, json: unknown): unknown => jsonMapping(codec, 'client').fromJson(json)

/** Returns the message of the error that the parameters of a call cause. */
function rejection(name: CallName, params: unknown): string {
  return errorOf(() => fromJson(CALLS[name].params, params))
}

function errorOf(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidFieldError)
    return (error as InvalidFieldError).message
  }
  throw new Error('nothing was thrown')
}

/** Returns a function that validates JSON against a JSON Schema. It returns the error, if any. */
function validator(schema: JsonSchema): (json: unknown) => z.ZodError | undefined {
  const parser = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0])
  return (json) => parser.safeParse(json).error
}

describe('a value that is converted to JSON and back is the same', () => {
  const runs = { numRuns: 25 }

  it.each(callNames)('parameters of %s, whose JSON fits the JSON Schema', (name) => {
    const codec: AnyCodec = CALLS[name].params
    const mapping = jsonMapping(codec, 'client')
    const faults = validator(callJsonSchemas(name).params)
    fc.assert(
      fc.property(arbitraryOf(codec.schema, 'client', EXISTING_TIMES), (value) => {
        const json = sent(mapping.toJson(value))
        expect(faults(json)).toBeUndefined()
        expect(mapping.fromJson(json)).toStrictEqual(value)
      }),
      runs,
    )
  })

  it.each(callNames)('reply to %s, whose JSON fits the JSON Schema', (name) => {
    const codec: AnyCodec = CALLS[name].reply
    const mapping = jsonMapping(codec, 'server')
    const faults = validator(callJsonSchemas(name).reply)
    fc.assert(
      fc.property(arbitraryOf(codec.schema, 'server', EXISTING_TIMES), (value) => {
        const json = sent(mapping.toJson(value))
        expect(faults(json)).toBeUndefined()
        expect(mapping.fromJson(json)).toStrictEqual(value)
        expectEstimate(jsonSize(mapping, value), JSON.stringify(json).length)
      }),
      runs,
    )
  })
})

/** Expects an estimated length of JSON to be of the right order: a byte takes up to six characters. */
function expectEstimate(size: number, length: number): void {
  const slack = 30
  expect(size).toBeLessThanOrEqual(6 * length + slack)
  expect(length).toBeLessThanOrEqual(6 * size + slack)
}

it('the length of JSON is estimated in much less time than it takes to make it', () => {
  const mapping: JsonMapping<unknown> = jsonMapping<unknown>(CALLS['query-read-texts'].reply as AnyCodec, 'server')
  const readRanges = Array.from({ length: 300_000 }, (_, i) => ({ firstRead: i, lastRead: i }))
  const value = { ...(fc.sample(arbitraryOf(membership.schema, 'server', EXISTING_TIMES), 1)[0] as object), readRanges }
  const length = JSON.stringify(mapping.toJson(value)).length
  expect(jsonSize(mapping, value) / length).toBeCloseTo(1, 0)
  const begun = performance.now()
  for (let i = 0; i < 1000; i++) jsonSize(mapping, value)
  expect(performance.now() - begun).toBeLessThan(1000)
})

it('any JSON is either an InvalidFieldError or parameters that the codec can write', () => {
  const json = fc.jsonValue({ maxDepth: 3 })
  const call = fc.constantFrom(...callNames).chain((name) => {
    const { schema } = CALLS[name].params
    const names = Object.keys(jsonSchema(schema, 'client').properties as object)
    return fc.tuple(fc.constant(name), fc.oneof(json, fc.record(Object.fromEntries(names.map((each) => [each, json])))))
  })
  const accepted: CallName[] = []
  fc.assert(
    fc.property(call, ([name, params]) => {
      try {
        const value = fromJson(CALLS[name].params, params)
        accepted.push(name)
        writeRequest(1, name, value as Params<CallName>)
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidFieldError)
      }
    }),
    { numRuns: 2000 },
  )
  expect(accepted).not.toEqual([])
})

describe('JSON of', () => {
  const at = { seconds: 6, minutes: 58, hours: 15, day: 30, month: 10, year: 113, dayOfWeek: 6, dayOfYear: 333 }

  it('a text status has names in snake_case, kinds and ISO 8601 times', () => {
    const value = {
      creationTime: { ...at, isDst: false },
      author: 6,
      noOfLines: 1,
      noOfChars: 2,
      noOfMarks: 0,
      miscInfo: [
        { kind: 'cc-recpt', value: 7 },
        { kind: 'sent-at', value: { ...at, isDst: false } },
      ],
      auxItems: [],
    }
    expect(toJson(textStat, value)).toEqual({
      creation_time: '2013-11-30T15:58:06Z',
      author: 6,
      no_of_lines: 1,
      no_of_chars: 2,
      no_of_marks: 0,
      misc_info: [
        { kind: 'cc_recpt', value: 7 },
        { kind: 'sent_at', value: '2013-11-30T15:58:06Z' },
      ],
      aux_items: [],
    })
  })

  it('bytes is a string if they are UTF-8, else an object with one character for each byte', () => {
    expect(toJson(bytes, Buffer.from('\ufeffräv'))).toBe('\ufeffräv')
    expect(toJson(bytes, Buffer.from('räv', 'latin1'))).toEqual({ latin1: 'räv' })
    expect(fromJson(bytes, 'räv')).toEqual(Buffer.from('räv'))
    expect(fromJson(bytes, { latin1: 'räv' })).toEqual(Buffer.from('räv', 'latin1'))
  })

  it('an array without its elements is their number', () => {
    const omitted = Object.assign([], { omitted: 12 })
    expect(toJson(array(int8), omitted)).toEqual({ omitted: 12 })
    expect(jsonMapping(array(int8), 'server').fromJson({ omitted: 12 })).toStrictEqual(omitted)
    expect(errorOf(() => fromJson(array(int8), { omitted: 12 }))).toBe('The value must be a list.')
  })

  it('an empty reply is null', () => {
    expect(toJson(nothing, undefined)).toBeNull()
    expect(errorOf(() => fromJson(nothing, {}))).toBe('The value must be null.')
  })

  it('a float without a number in JSON is a string', () => {
    const values = [1.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN]
    expect(values.map((value) => toJson(float, value))).toEqual([1.5, 'inf', '-inf', 'nan'])
    expect(errorOf(() => fromJson(float, '1.5'))).toBe('The value must be a number.')
  })
})

describe('input', () => {
  it('may have strings of digits, missing bits, and numbers of enumeration values', () => {
    expect(fromJson(int8, '007')).toBe(7)
    expect(fromJson(bits('rdProt', 'secret'), { rd_prot: true })).toEqual({ rdProt: true, secret: false })
    expect(fromJson(anyConfType, {})).toMatchObject({ rdProt: false, allowAnonymous: false })
    expect(['cc_recpt', 1, 15].map((value) => fromJson(infoType, value))).toEqual(['cc-recpt', 'cc-recpt', 'bcc-recpt'])
  })

  it('may have decomposed characters of ISO 8859-1', () => {
    expect(fromJson(latin1, 'A\u030as')).toBe('Ås')
    expect(errorOf(() => fromJson(latin1, `${'A\u030a'.repeat(501)}`))).toMatch(/outside ISO 8859-1/)
  })

  it.each(['2026-02-28T23:59:59Z', '2024-02-29T00:00:00Z', '1900-01-01T00:00:00Z'])('may have the time %s', (iso) => {
    expect(toJson(time, fromJson(time, iso))).toBe(iso)
  })

  it.each([
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:00:60Z',
    '2026-01-01T00:00:00.000Z',
    '2026-01-01T00:00:00+00:00',
    '2026-01-01T00:00:00',
    '2026-01-01',
    '1899-12-31T23:59:59Z',
    '',
    0,
    null,
    {},
  ])('may not have the time %j', (json) => {
    expect(errorOf(() => fromJson(time, json))).toBe(
      'The value must be a time in UTC to the second, 2026-01-07T09:45:00Z for example.',
    )
  })

  const KINDS =
    'must be one of recpt, cc_recpt, comm_to, comm_in, footn_to, footn_in, loc_no, rec_time, sent_by, sent_at, bcc_recpt.'
  const text = { text: 'x', misc_info: [], aux_items: [] }
  it.each<[CallName, unknown, string]>([
    ['get-text-stat', {}, 'Missing "text_no".'],
    ['get-text-stat', { text_no: null }, '"text_no" is null.'],
    ['get-text-stat', { text_no: -1 }, '"text_no" must be a whole number from 0 to 4294967295.'],
    ['get-text-stat', { text_no: '1'.repeat(16) }, '"text_no" must be a whole number from 0 to 4294967295.'],
    ['get-text-stat', { text_no: 1, textNo: 1 }, 'Unknown "textNo".'],
    ['get-text-stat', [], 'The value must be an object.'],
    ['get-text-stat', null, 'The value must be an object.'],
    ['get-time', { x: 1, ['y'.repeat(200)]: 2 }, `Unknown "x", "${'y'.repeat(100)}".`],
    ['get-time', { a: 1, b: 1, c: 1, d: 1, e: 1, f: 1 }, 'Unknown "a", "b", "c", "d", "e".'],
    ['get-time', JSON.parse('{"__proto__": {}}'), 'Unknown "__proto__".'],
    ['lookup-z-name', { name: '☃', want_pers: true, want_confs: true }, '"name" holds characters outside ISO 8859-1.'],
    ['lookup-z-name', { name: 'x', want_pers: 1, want_confs: true }, '"want_pers" must be true or false.'],
    [
      'create-text',
      { ...text, misc_info: [{ kind: 'recpt', value: 65_536 }] },
      '"misc_info.0.value" must be a whole number from 0 to 65535.',
    ],
    ['create-text', { ...text, misc_info: [{ kind: 'cc-recpt', value: 1 }] }, `"misc_info.0.kind" ${KINDS}`],
    ['create-text', { ...text, misc_info: [{ kind: 'recpt' }] }, 'Missing "misc_info.0.value".'],
    ['create-text', { ...text, misc_info: [null] }, '"misc_info.0" is null.'],
    ['create-text', { ...text, misc_info: [{ kind: 'recpt', value: 1, x: 1 }] }, 'Unknown "misc_info.0.x".'],
    ['create-text', { ...text, misc_info: {} }, '"misc_info" must be a list.'],
    ['create-text', { ...text, text: { latin1: '☃' } }, '"text.latin1" holds characters outside ISO 8859-1.'],
    ['create-text', { ...text, text: { latin1: 'x', x: 1 } }, '"text" must be a string or {"latin1": a string}.'],
    ['create-text', { ...text, text: 5 }, '"text" must be a string or {"latin1": a string}.'],
    ['create-text', { ...text, text: '\ud800' }, '"text" holds a lone surrogate.'],
    [
      'create-text',
      { ...text, aux_items: [{ tag: 1, flags: { secret: 1 }, inherit_limit: 0, data: '' }] },
      '"aux_items.0.flags.secret" must be true or false.',
    ],
    ['add-recipient', { text_no: 1, conf_no: 1, recpt_type: 12 }, `"recpt_type" ${KINDS}`],
  ])('%s rejects %j', (name, params, message) => {
    expect(rejection(name, params)).toEqual(message)
    const isDescribed = validator(callJsonSchemas(name).params)(params) === undefined
    // JSON Schema cannot describe well-formed strings.
    expect(isDescribed).toBe(message.includes('surrogate'))
  })
})

describe('JSON Schema', () => {
  it('allows strings of digits and missing bits in input only', () => {
    const codec = struct({ priority: int8, flags: bits('secret') })
    const number = { type: 'integer', minimum: 0, maximum: 255 }
    const flags = { type: 'object', properties: { secret: { type: 'boolean' } }, additionalProperties: false }
    expect(jsonSchema(codec.schema, 'client')).toEqual({
      type: 'object',
      properties: { priority: { anyOf: [number, { type: 'string', pattern: digitsUpTo(255).source }] }, flags },
      required: ['priority', 'flags'],
      additionalProperties: false,
    })
    expect(jsonSchema(codec.schema, 'server')).toEqual({
      type: 'object',
      properties: { priority: number, flags: { ...flags, required: ['secret'] } },
      required: ['priority', 'flags'],
      additionalProperties: false,
    })
  })

  it('has the names of the specification as titles, and marks obsolete calls as deprecated', () => {
    expect(jsonSchema(miscInfo.schema, 'server')).toMatchObject({ title: 'Misc-Info' })
    expect(callJsonSchemas('get-text-stat').params).not.toHaveProperty('deprecated')
    expect(callJsonSchemas('get-text-stat-old').params).toMatchObject({ deprecated: true })
    const deprecated = callNames.filter((name) => callJsonSchemas(name).params.deprecated)
    expect(deprecated).toEqual(callNames.filter((name) => CALLS[name].status === 'obsolete'))
  })
})

it('a data type is compiled once', () => {
  expect(jsonMapping(textStat, 'server')).toBe(jsonMapping(textStat, 'server'))
  expect(jsonMapping(textStat, 'client')).not.toBe(jsonMapping(textStat, 'server'))
})
