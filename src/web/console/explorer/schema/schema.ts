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
