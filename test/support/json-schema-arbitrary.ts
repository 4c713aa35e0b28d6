import fc, { type Arbitrary } from 'fast-check'
import type { JsonSchema, OpenApi } from './openapi.ts'

type Keywords = Readonly<Record<string, unknown>>

/** Below this depth arrays are empty and objects have their required properties alone, so that recursion ends. */
const MAX_DEPTH = 6
/** Keywords without a meaning for the values of a schema, and those that the converter knows. */
const KNOWN = new Set([
  ...['$ref', 'allOf', 'anyOf', 'oneOf', 'const', 'enum', 'type', 'discriminator'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  ...['minLength', 'maxLength', 'pattern', 'format', 'contentEncoding'],
  ...['items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems'],
  ...['properties', 'required', 'additionalProperties', 'propertyNames', 'minProperties', 'maxProperties'],
  ...['title', 'description', 'default', 'deprecated', 'examples', 'example', '$comment', '$schema', 'id'],
])

/** Numbers and characters that objects of the demo server have, so that many requests concern existing objects. */
const smallNumber = fc.integer({ min: 0, max: 50 })
const anyJson = fc.jsonValue({ depthSize: 'xsmall', maxDepth: 2 }).filter(isPlain)

/**
 * Makes arbitraries from the JSON Schemas of an OpenAPI document.
 * Throws an `Error` for a keyword that it does not know, since its values would violate it.
 */
export class SchemaArbitraries {
  readonly #openApi: OpenApi

  constructor(openApi: OpenApi) {
    this.#openApi = openApi
  }

  /** Returns an arbitrary of valid values. */
  valid(schema: JsonSchema): Arbitrary<unknown> {
    // Merged schemas describe more than the values that match each of them.
    return this.#values(schema, 0).filter((value) => this.#openApi.errorsOf(schema, value).length === 0)
  }

  #values(schema: JsonSchema, depth: number): Arbitrary<unknown> {
    if (typeof schema === 'boolean') return anyJson
    const { allOf, anyOf, oneOf, ...rest } = this.#resolved(schema)
    const unknown = Object.keys(rest).find((keyword) => !KNOWN.has(keyword))
    if (unknown !== undefined) throw new Error(`the JSON Schema keyword "${unknown}" is not known`)
    if (allOf !== undefined) return this.#values(merged([rest, ...this.#all(allOf)]), depth)
    if ('const' in rest) return fc.constant(rest.const)
    if (rest.enum !== undefined) return fc.constantFrom(...(rest.enum as unknown[]))
    const alternatives = anyOf ?? oneOf
    if (alternatives !== undefined) {
      const arbitraries = this.#all(alternatives).map((each) => this.#values(merged([rest, each]), depth))
      return fc.oneof(...arbitraries)
    }
    const types = [rest.type ?? []].flat() as string[]
    if (types.length === 0) return anyJson
    return fc.oneof(...types.map((type) => this.#ofType(type, rest, depth)))
  }

  /** Returns an arbitrary of values of which most are invalid: a valid value with one change. */
  broken(schema: JsonSchema): Arbitrary<unknown> {
    const change = fc.tuple(fc.nat(), fc.constantFrom('replace', 'remove', 'add'), junk)
    return fc.tuple(this.valid(schema), change).map(([value, [place, kind, by]]) => changed(value, place, kind, by))
  }

  #resolved(schema: Keywords): Keywords & { allOf?: unknown; anyOf?: unknown; oneOf?: unknown } {
    const { $ref, ...rest } = schema
    if ($ref === undefined) return schema
    return merged([this.#openApi.resolve<Keywords>({ $ref: String($ref) }), rest])
  }

  #all(schemas: unknown): Keywords[] {
    return (schemas as Keywords[]).map((each) => this.#resolved(each))
  }

  #ofType(type: string, schema: Keywords, depth: number): Arbitrary<unknown> {
    switch (type) {
      case 'null':
        return fc.constant(null)
      case 'boolean':
        return fc.boolean()
      case 'integer':
        return integers(schema)
      case 'number':
        return fc.oneof(smallNumber, fc.double({ noNaN: true, noDefaultInfinity: true, ...doubleRange(schema) }))
      case 'string':
        return strings(schema)
      case 'array':
        return this.#arrays(schema, depth)
      case 'object':
        return this.#objects(schema, depth)
      default:
        throw new Error(`the JSON Schema type "${type}" is not known`)
    }
  }

  #arrays({ items, prefixItems, minItems, maxItems, uniqueItems }: Keywords, depth: number): Arbitrary<unknown> {
    const first = ((prefixItems ?? []) as JsonSchema[]).map((each) => this.#values(each, depth + 1))
    const min = Math.max(0, ((minItems as number | undefined) ?? 0) - first.length)
    const max = Math.max(min, Math.min(((maxItems as number | undefined) ?? 5) - first.length, 5))
    const isEnd = depth >= MAX_DEPTH && min === 0
    const constraints = { minLength: min, maxLength: max }
    const element = () => this.#values((items as JsonSchema | undefined) ?? true, depth + 1)
    const others = isEnd
      ? fc.constant([])
      : uniqueItems === true
        ? fc.uniqueArray(element(), {
            ...constraints,
            comparator: 'SameValue',
            selector: (each) => JSON.stringify(each),
          })
        : fc.array(element(), constraints)
    return fc.tuple(fc.tuple(...first), others).map(([head, tail]) => [...head, ...tail])
  }

  #objects(schema: Keywords, depth: number): Arbitrary<unknown> {
    const { properties = {}, required = [], additionalProperties } = schema
    const requiredNames = required as string[]
    const isEnd = depth >= MAX_DEPTH
    const named = Object.entries(properties as Record<string, JsonSchema>)
      .filter(([name]) => !isEnd || requiredNames.includes(name))
      .map(([name, each]) => [name, this.#values(each, depth + 1)] as const)
    const requiredKeys = requiredNames.filter((name) => name in (properties as object))
    const known = fc.record(Object.fromEntries(named), { requiredKeys: requiredKeys as never[] })
    if (isEnd || typeof additionalProperties !== 'object' || additionalProperties === null) return known
    const name = this.#values(
      (schema.propertyNames as JsonSchema | undefined) ?? { type: 'string' },
      depth + 1,
    ) as Arbitrary<string>
    const others = fc.dictionary(
      name.filter((key) => isPlain({ [key]: 0 })),
      this.#values(additionalProperties as JsonSchema, depth + 1),
      { minKeys: (schema.minProperties as number | undefined) ?? 0, maxKeys: 3 },
    )
    return fc.tuple(others, known).map(([more, own]) => ({ ...more, ...own }))
  }
}

/** Values that no field of the API accepts, or few. */
const junk = fc.oneof(
  fc.constantFrom<unknown>(null, -1, 1.5, 2 ** 32, 2 ** 53, 1e300, '', '-1', '1.5', '☃', '\u0000', '0x10', ' 1'),
  fc.constantFrom<unknown>([], {}, [[]], true, { kind: 'none' }, ['x'], { latin1: '☃' }, 'A\u030a', 'x\ny'),
  anyJson,
)

/** Changes one of the places of a JSON value, chosen by a number. */
function changed(value: unknown, place: number, kind: string, by: unknown): unknown {
  const copy = { value: structuredClone(value) }
  const places: [holder: Record<string, unknown>, key: string][] = []
  const collect = (holder: Record<string, unknown>) => {
    for (const key of Object.keys(holder)) {
      places.push([holder, key])
      const child = holder[key]
      if (typeof child === 'object' && child !== null) collect(child as Record<string, unknown>)
    }
  }
  collect(copy)
  const [holder, key] = places[place % places.length] as (typeof places)[number]
  if (kind === 'remove' && places.length > 1) delete holder[key]
  else if (kind === 'add' && isObject(holder[key])) holder[key].unexpected = by
  else holder[key] = by
  // A removed element of an array leaves a hole, which JSON writes as null.
  return JSON.parse(JSON.stringify(copy)).value
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function integers(schema: Keywords): Arbitrary<number> {
  const { min = -(2 ** 31), max = 2 ** 31 } = doubleRange(schema)
  const arbitraries = [fc.constantFrom(min, max), fc.integer({ min, max })]
  const low = Math.max(min, 0)
  if (low <= Math.min(max, 50)) arbitraries.push(fc.integer({ min: low, max: Math.min(max, 50) }))
  return fc.oneof(...arbitraries)
}

function doubleRange({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Keywords): {
  min?: number
  max?: number
} {
  const min = minimum ?? (exclusiveMinimum === undefined ? undefined : Number(exclusiveMinimum) + 1)
  const max = maximum ?? (exclusiveMaximum === undefined ? undefined : Number(exclusiveMaximum) - 1)
  return { ...(min !== undefined && { min: Number(min) }), ...(max !== undefined && { max: Number(max) }) }
}

/** Arbitraries of strings that match a pattern. They are shared, because fast-check prepares each of them slowly. */
const matching = new Map<string, Arbitrary<string>>()
const graphemes = fc.string({ unit: 'grapheme', maxLength: 20 })

function strings({ pattern, format, minLength, maxLength }: Keywords): Arbitrary<string> {
  const min = (minLength as number | undefined) ?? 0
  const max = (maxLength as number | undefined) ?? Infinity
  if (format === 'date-time') return times
  if (format === 'uuid') return fc.uuid()
  if (format !== undefined && pattern === undefined) throw new Error(`the format "${format}" is not known`)
  const any = pattern === undefined ? graphemes : stringsMatching(String(pattern))
  return any.filter((text) => text.length >= min && text.length <= max)
}

function stringsMatching(pattern: string): Arbitrary<string> {
  const regExp = new RegExp(pattern, 'u')
  // fast-check would look through all of Unicode for the characters that a class does not exclude.
  if (pattern.startsWith('^[^')) return graphemes.filter((text) => regExp.test(text))
  const known = matching.get(pattern) ?? fc.stringMatching(regExp)
  matching.set(pattern, known)
  return known
}

/** Times of Protocol A: from 1900 on, in UTC, to the second. */
const times = fc
  .date({ min: new Date('1900-01-01T00:00:00Z'), max: new Date('2100-01-01T00:00:00Z'), noInvalidDate: true })
  .map((date) => date.toISOString().replace(/\.\d+/, ''))

/** Merges schemas that hold together: the schemas of a property, the lists of required properties; else the last wins. */
function merged(schemas: readonly Keywords[]): Keywords {
  const result: Record<string, unknown> = {}
  for (const { properties, required, ...rest } of schemas) {
    Object.assign(result, rest)
    if (properties !== undefined) result.properties = mergedProperties(result.properties, properties)
    if (required !== undefined) result.required = [...((result.required as string[]) ?? []), ...(required as string[])]
  }
  return result
}

function mergedProperties(first: unknown = {}, second: unknown): Keywords {
  const result = { ...(first as Record<string, Keywords>) }
  for (const [name, schema] of Object.entries(second as Record<string, Keywords>)) {
    result[name] = merged([result[name] ?? {}, schema])
  }
  return result
}

/** Returns whether JSON carries a value unchanged: no lone surrogates and no keys of prototypes. */
function isPlain(value: unknown): boolean {
  const text = JSON.stringify(value)
  return !/\\ud[89a-f]|__proto__|-0\b/i.test(text)
}
