/**
 * The JSON form of the values of Protocol A, derived from the schemas of their codecs. Names of fields, bits, selectors
 * and enumeration values are in snake_case. docs/api.md describes it in the section on typed calls.
 */
import { type ArrayOf, type Codec, type Schema, specName } from '../codec.ts'
import { InvalidFieldError, invalid } from './invalid-field-error.ts'
import { bool, byteString, float, int, latin1, nothing } from './scalars.ts'
import { isoTime, TIME_SIZE, timeOf } from './time.ts'

/** Converts the values of one data type to JSON and back. */
export interface JsonMapping<T> {
  /** Converts a value to what `JSON.stringify` takes. */
  toJson(value: T): unknown
  /**
   * Converts parsed JSON to a value.
   *
   * @throws InvalidFieldError with the path of the first invalid field, or with the unknown fields
   */
  fromJson(json: unknown): T
  /** Estimated length of the JSON in characters: of every value, or a function of the value. It converts nothing. */
  readonly size: number | ((value: T) => number)
}

/** The writer of a value. A server may omit the elements of an array, a client may not. */
export type Side = 'client' | 'server'

// biome-ignore lint/suspicious/noExplicitAny: JsonMapping is invariant in its type, so only `any` matches every mapping
type AnyMapping = JsonMapping<any>
type SchemaOf<K extends Schema['kind']> = Extract<Schema, { kind: K }>

/** Limits on what an error quotes of the unknown fields of a client. */
const MAX_UNKNOWN = 5
const MAX_FIELD = 100

/** Characters of JSON. */
const BRACKETS = 2
const QUOTES = 2
const COMMA = 1

const OMITTED = new Set(['omitted'])
const SELECTED = new Set(['kind', 'value'])
const length = int(Number.MAX_SAFE_INTEGER)

const compiled = { client: new WeakMap<Schema, AnyMapping>(), server: new WeakMap<Schema, AnyMapping>() }

/** Converts a name of a codec, in camelCase or with hyphens, to snake_case. */
export function jsonName(name: string): string {
  return specName(name).replaceAll('-', '_')
}

/** Returns the mapping of a data type. It is compiled at the first use. @param writer the writer of the values */
export function jsonMapping<T>({ schema }: Codec<T>, writer: Side): JsonMapping<T> {
  return mappingOf(schema, writer)
}

/** Estimates the length of the JSON of a value in characters. Takes microseconds for an array of numbers of any length. */
export function jsonSize<T>({ size }: JsonMapping<T>, value: T): number {
  return typeof size === 'number' ? size : size(value)
}

function mappingOf(schema: Schema, writer: Side): AnyMapping {
  const known = compiled[writer].get(schema)
  if (known !== undefined) return known
  const mapping = compile(schema, writer)
  compiled[writer].set(schema, mapping)
  return mapping
}

function compile(schema: Schema, writer: Side): AnyMapping {
  switch (schema.kind) {
    case 'int':
      return int(2 ** schema.bits - 1)
    case 'bool':
      return bool
    case 'float':
      return float
    case 'nothing':
      return nothing
    case 'string':
      return schema.charset === 'bytes' ? byteString : latin1
    case 'bits':
      return bits(schema)
    case 'either':
      return mappingOf(schema.of.at(-1) as Schema, writer)
    case 'array':
      return array(mappingOf(schema.of, writer), writer)
    case 'enumeration':
      return enumeration(schema)
    case 'selection':
      return selection(schema, writer)
    case 'struct':
      return schema.name === 'Time' ? { toJson: isoTime, fromJson: timeOf, size: TIME_SIZE } : struct(schema, writer)
  }
}

/** BITSTRING: an object of booleans. Bits that are missing in the input are false. */
function bits({ bits }: SchemaOf<'bits'>): JsonMapping<Record<string, boolean>> {
  const names = bits.map((name) => ({ name, field: jsonName(name) }))
  const known = new Set(names.map(({ field }) => field))
  return {
    toJson(value) {
      const json: Record<string, unknown> = {}
      for (const { name, field } of names) json[field] = value[name]
      return json
    },
    fromJson(json) {
      const object = objectOf(json, known)
      const value: Record<string, boolean> = {}
      for (const { name, field } of names) {
        value[name] = Object.hasOwn(object, field) && member(bool, object[field], field)
      }
      return value
    },
    size: names.reduce((sum, { field }) => sum + memberSize(field) + (bool.size as number), BRACKETS),
  }
}

/** ARRAY: an array; `{omitted: n}` for n elements of which the server sends only the number. */
function array(element: AnyMapping, writer: Side): JsonMapping<ArrayOf<unknown>> {
  return {
    toJson: (values) => (values.omitted ? { omitted: values.omitted } : values.map((value) => element.toJson(value))),
    fromJson(json) {
      if (Array.isArray(json)) return json.map((each, i) => member(element, each, String(i)))
      if (writer === 'client' || typeof json !== 'object') throw invalid('must be a list.')
      const { omitted } = objectOf(json, OMITTED)
      return Object.assign([], { omitted: member(length, omitted, 'omitted') })
    },
    size(values) {
      if (typeof element.size === 'number') return BRACKETS + values.length * (element.size + COMMA)
      return values.reduce<number>((sum, value) => sum + jsonSize(element, value) + COMMA, BRACKETS)
    },
  }
}

