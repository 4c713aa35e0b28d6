import { CALLS, type CallName } from '../calls/index.ts'
import type { Schema } from '../codec.ts'
import { digitsUpTo } from './digits.ts'
import { jsonName, type Side } from './mapping.ts'
import { NOT_FINITE_NAMES } from './scalars.ts'

/** A JSON Schema of draft 2020-12. `title` is the name of a type in the specification of Protocol A. */
export type JsonSchema = Readonly<Record<string, unknown>>

const LATIN1 = '^[\\u0000-\\u00ff]*$'
const TIME = '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$'
/** A time that a mapping reads: no leap seconds, and no years before 1900. */
const INPUT_TIME = '^(?:19|[2-9][0-9])[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9]Z$'

/** Returns the JSON Schemas of the body of a typed call and of `reply` in its response. */
export function callJsonSchemas(name: CallName): { params: JsonSchema; reply: JsonSchema } {
  const { params, reply, status } = CALLS[name]
  return {
    params: { ...jsonSchema(params.schema, 'client'), ...(status === 'obsolete' && { deprecated: true }) },
    reply: jsonSchema(reply.schema, 'server'),
  }
}

/**
 * Returns the JSON Schema of what a `JsonMapping` reads or writes.
 *
 * @param writer `client` for what the mapping reads: numbers may be strings of digits, and bits may be missing; `server`
 * for what it writes
 */
export function jsonSchema(schema: Schema, writer: Side): JsonSchema {
  return { ...(schema.name !== undefined && { title: schema.name }), ...untitled(schema, writer) }
}

function untitled(schema: Schema, writer: Side): JsonSchema {
  const isInput = writer === 'client'
  switch (schema.kind) {
    case 'int': {
      const maximum = 2 ** schema.bits - 1
      const number = { type: 'integer', minimum: 0, maximum }
      return isInput ? { anyOf: [number, { type: 'string', pattern: digitsUpTo(maximum).source }] } : number
    }
    case 'bool':
      return { type: 'boolean' }
    case 'float':
      return { anyOf: [{ type: 'number' }, { enum: NOT_FINITE_NAMES }] }
    case 'nothing':
      return { type: 'null' }
    case 'string': {
      const latin1 = { type: 'string', pattern: LATIN1, examples: ['text'] }
      return schema.charset === 'latin1' ? latin1 : { anyOf: [{ type: 'string' }, object({ latin1 })] }
    }
    case 'bits': {
      const bits = schema.bits.map((name) => [jsonName(name), { type: 'boolean' }])
      return object(Object.fromEntries(bits), isInput ? [] : undefined)
    }
    case 'either':
      return untitled(schema.of.at(-1) as Schema, writer)
    case 'array': {
      const array = { type: 'array', items: jsonSchema(schema.of, writer) }
      return isInput ? array : { anyOf: [array, object({ omitted: { type: 'integer', minimum: 1 } })] }
    }
    case 'enumeration': {
      const cases = casesOf(schema.of)
      const names = cases.map(({ name }) => jsonName(name))
      return { enum: isInput ? [...names, ...cases.map(({ number }) => number)] : names }
    }
    case 'selection':
      return {
        oneOf: casesOf(schema).map(({ name, of }) =>
          object({ kind: { const: jsonName(name) }, value: jsonSchema(of, writer) }),
        ),
      }
    case 'struct':
      if (schema.name === 'Time')
        return {
          type: 'string',
          format: 'date-time',
          pattern: isInput ? INPUT_TIME : TIME,
          examples: ['2026-11-27T08:00:00Z'],
        }
      return object(
        Object.fromEntries(Object.entries(schema.fields).map(([name, of]) => [jsonName(name), jsonSchema(of, writer)])),
      )
  }
}

function object(properties: Readonly<Record<string, JsonSchema>>, required = Object.keys(properties)): JsonSchema {
  return { type: 'object', properties, ...(required.length > 0 && { required }), additionalProperties: false }
}

function casesOf(schema: Schema) {
  if (schema.kind !== 'selection') throw new TypeError(`expected a selection, got a ${schema.kind}`)
  return schema.cases
}
