import { alternatives, bestOption } from './alternatives.ts'
import { type Components, hasType, resolve, type Schema, typesOf } from './schema.ts'

/** Where in a value a fault is: names of properties and indexes. */
export type Path = readonly (string | number)[]

/** What is wrong with a value. */
export type FaultCode =
  /** there is no value */
  | 'missing'
  /** the property has no place in its object */
  | 'unknown'
  /** not a whole number, a number, true or false, an object, a list, a string */
  | 'integer'
  | 'number'
  | 'boolean'
  | 'object'
  | 'array'
  | 'string'
  | 'null'
  /** not one of some values */
  | 'enum'
  | 'minimum'
  | 'maximum'
  | 'minLength'
  | 'maxLength'
  /** too few or too many items or properties */
  | 'minItems'
  | 'maxItems'
  | 'pattern'
  /** characters outside ISO 8859-1 */
  | 'latin1'
  /** a segment of a path that browsers remove from URLs */
  | 'dots'
  /** half of a surrogate pair, which URLs cannot hold */
  | 'surrogate'
  /** line feeds and characters outside ISO 8859-1, which headers cannot hold */
  | 'header'
  /** not JSON */
  | 'json'

/** A fault in a value. */
export interface Fault {
  path: Path
  code: FaultCode
  /** the bound, the pattern or the values */
  expected: string | number
}

/** Text in place of a value that is not JSON yet. */
export class NotJson {
  constructor(
    readonly text: string,
    readonly reason: string,
  ) {}
}

const LATIN1_PATTERN = '^[\\u0000-\\u00ff]*$'
const TYPE_FAULTS: ReadonlySet<FaultCode> = new Set([
  'string',
  'number',
  'integer',
  'boolean',
  'object',
  'array',
  'null',
])

/** Returns what is wrong with a value, nothing if it matches its schema. */
export function faultsOf(value: unknown, schema: Schema, components: Components, path: Path = []): Fault[] {
  const resolved = resolve(schema, components)
  const fault = (code: FaultCode, expected: string | number = ''): Fault[] => [{ path, code, expected }]
  if (value === undefined) return fault('missing')
  if (value instanceof NotJson) return fault('json', value.reason)
  const { const: constant, enum: values } = resolved
  if (constant !== undefined && value !== constant) return fault('enum', JSON.stringify(constant))
  if (values !== undefined && !values.includes(value)) {
    return value === '' ? fault('missing') : fault('enum', values.map((each) => JSON.stringify(each)).join(', '))
  }
  const [type] = typesOf(resolved)
  if (!hasType(value, resolved.type)) return value === '' ? fault('missing') : fault(type as FaultCode)
  return [
    ...faultsOfScalar(value, resolved, fault),
    ...(Array.isArray(value) ? faultsOfArray(value, resolved, components, path) : []),
    ...(hasType(value, 'object') ? faultsOfObject(value as Record<string, unknown>, resolved, components, path) : []),
    ...faultsOfAlternatives(value, resolved, components, path),
  ]
}

function faultsOfScalar(
  value: unknown,
  { minimum, maximum, minLength, maxLength, pattern }: Schema,
  fault: (code: FaultCode, expected: string | number) => Fault[],
): Fault[] {
  if (typeof value === 'number') {
    if (minimum !== undefined && value < minimum) return fault('minimum', minimum)
    if (maximum !== undefined && value > maximum) return fault('maximum', maximum)
  }
  if (typeof value === 'string') {
    const length = [...value].length
    if (minLength !== undefined && length < minLength) return fault('minLength', minLength)
    if (maxLength !== undefined && length > maxLength) return fault('maxLength', maxLength)
    if (pattern !== undefined && !new RegExp(pattern, 'u').test(value)) {
      if (value === '') return fault('missing', '')
      return pattern === LATIN1_PATTERN ? fault('latin1', '') : fault('pattern', pattern)
    }
  }
  return []
}

function faultsOfArray(
  value: readonly unknown[],
  { items, minItems, maxItems }: Schema,
  components: Components,
  path: Path,
): Fault[] {
  if (minItems !== undefined && value.length < minItems) return [{ path, code: 'minItems', expected: minItems }]
  if (maxItems !== undefined && value.length > maxItems) return [{ path, code: 'maxItems', expected: maxItems }]
  if (items === undefined) return []
  return value.flatMap((item, i) => faultsOf(item, items, components, [...path, i]))
}

function faultsOfObject(
  value: Readonly<Record<string, unknown>>,
  { properties = {}, required = [], additionalProperties, propertyNames, minProperties }: Schema,
  components: Components,
  path: Path,
): Fault[] {
  const faults = required
    .filter((name) => !Object.hasOwn(value, name) || value[name] === undefined)
    .map((name): Fault => ({ path: [...path, name], code: 'missing', expected: '' }))
  const given = Object.entries(value).filter(([, member]) => member !== undefined)
  for (const [name, member] of given) {
    const at = [...path, name]
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined
    if (property !== undefined) faults.push(...faultsOf(member, property, components, at))
    else if (additionalProperties === false) faults.push({ path: at, code: 'unknown', expected: '' })
    else if (typeof additionalProperties === 'object') {
      faults.push(...faultsOf(member, additionalProperties, components, at))
    }
    if (propertyNames !== undefined) faults.push(...faultsOf(name, propertyNames, components, at))
  }
  if (minProperties !== undefined && given.length < minProperties) {
    faults.push({ path, code: 'minItems', expected: minProperties })
  }
  return faults
}

function faultsOfAlternatives(value: unknown, schema: Schema, components: Components, path: Path): Fault[] {
  const options = schema.oneOf ?? schema.anyOf
  if (options === undefined) return []
  const results = options.map((option) => faultsOf(value, option, components, path))
  if (results.some((faults) => faults.length === 0)) return []
  if (schema.properties !== undefined) return fewest(results)
  // What the person probably means is the alternative to which the value is most similar.
  const shown = alternatives(schema, components).filter(({ type }) => type !== 'null' || value === null)
  const best = shown[bestOption(value, shown, components)]
  return best === undefined ? fewest(results) : faultsOf(value, best, components, path)
}

function fewest(results: readonly Fault[][]): Fault[] {
  const weight = (faults: readonly Fault[]): number =>
    faults.reduce((sum, { code }) => sum + (TYPE_FAULTS.has(code) || code === 'enum' ? 3 : 1), 0)
  return results.reduce((best, faults) => (weight(faults) < weight(best) ? faults : best))
}
