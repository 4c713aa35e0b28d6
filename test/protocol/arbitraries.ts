/** Arbitrary values of the data types of the specification, derived from the schemas of the codecs. */
import fc, { type Arbitrary } from 'fast-check'
import type { Schema } from '../../src/protocol/codec.ts'
import type { Time } from '../../src/protocol/types.ts'

const MAX_LENGTH = 4
/** The longest array that the reader accepts when the server sends only its length. */
const MAX_OMITTED = 999_999_999_999_999

const byte = fc.oneof(fc.constantFrom(0, 0x0a, 0x20, 0x25, 0x2a, 0x30, 0x48, 0x7b, 0x7d, 0xff), fc.nat(255))
const string = fc.array(byte, { maxLength: 12 }).map((content) => Buffer.from(content))
/** Numbers with six significant digits. `+ 0` converts -0, which is written as 0. */
const float = fc.double().map((value) => Number(value.toPrecision(6)) + 0)

/** Arbitrary values of named types, in place of those that their schema allows. */
export type Special = Readonly<Record<string, Arbitrary<unknown>>>

/** Times that exist, from the year 1900 on. */
export const EXISTING_TIMES: Special = {
  Time: fc
    .date({ min: new Date('1900-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true })
    .map((date): Time => {
      const midnight = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate())
      return {
        seconds: date.getUTCSeconds(),
        minutes: date.getUTCMinutes(),
        hours: date.getUTCHours(),
        day: date.getUTCDate(),
        month: date.getUTCMonth(),
        year: date.getUTCFullYear() - 1900,
        dayOfWeek: date.getUTCDay(),
        dayOfYear: Math.round((midnight - Date.UTC(date.getUTCFullYear(), 0)) / 86_400_000),
        isDst: false,
      }
    }),
}

/**
 * Returns arbitrary values of a data type.
 *
 * @param side the writer of the value: a server may omit the elements of an array, a client may not
 */
export function arbitraryOf(schema: Schema, side: 'client' | 'server', special: Special = {}): Arbitrary<unknown> {
  const chosen = schema.name === undefined ? undefined : special[schema.name]
  if (chosen !== undefined) return chosen
  switch (schema.kind) {
    case 'int':
      return integer(2 ** schema.bits - 1)
    case 'bool':
      return fc.boolean()
    case 'float':
      return float
    case 'nothing':
      return fc.constant(undefined)
    case 'string':
      return schema.charset === 'bytes' ? string : string.map((content) => content.toString('latin1'))
    case 'bits':
      return record(schema.bits.map((name) => [name, fc.boolean()]))
    case 'either':
      return arbitraryOf(schema.of.at(-1) as Schema, side, special)
    case 'array':
      return arrayOf(schema.of, side, special)
    case 'enumeration':
      return fc.constantFrom(...casesOf(schema.of).map(({ name }) => name))
    case 'selection':
      return fc.oneof(
        ...casesOf(schema).map(({ name, of }) =>
          record([
            ['kind', fc.constant(name)],
            ['value', arbitraryOf(of, side, special)],
          ]),
        ),
      )
    case 'struct':
      return schema.name === 'Conf-List-Archaic'
        ? confListArchaic(schema)
        : record(Object.entries(schema.fields).map(([name, of]) => [name, arbitraryOf(of, side, special)]))
  }
}

function integer(max: number): Arbitrary<number> {
  return fc.oneof(fc.constantFrom(0, 1, 9, 10, max), fc.integer({ min: 0, max }))
}

function record(fields: (readonly [string, Arbitrary<unknown>])[]): Arbitrary<unknown> {
  return fc.record(Object.fromEntries(fields), { noNullPrototype: true })
}

function arrayOf(element: Schema, side: 'client' | 'server', special: Special): Arbitrary<unknown> {
  const values = fc.array(arbitraryOf(element, side, special), { maxLength: MAX_LENGTH })
  if (side === 'client') return values
  const omitted = fc.integer({ min: 1, max: MAX_OMITTED }).map((length) => Object.assign([], { omitted: length }))
  return fc.oneof({ weight: 4, arbitrary: values }, { weight: 1, arbitrary: omitted })
}

function casesOf(schema: Schema): readonly { name: string; of: Schema }[] {
  if (schema.kind !== 'selection') throw new Error(`expected a selection, got a ${schema.kind}`)
  return schema.cases
}

/** Conf-List-Archaic has two arrays of the same length. */
function confListArchaic(schema: Schema & { kind: 'struct' }): Arbitrary<unknown> {
  const [confNo, confType] = Object.values(schema.fields).map((list) => (list as Schema & { kind: 'array' }).of)
  const pair = fc.tuple(arbitraryOf(confNo as Schema, 'server'), arbitraryOf(confType as Schema, 'server'))
  return fc.array(pair, { maxLength: MAX_LENGTH }).map((pairs) => ({
    confNos: pairs.map(([no]) => no),
    confTypes: pairs.map(([, type]) => type),
  }))
}
