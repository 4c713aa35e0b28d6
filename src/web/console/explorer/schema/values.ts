import { type Components, resolve, type Schema } from './schema.ts'
import { shapeOf } from './shape.ts'

/** How deep an example goes into a schema, which may contain itself. */
const MAX_DEPTH = 8

/** Returns the value with which a form begins: required properties alone, empty fields, and defaults where there are some. */
export function blank(schema: Schema, components: Components, depth = 0): unknown {
  const resolved = resolve(schema, components)
  if (resolved.default !== undefined) return resolved.default
  const shape = shapeOf(resolved, components)
  switch (shape.kind) {
    case 'object':
      if (depth >= MAX_DEPTH) return {}
      return Object.fromEntries(
        shape.properties
          .filter(({ isRequired }) => isRequired)
          .map((property) => [property.name, blank(property.schema, components, depth + 1)]),
      )
    case 'flags':
      return {}
    case 'array': {
      const { minItems = 0 } = resolved
      return Array.from({ length: minItems }, () => blank(shape.items, components, depth + 1))
    }
    case 'choice':
      return blank(shape.options[0]?.schema ?? {}, components, depth + 1)
    case 'enum':
      return shape.values[0]
    case 'constant':
      return shape.value
    case 'boolean':
      return false
    case 'null':
    case 'any':
      return null
    case 'number':
    case 'text':
      return ''
  }
}

/** Returns a valid value as an example. Objects have their required properties, lists the least number of items. */
export function sample(schema: Schema, components: Components, depth = 0): unknown {
  const resolved = resolve(schema, components)
  const given = resolved.example ?? resolved.examples?.[0] ?? resolved.default
  if (given !== undefined) return given
  const shape = shapeOf(resolved, components)
  switch (shape.kind) {
    case 'object': {
      if (depth >= MAX_DEPTH) return {}
      const required = shape.properties.filter(({ isRequired }) => isRequired)
      const object: Record<string, unknown> = Object.fromEntries(
        required.map((property) => [property.name, sample(property.schema, components, depth + 1)]),
      )
      const { minProperties = 0 } = resolved
      if (required.length < minProperties && shape.extra !== undefined) {
        object.key = sample(shape.extra, components, depth + 1)
      }
      return object
    }
    case 'array': {
      const { minItems = 0 } = resolved
      return Array.from({ length: minItems }, () => sample(shape.items, components, depth + 1))
    }
    case 'choice':
      return sample(shape.options[0]?.schema ?? {}, components, depth + 1)
    case 'number':
      return shape.minimum ?? 0
    case 'text':
      return sampleText(resolved)
    default:
      return blank(resolved, components, depth)
  }
}

/** Strings that match the patterns of the description which have no example. */
const TEXTS = [
  'text',
  'a'.repeat(64),
  '1',
  '00000000-0000-0000-0000-000000000000',
  'text/plain',
  'new-text',
  '/',
  '127.0.0.1',
]

function sampleText({ pattern, anyOf }: Schema): string {
  const patterns = pattern === undefined ? (anyOf ?? []).flatMap((each) => each.pattern ?? []) : [pattern]
  if (patterns.length === 0) return 'text'
  return TEXTS.find((text) => patterns.some((each) => new RegExp(each, 'u').test(text))) ?? ''
}
