import { BOUNDS, type Bound } from './bounds.ts'
import { ProtocolError } from './errors.ts'
import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

/**
 * The description of a data type: the grammar of the specification as data (chapter LysKOM Data Types). `name` is the
 * type name in the specification. Field and bit names are in camelCase; `specName` converts them to the specification's
 * spelling.
 */
export type Schema = { readonly name?: string } & (
  | { readonly kind: 'int'; readonly bits: 8 | 16 | 32 }
  | { readonly kind: 'bool' | 'float' | 'nothing' }
  | { readonly kind: 'string'; readonly charset: 'bytes' | 'latin1' }
  | { readonly kind: 'bits'; readonly bits: readonly string[] }
  | { readonly kind: 'array'; readonly of: Schema }
  | { readonly kind: 'struct'; readonly fields: Readonly<Record<string, Schema>> }
  | {
      readonly kind: 'selection'
      readonly cases: readonly {
        readonly number: number
        readonly name: string
        readonly tail: string
        readonly of: Schema
      }[]
    }
  | { readonly kind: 'enumeration'; readonly of: Schema }
  | { readonly kind: 'either'; readonly of: readonly Schema[] }
)

/** Reads, writes and describes one data type of Protocol A. */
export interface Codec<T> {
  /** The description of the data type. */
  readonly schema: Schema
  /**
   * Reads a value at the cursor of `reader`.
   *
   * @throws ProtocolError `unreadable` or `over-bound`
   */
  read(reader: Reader): T
  /**
   * Appends a value to the message of `writer`.
   *
   * @throws ProtocolError `unwritable` if the value does not fit the type
   */
  write(writer: Writer, value: T): void
}

/** The TypeScript type of the values of a codec. */
export type Infer<C> = C extends Codec<infer T> ? T : never

/** A codec for any type. */
// biome-ignore lint/suspicious/noExplicitAny: Codec is invariant in its type, so only `any` matches every codec
export type AnyCodec = Codec<any>
type AnyFields = Readonly<Record<string, AnyCodec>>
type Values<F extends AnyFields> = { -readonly [K in keyof F]: Infer<F[K]> }

/** Converts a field or bit name to the specification's spelling: `confNo` to `conf-no`. */
export function specName(name: string): string {
  return name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)
}

/**
 * Returns a copy of a codec with a named schema.
 *
 * @param name the type name in the specification, e.g. `Conf-Type`
 */
export function named<T>(name: string, codec: Codec<T>): Codec<T> {
  return { ...codec, schema: { ...codec.schema, name } }
}

function int(bits: 8 | 16 | 32): Codec<number> {
  const max = 2 ** bits - 1
  return {
    schema: { kind: 'int', bits },
    read: (reader) => reader.int(max),
    write: (writer, value) => writer.int(value, max),
  }
}

/** INT8: an unsigned integer of 8 bits. */
export const int8 = int(8)
/** INT16: an unsigned integer of 16 bits. */
export const int16 = int(16)
/** The largest INT32. */
export const MAX_INT32 = 2 ** 32 - 1
/** INT32: an unsigned integer of 32 bits. */
export const int32 = int(32)

/** BOOL: `0` or `1`. */
export const bool: Codec<boolean> = {
  schema: { kind: 'bool' },
  read: (reader) => reader.bool(),
  write: (writer, value) => writer.bool(value),
}

/** FLOAT: written with six significant digits. */
export const float: Codec<number> = {
  schema: { kind: 'float' },
  read: (reader) => reader.float(),
  write: (writer, value) => writer.float(value),
}

function byteString(bound: Bound): Codec<Uint8Array> {
  return {
    schema: { kind: 'string', charset: 'bytes' },
    read: (reader) => reader.bytes(bound),
    write: (writer, value) => writer.bytes(value),
  }
}

/** HOLLERITH as bytes, for strings whose charset only the caller knows. The value read is a view on the message. */
export const bytes = byteString(BOUNDS.byteString)

/** HOLLERITH as bytes, for a text: only the size limit of messages bounds its length. */
export const textBytes = byteString(BOUNDS.text)