/** ENUMERATION: a name. Input may be a number. */
function enumeration({ of }: SchemaOf<'enumeration'>): JsonMapping<string> {
  const { cases } = of as SchemaOf<'selection'>
  const names = new Map<unknown, string>()
  for (const { number, name } of cases) names.set(jsonName(name), name).set(number, name)
  return {
    toJson: jsonName,
    fromJson: (json) => oneOf(names, json),
    size: ({ length }) => length + QUOTES,
  }
}

/** SELECTION: `{kind, value}`. */
function selection({ cases }: SchemaOf<'selection'>, writer: Side): JsonMapping<{ kind: string; value: unknown }> {
  const values = new Map(cases.map(({ name, of }) => [name, mappingOf(of, writer)]))
  const mappingFor = (kind: string): AnyMapping => values.get(kind) as AnyMapping
  const kindNames = new Map(cases.map(({ name }) => [jsonName(name), name]))
  const jsonNames = new Map(cases.map(({ name }) => [name, jsonName(name)]))
  const kinds: JsonMapping<string> = {
    toJson: (name) => jsonNames.get(name),
    fromJson: (json) => oneOf(kindNames, json),
    size: ({ length }) => length + QUOTES,
  }
  return {
    toJson: ({ kind, value }) => ({ kind: kinds.toJson(kind), value: mappingFor(kind).toJson(value) }),
    fromJson(json) {
      const object = objectOf(json, SELECTED, SELECTED)
      const kind = member(kinds, object.kind, 'kind')
      return { kind, value: member(mappingFor(kind), object.value, 'value') }
    },
    size: ({ kind, value }) =>
      BRACKETS + memberSize('kind') + jsonSize(kinds, kind) + memberSize('value') + jsonSize(mappingFor(kind), value),
  }
}

/** A structure: an object. */
function struct({ fields }: SchemaOf<'struct'>, writer: Side): JsonMapping<Record<string, unknown>> {
  const members = Object.entries(fields).map(([name, schema]) => ({
    name,
    field: jsonName(name),
    mapping: mappingOf(schema, writer),
  }))
  const names = new Set(members.map(({ field }) => field))
  const variable = members.filter(({ mapping }) => typeof mapping.size !== 'number')
  const fixedSize = members.reduce((sum, { field, mapping: { size } }) => {
    return sum + memberSize(field) + (typeof size === 'number' ? size : 0)
  }, BRACKETS)
  return {
    toJson(value) {
      const json: Record<string, unknown> = {}
      for (const { name, field, mapping } of members) json[field] = mapping.toJson(value[name])
      return json
    },
    fromJson(json) {
      const object = objectOf(json, names, names)
      const value: Record<string, unknown> = {}
      for (const { name, field, mapping } of members) value[name] = member(mapping, object[field], field)
      return value
    },
    size:
      variable.length === 0
        ? fixedSize
        : (value) => variable.reduce((sum, { name, mapping }) => sum + jsonSize(mapping, value[name]), fixedSize),
  }
}

/** Returns the length of the name of a member, with quotes, colon and comma. */
function memberSize(field: string): number {
  return field.length + QUOTES + 1 + COMMA
}

/** Converts a member of an object or array, and adds it to the path of errors. */
function member<T>(mapping: JsonMapping<T>, json: unknown, field: string): T {
  try {
    if (json === null) throw invalid('is null.')
    return mapping.fromJson(json)
  } catch (error) {
    throw error instanceof InvalidFieldError ? error.within(field) : error
  }
}

/** Returns a JSON object after checking its fields. */
function objectOf(
  json: unknown,
  known: ReadonlySet<string>,
  required: ReadonlySet<string> = new Set(),
): Record<string, unknown> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw invalid('must be an object.')
  const unknown = Object.keys(json).filter((field) => !known.has(field))
  if (unknown.length > 0) {
    const quoted = unknown.slice(0, MAX_UNKNOWN).map((field) => field.slice(0, MAX_FIELD))
    throw new InvalidFieldError((field) => `Unknown ${quoted.map((name) => field(name)).join(', ')}.`)
  }
  for (const name of required) {
    if (!Object.hasOwn(json, name)) throw new InvalidFieldError((field) => `Missing ${field(name)}.`)
  }
  return json as Record<string, unknown>
}

function oneOf<T>(choices: ReadonlyMap<unknown, T>, json: unknown): T {
  const chosen = choices.get(json)
  if (chosen !== undefined) return chosen
  throw invalid(`must be one of ${[...choices.keys()].filter((choice) => typeof choice === 'string').join(', ')}.`)
}
