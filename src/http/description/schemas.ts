import { z } from 'zod'

/** A JSON Schema of draft 2020-12, which OpenAPI 3.1 uses. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** The content type of JSON. */
export const JSON_TYPE = 'application/json'

/** The direction of a value: `output` for what the gateway sends and for parameters, `input` for bodies of requests. */
export type Direction = 'input' | 'output'

const COMPONENTS = '#/components/schemas/'
const DEFINITION = '#/$defs/'
/** Values of these keywords are no schemas. */
const VALUES: ReadonlySet<string> = new Set(['const', 'default', 'enum', 'examples', 'required'])
/** Separates the types of Protocol A from those of the HTTP interface: both have a `Membership`, for example. */
const PROTOCOL_A = 'ProtocolA'
/** Ends the name of the input of a type that has more values than the output. */
const INPUT = 'Input'

/** Returns a reference to a component. */
export function schemaReference(name: string): JsonSchema {
  return { $ref: COMPONENTS + name }
}

/**
 * Converts zod schemas to JSON Schemas. Schemas with an `id`, and the types of Protocol A, which have a `title`, become
 * components. Convert outputs before inputs: the input of a type shares the component of its output if both are equal.
 */
export class ComponentSchemas {
  readonly #components = new Map<string, JsonSchema>()
  readonly #converted = { input: new Map<z.ZodType, JsonSchema>(), output: new Map<z.ZodType, JsonSchema>() }

  /** The components by name, in alphabetical order. */
  get all(): Record<string, JsonSchema> {
    return Object.fromEntries([...this.#components].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  /** Converts a schema. @throws Error if two different types have the same name */
  convert(schema: z.ZodType, direction: Direction): JsonSchema {
    const known = this.#converted[direction].get(schema)
    if (known !== undefined) return known
    const converted = this.#convert(schema, direction)
    this.#converted[direction].set(schema, converted)
    return converted
  }

  #convert(schema: z.ZodType, direction: Direction): JsonSchema {
    const { $schema: _, $defs = {}, ...root } = z.toJSONSchema(schema, { io: direction, unrepresentable: 'any' })
    const names = new Map(
      Object.entries($defs).map(([name, definition]) => [
        name,
        this.#nameOf(name, definition as JsonSchema, direction),
      ]),
    )
    const resolve = (node: unknown) => this.#hoist(node, direction, names)
    for (const [name, definition] of Object.entries($defs)) {
      this.#add(names.get(name) as string, resolve(definition) as JsonSchema)
    }
    return resolve(root) as JsonSchema
  }

  /** Replaces titled schemas by references, and the targets of references by those in the document. */
  #hoist(node: unknown, direction: Direction, names: ReadonlyMap<string, string>): unknown {
    if (Array.isArray(node)) return node.map((each) => this.#hoist(each, direction, names))
    if (typeof node !== 'object' || node === null) return node
    const { $ref } = node as { $ref?: unknown }
    if (typeof $ref === 'string' && $ref.startsWith(DEFINITION)) {
      const { $ref: _, ...more } = node as JsonSchema
      return { ...schemaReference(names.get($ref.slice(DEFINITION.length)) as string), ...more }
    }
    const schema = Object.fromEntries(
      Object.entries(node).map(([key, value]) => [key, VALUES.has(key) ? value : this.#hoist(value, direction, names)]),
    )
    if (typeof schema.title !== 'string') return schema
    const name = this.#nameOf(PROTOCOL_A + pascalCase(schema.title), schema, direction)
    this.#add(name, schema)
    return schemaReference(name)
  }

  #nameOf(name: string, schema: JsonSchema, direction: Direction): string {
    const isOwn = direction === 'output' || name.endsWith(INPUT) || isEqual(this.#components.get(name), schema)
    return isOwn ? name : name + INPUT
  }

  #add(name: string, schema: JsonSchema): void {
    const known = this.#components.get(name)
    if (known !== undefined && !isEqual(known, schema)) throw new Error(`two schemas have the name ${name}`)
    this.#components.set(name, schema)
  }
}

/** Both come from the same code, so that the order of their keys is the same. */
function isEqual(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** Converts a name of Protocol A: `Text-Stat` -> `TextStat`. */
function pascalCase(title: string): string {
  return title.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())
}