/** HOLLERITH in ISO 8859-1, as clients read names, passwords and what persons are doing. */
export const latin1: Codec<string> = {
  schema: { kind: 'string', charset: 'latin1' },
  read: (reader) => reader.latin1(),
  write: (writer, value) => writer.latin1(value),
}

/** No data: an empty request or reply. */
export const nothing: Codec<undefined> = {
  schema: { kind: 'nothing' },
  read: () => undefined,
  write: () => undefined,
}

/**
 * BITSTRING as an object of booleans. Missing properties are written as 0.
 *
 * @param names the bits in the order of the specification
 */
export function bits<const N extends readonly string[]>(...names: N): Codec<{ [K in N[number]]: boolean }> {
  type Bits = { [K in N[number]]: boolean }
  return {
    schema: { kind: 'bits', bits: names },
    read(reader) {
      const start = reader.bitsOf(names.length)
      const value = {} as Record<string, boolean>
      for (let i = 0; i < names.length; i++) value[names[i] as string] = reader.bit(start + i)
      return value as Bits
    },
    write(writer, value) {
      mustBeObject(value)
      writer.bits(names.map((name) => value[name as keyof Bits] === true))
    },
  }
}

/**
 * Returns the value of a bit string in which every bit is 0.
 *
 * @throws TypeError if the codec is not one of a bit string
 */
export function noBits<T>(codec: Codec<T>): T {
  const { schema } = codec
  if (schema.kind !== 'bits') throw new TypeError('noBits takes a bit string')
  return Object.fromEntries(schema.bits.map((name) => [name, false])) as T
}

/**
 * Two bit strings, of which the first is a prefix of the second (Any-Conf-Type). Reads either length, with missing bits
 * as false, and writes the longer one.
 *
 * @throws TypeError if one of the codecs is not one of a bit string
 */
export function eitherBits<S, L extends S>(short: Codec<S>, long: Codec<L>): Codec<L> {
  if (short.schema.kind !== 'bits' || long.schema.kind !== 'bits')
    throw new TypeError('eitherBits takes two bit strings')
  const counts = [short.schema.bits.length, long.schema.bits.length]
  const names = long.schema.bits
  return {
    schema: { kind: 'either', of: [short.schema, long.schema] },
    read(reader) {
      const { start, length } = reader.bits()
      if (!counts.includes(length))
        throw new ProtocolError('unreadable', `expected a bit string of ${counts.join(' or ')} bits`)
      const value = {} as Record<string, boolean>
      for (let i = 0; i < names.length; i++) value[names[i] as string] = i < length && reader.bit(start + i)
      return value as L
    },
    write: (writer, value) => long.write(writer, value),
  }
}

/**
 * The value of an ARRAY. For some calls the server sends only the length (`N *`). The array is then empty, and
 * `omitted` is the length.
 */
export type ArrayOf<T> = T[] & { omitted?: number }

/**
 * ARRAY of `element`.
 *
 * @param bound limit on the number of elements in messages of a LysKOM server
 */
export function array<T>(element: Codec<T>, bound: Bound = BOUNDS.array): Codec<ArrayOf<T>> {
  return {
    schema: { kind: 'array', of: element.schema },
    read(reader) {
      const { length, follows } = reader.arrayStart(bound)
      const values: ArrayOf<T> = []
      if (!follows) {
        if (length > 0) values.omitted = length
        return values
      }
      try {
        while (values.length < length) values.push(element.read(reader))
      } catch (error) {
        throw within(error, String(values.length))
      }
      reader.arrayEnd()
      return values
    },
    write(writer, values) {
      if (!Array.isArray(values)) throw new ProtocolError('unwritable', 'not an array')
      if (writer.emptyArrayIsStar && (values.omitted !== undefined || values.length === 0)) {
        writer.arrayLength(values.omitted ?? 0)
        return
      }
      // A client must not write `N *`: lyskomd refuses the stream.
      if (values.omitted) throw new ProtocolError('unwritable', 'an array without its elements')
      writer.arrayStart(values.length)
      for (let i = 0; i < values.length; i++) {
        try {
          element.write(writer, values[i] as T)
        } catch (error) {
          throw within(error, String(i))
        }
      }
      writer.arrayEnd()
    },
  }
}

