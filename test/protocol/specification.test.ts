import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { AUX_ITEMS } from '../../src/protocol/aux-items.ts'
import { CALLS } from '../../src/protocol/calls/index.ts'
import { type Schema, specName } from '../../src/protocol/codec.ts'
import { ERRORS } from '../../src/protocol/errors.ts'
import { MESSAGES } from '../../src/protocol/messages.ts'
import * as types from '../../src/protocol/types.ts'

type Field = [name: string, type: string]
interface Specification {
  types: Record<string, unknown>
  calls: { name: string; number: number; status: string; request: Field[]; reply: string }[]
  messages: { name: string; number: number; status: string; fields: Field[] }[]
  errors: [number, string][]
  auxItems: { name: string; number: number }[]
}

const specification: Specification = JSON.parse(
  readFileSync(new URL('../../fixtures/protocol-a.json', import.meta.url), 'utf8'),
)

/** Returns a type as fixtures/protocol-a.json refers to it: by its name if it has one. */
function reference(schema: Schema): string {
  if (schema.name !== undefined) return schema.name
  switch (schema.kind) {
    case 'int':
      return `INT${schema.bits}`
    case 'bool':
      return 'BOOL'
    case 'float':
      return 'FLOAT'
    case 'string':
      return 'HOLLERITH'
    case 'array':
      return `ARRAY ${reference(schema.of)}`
    case 'nothing':
      return ''
    default:
      return `an unnamed ${schema.kind}`
  }
}

function fields(schema: Schema): Field[] {
  if (schema.kind !== 'struct') throw new Error(`expected a struct, got a ${schema.kind}`)
  return Object.entries(schema.fields).map(([name, type]) => [specName(name), reference(type)])
}

/** Returns a type as fixtures/protocol-a.json defines it. */
function definition({ name: _, ...schema }: Schema): unknown {
  switch (schema.kind) {
    case 'struct':
      return { struct: fields(schema as Schema) }
    case 'bits':
      return { bits: schema.bits.map(specName) }
    case 'selection':
      return { selection: schema.cases.map((c) => [c.number, c.name, c.tail, reference(c.of)]) }
    case 'enumeration':
      return { enumerationOf: reference(schema.of) }
    case 'either':
      return { oneOf: schema.of.map(reference) }
    default:
      return reference(schema as Schema)
  }
}

/** Resolves aliases of aliases: Pers-No is a Conf-No, which is an INT16. The codecs keep only their own name. */
function resolved(type: unknown): unknown {
  return typeof type === 'string' && type in specification.types ? resolved(specification.types[type]) : type
}

describe('protocol tables', () => {
  it('declare exactly the data types of the specification', () => {
    const declared = Object.values(types)
      .map((codec) => (codec as { schema: Schema }).schema)
      .map((schema) => [schema.name, definition(schema)])
    const wanted = Object.entries(specification.types).map(([name, type]) => [name, resolved(type)])
    expect(declared.length).toBe(wanted.length)
    expect(Object.fromEntries(declared)).toEqual(Object.fromEntries(wanted))
  })

  it('declare the 123 requests of the specification with their parameters and replies', () => {
    const declared = Object.entries(CALLS)
      .map(([name, call]) => ({
        name,
        number: call.number,
        status: call.status,
        request: fields(call.params.schema),
        reply: reference(call.reply.schema),
      }))
      .sort((a, b) => a.number - b.number)
    expect(declared).toEqual(
      specification.calls.map(({ name, number, status, request, reply }) => ({ name, number, status, request, reply })),
    )
    expect(declared.map((call) => call.number)).toEqual(Array.from({ length: 123 }, (_, i) => i))
  })

  it('declare the 21 asynchronous messages of the specification with their parameters', () => {
    const declared = Object.entries(MESSAGES).map(([name, message]) => ({
      name,
      number: message.number,
      status: message.status,
      fields: fields(message.params.schema),
    }))
    expect(declared).toEqual(
      specification.messages.map((message) => ({
        name: message.name,
        number: message.number,
        status: message.status,
        fields: message.fields,
      })),
    )
    expect(declared.length).toBe(21)
  })

  it('declare the error codes and aux-item tags of the specification', () => {
    expect(Object.entries(ERRORS).map(([name, code]) => [code, name])).toEqual(specification.errors)
    expect(Object.entries(AUX_ITEMS)).toEqual(specification.auxItems.map((item) => [item.name, item.number]))
  })
})
