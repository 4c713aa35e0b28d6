/** JSON Schema (2020-12) as far as forms use it. */

/** A type of JSON values. */
export type TypeName = 'string' | 'number' | 'integer' | 'boolean' | 'object' | 'array' | 'null'

/** A schema; an empty one allows any value. */
export interface Schema {
  $ref?: string
  type?: TypeName | readonly TypeName[]
  title?: string
  description?: string
  deprecated?: boolean
  default?: unknown
  example?: unknown
  examples?: readonly unknown[]
  enum?: readonly unknown[]
  const?: unknown
  properties?: Readonly<Record<string, Schema>>
  required?: readonly string[]
  additionalProperties?: boolean | Schema
  propertyNames?: Schema
  minProperties?: number
  items?: Schema
  minItems?: number
  maxItems?: number
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  pattern?: string
  format?: string
  oneOf?: readonly Schema[]
  anyOf?: readonly Schema[]
  allOf?: readonly Schema[]
}

/** The schemas that references of the form `#/components/schemas/NAME` name. */
export type Components = Readonly<Record<string, Schema>>

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

const REFERENCE = /^#\/components\/schemas\/([^/]+)$/

/** Returns a schema without a reference and without `allOf` at its top. @throws Error for an unknown reference */
export function resolve(schema: Schema, components: Components): Schema {
  const { $ref, allOf, ...own } = schema
  if ($ref === undefined && allOf === undefined) return schema
  const parts = [...(allOf ?? []), ...($ref === undefined ? [] : [referenced($ref, components)])]
  return parts.map((part) => resolve(part, components)).reduceRight((all, part) => merge(part, all), own)
}

/** Returns the types of a schema, none if it names none. */
export function typesOf({ type }: Schema): readonly TypeName[] {
  if (type === undefined) return []
  return typeof type === 'string' ? [type] : type
}

/**
 * Returns the schemas of which a value matches one. Alternatives of an object that only restrict its properties do not
 * count, nor does a number that is spelled as a string beside that number.
 */
export function alternatives(schema: Schema, components: Components): readonly Schema[] {
  const resolved = resolve(schema, components)
  const { oneOf, anyOf, ...rest } = resolved
  const options = oneOf ?? anyOf
  const types = typesOf(resolved)
  if (resolved.enum === undefined && types.length > 1) return types.map((type) => ({ ...resolved, type }))
  if (options === undefined || resolved.properties !== undefined || types.length > 0) return [resolved]
  const { description } = rest
  const flat = options.flatMap((option) => alternatives(option, components))
  const described = description === undefined ? flat : flat.map((each) => ({ description, ...each }))
  const integers = described.filter(({ type }) => type === 'integer')
  return described.filter((option) => !integers.some((integer) => spells(option, integer)))
}

/** Returns whether a value may be null. */
export function isNullable(schema: Schema, components: Components): boolean {
  const all = alternatives(schema, components)
  return all.length > 1 && all.some(({ type }) => type === 'null')
}

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

/** Returns the index of the alternative that a value matches best. */
export function bestOption(value: unknown, options: readonly Schema[], components: Components): number {
  const scores = options.map((option) => likeness(value, option, components))
  return scores.indexOf(Math.max(...scores))
}

function likeness(value: unknown, schema: Schema, components: Components): number {
  const { const: constant, enum: values, type } = schema
  if (constant !== undefined) return constant === value ? 2 : 0
  if (values !== undefined) return values.includes(value) ? 2 : 0
  if (!hasType(value, type)) return 0
  if (typeof value !== 'object' || value === null) return 1
  const record = value as Record<string, unknown>
  const { properties = {}, required = [] } = schema
  const constants = Object.entries(properties).flatMap(([name, property]) => {
    const { const: expected } = resolve(property, components)
    return expected === undefined ? [] : [record[name] === expected ? 2 : -2]
  })
  const present = required.filter((name) => Object.hasOwn(record, name)).length
  return 1 + constants.reduce((sum, each) => sum + each, 0) + present / (required.length + 1)
}

/** Returns whether a value is of a type. */
export function hasType(value: unknown, type: TypeName | readonly TypeName[] | undefined): boolean {
  if (type === undefined) return true
  const types = typeof type === 'string' ? [type] : type
  return types.some((each) => {
    if (each === 'integer') return Number.isInteger(value)
    if (each === 'null') return value === null
    if (each === 'array') return Array.isArray(value)
    if (each === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
    return typeof value === each
  })
}

/** Returns whether the strings of a schema are the digits of an integer. */
function spells({ type, pattern }: Schema, { minimum = 0, maximum = 0 }: Schema): boolean {
  if (type !== 'string' || pattern === undefined) return false
  const expression = new RegExp(pattern, 'u')
  return expression.test(String(minimum)) && expression.test(String(maximum)) && !expression.test('x')
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

function referenced(reference: string, components: Components): Schema {
  const [, name = ''] = REFERENCE.exec(reference) ?? []
  const schema = components[decodeURIComponent(name)]
  if (schema === undefined) throw new Error(`the description has no schema ${reference}`)
  return schema
}

function merge(base: Schema, more: Schema): Schema {
  return {
    ...base,
    ...more,
    ...((base.properties ?? more.properties) && { properties: { ...base.properties, ...more.properties } }),
    ...((base.required ?? more.required) && { required: [...(base.required ?? []), ...(more.required ?? [])] }),
  }
}