/**
 * A structure.
 *
 * @param fields the codecs of the fields by name, in the order of the specification
 */
export function struct<F extends AnyFields>(fields: F): Codec<Values<F>> {
  const names = Object.keys(fields)
  const codecs = Object.values(fields) as AnyCodec[]
  return {
    schema: {
      kind: 'struct',
      fields: Object.fromEntries(names.map((name, i) => [name, (codecs[i] as AnyCodec).schema])),
    },
    read(reader) {
      const value: Record<string, unknown> = {}
      let i = 0
      try {
        for (; i < names.length; i++) value[names[i] as string] = (codecs[i] as AnyCodec).read(reader)
      } catch (error) {
        throw within(error, names[i] as string)
      }
      return value as Values<F>
    },
    write(writer, value) {
      mustBeObject(value)
      for (let i = 0; i < names.length; i++) {
        const name = names[i] as string
        try {
          ;(codecs[i] as AnyCodec).write(writer, value[name as keyof F])
        } catch (error) {
          throw within(error, name)
        }
      }
    },
  }
}

/** A case of a selection: its number, the specification's name of its tail, and the codec of the tail. */
type Case = readonly [number: number, tail: string, of: AnyCodec]

/** The value of a selection: the selector name and the tail. */
export type Selected<C extends Readonly<Record<string, Case>>> = {
  [K in keyof C]: { kind: K; value: Infer<C[K][2]> }
}[keyof C]

/**
 * SELECTION: a selector number, and a tail whose type depends on it.
 *
 * @param cases the cases by selector name of the specification
 */
export function selection<const C extends Readonly<Record<string, Case>>>(cases: C): Codec<Selected<C>> {
  const byNumber: ({ kind: string; of: AnyCodec } | undefined)[] = []
  for (const [kind, [number, , of]] of Object.entries(cases)) byNumber[number] = { kind, of }
  return {
    schema: {
      kind: 'selection',
      cases: Object.entries(cases).map(([name, [number, tail, of]]) => ({ number, name, tail, of: of.schema })),
    },
    read(reader) {
      const number = int32.read(reader)
      const chosen = byNumber[number]
      if (chosen === undefined) throw new ProtocolError('unreadable', `no such selector: ${number}`)
      return { kind: chosen.kind, value: chosen.of.read(reader) } as Selected<C>
    },
    write(writer, selected) {
      mustBeObject(selected)
      const chosen = Object.hasOwn(cases, selected.kind) ? cases[selected.kind] : undefined
      if (chosen === undefined) throw new ProtocolError('unwritable', 'no such selector')
      int32.write(writer, chosen[0])
      try {
        chosen[2].write(writer, selected.value)
      } catch (error) {
        throw within(error, String(selected.kind))
      }
    },
  }
}

/**
 * ENUMERATION-OF: the selector of a selection, without its tail. The value is the selector name.
 *
 * @throws TypeError if `of` is not the codec of a selection
 */
export function enumerationOf<S extends { kind: PropertyKey }>(of: Codec<S>): Codec<S['kind'] & string> {
  if (of.schema.kind !== 'selection') throw new TypeError('enumerationOf takes a selection')
  const { cases } = of.schema
  return {
    schema: { kind: 'enumeration', of: of.schema },
    read(reader) {
      const number = int32.read(reader)
      const found = cases.find((c) => c.number === number)
      if (found === undefined) throw new ProtocolError('unreadable', `no such enumeration value: ${number}`)
      return found.name as S['kind'] & string
    },
    write(writer, value) {
      const found = cases.find((c) => c.name === value)
      if (found === undefined) throw new ProtocolError('unwritable', 'no such enumeration value')
      int32.write(writer, found.number)
    },
  }
}

function mustBeObject(value: unknown): void {
  if (typeof value !== 'object' || value === null) throw new ProtocolError('unwritable', 'not an object')
}

/** Adds a field to the path of a `ProtocolError`. Returns other errors unchanged. */
function within(error: unknown, field: string): unknown {
  return error instanceof ProtocolError ? error.within(field) : error
}
