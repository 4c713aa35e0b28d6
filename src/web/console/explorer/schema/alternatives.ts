import { type Components, hasType, resolve, type Schema, typesOf } from './schema.ts'

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

/** Returns whether the strings of a schema are the digits of an integer. */
function spells({ type, pattern }: Schema, { minimum = 0, maximum = 0 }: Schema): boolean {
  if (type !== 'string' || pattern === undefined) return false
  const expression = new RegExp(pattern, 'u')
  return expression.test(String(minimum)) && expression.test(String(maximum)) && !expression.test('x')
}
