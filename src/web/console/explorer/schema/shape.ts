import { alternatives } from './alternatives.ts'
import { type Components, resolve, type Schema } from './schema.ts'

/** A property of an object. */
export interface Property {
  name: string
  schema: Schema
  isRequired: boolean
}

/** One of several forms that a value may have. */
export interface Option {
  label: string
  schema: Schema
}

/** What a form shows for a schema. */
export type Shape =
  /** @property extra the schema of properties that have no names of their own, if there may be some */
  | { kind: 'object'; properties: readonly Property[]; extra: Schema | undefined }
  /** an object of which each property is true or left out */
  | { kind: 'flags'; properties: readonly Property[] }
  | { kind: 'array'; items: Schema }
  | { kind: 'choice'; options: readonly Option[] }
  | { kind: 'enum'; values: readonly unknown[] }
  | { kind: 'constant'; value: unknown }
  | { kind: 'number'; isInteger: boolean; minimum: number | undefined; maximum: number | undefined }
  | { kind: 'boolean' }
  | { kind: 'text' }
  | { kind: 'null' }
  /** any JSON value */
  | { kind: 'any' }

/** Returns what a form shows for a schema, for values other than null. */
export function shapeOf(schema: Schema, components: Components): Shape {
  const all = alternatives(schema, components)
  const given = all.length > 1 ? all.filter(({ type }) => type !== 'null') : all
  const [first = {}] = given
  const groups = new Set(given.map((option) => signature(option, components)))
  if (groups.size > 1) {
    return {
      kind: 'choice',
      options: given.map((option, i) => ({ schema: option, label: labelOf(option, i, components) })),
    }
  }
  return shapeOfOne(first, components)
}

function shapeOfOne(schema: Schema, components: Components): Shape {
  if (schema.const !== undefined) return { kind: 'constant', value: schema.const }
  if (schema.enum !== undefined) return { kind: 'enum', values: schema.enum }
  switch (schema.type) {
    case 'object':
      return shapeOfObject(schema, components)
    case 'array':
      return { kind: 'array', items: schema.items ?? {} }
    case 'integer':
    case 'number': {
      const { minimum, maximum } = schema
      return { kind: 'number', isInteger: schema.type === 'integer', minimum, maximum }
    }
    case 'boolean':
      return { kind: 'boolean' }
    case 'string':
      return { kind: 'text' }
    case 'null':
      return { kind: 'null' }
    default:
      return schema.properties === undefined ? { kind: 'any' } : shapeOfObject(schema, components)
  }
}

function shapeOfObject(schema: Schema, components: Components): Shape {
  const { properties = {}, required = [], additionalProperties } = schema
  const list = Object.entries(properties).map(
    ([name, property]): Property => ({ name, schema: property, isRequired: required.includes(name) }),
  )
  const isFlag = ({ schema: property, isRequired }: Property) =>
    !isRequired && resolve(property, components).type === 'boolean'
  if (list.length > 1 && list.every(isFlag)) return { kind: 'flags', properties: list }
  // Without `additionalProperties`, the gateway ignores unknown properties.
  const extra = typeof additionalProperties === 'object' ? additionalProperties : undefined
  return { kind: 'object', properties: list, extra: list.length === 0 && additionalProperties === true ? {} : extra }
}

/** Alternatives with the same signature have the same form. */
function signature(schema: Schema, components: Components): string {
  const { kind } = shapeOfOne(schema, components)
  return kind === 'text' || kind === 'boolean' || kind === 'number' ? kind : JSON.stringify(schema)
}

function labelOf(schema: Schema, index: number, components: Components): string {
  const { title, type, properties = {}, const: constant } = schema
  if (constant !== undefined) return String(constant)
  for (const property of Object.values(properties)) {
    const { const: value } = resolve(property, components)
    if (value !== undefined) return String(value)
  }
  const [only, ...others] = Object.keys(properties)
  if (only !== undefined && others.length === 0) return only
  return title ?? (typeof type === 'string' ? type : `${index + 1}`)
}
