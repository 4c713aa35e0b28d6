import fc, { type Arbitrary } from 'fast-check'
import { holdsDotSegment } from '../../src/http/node/request-path.ts'
import { SchemaArbitraries } from './json-schema-arbitrary.ts'
import type { JsonSchema, OpenApi, Operation, Parameter } from './openapi.ts'

/** A generated request for an operation. */
export interface GeneratedRequest {
  /** the parameters of the path as text */
  params: Readonly<Record<string, string>>
  /** the parameters of the query as text */
  query: Readonly<Record<string, string>>
  /** the body as text; undefined if there is none */
  body: string | undefined
  /** the content type of the body */
  type: string
  credentials: 'valid' | 'without-login' | 'unknown' | 'none'
}

const FORM = 'application/x-www-form-urlencoded'

/** Generates requests from an OpenAPI document. */
export class GeneratedRequests {
  readonly #openApi: OpenApi
  readonly #schemas: SchemaArbitraries

  constructor(openApi: OpenApi) {
    this.#openApi = openApi
    this.#schemas = new SchemaArbitraries(openApi)
  }

  /** Returns an arbitrary of requests that the document allows, with valid credentials. */
  valid({ parameters, body }: Operation): Arbitrary<GeneratedRequest> {
    const bodies = body === undefined ? fc.constant(undefined) : this.#schemas.valid(body.schema).map(writerOf(body))
    const valid = (schema: JsonSchema) => this.#schemas.valid(schema)
    return fc.record({
      params: values(parameters, 'path', valid),
      query: values(parameters, 'query', valid),
      body: body?.required === false ? fc.option(bodies, { nil: undefined }) : bodies,
      type: fc.constant(body?.type ?? ''),
      credentials: fc.constant('valid' as const),
    })
  }

  /** Returns an arbitrary of requests with one fault: a wrong value, a missing part, no session, a malformed body. */
  broken(operation: Operation): Arbitrary<GeneratedRequest> {
    const { parameters, body } = operation
    const broken = (schema: JsonSchema) => this.#schemas.broken(schema)
    const faults: Arbitrary<Partial<GeneratedRequest>>[] = [
      fc.record({ credentials: fc.constantFrom('without-login' as const, 'unknown' as const, 'none' as const) }),
    ]
    if (parameters.some((each) => each.in === 'path')) {
      faults.push(fc.record({ params: values(parameters, 'path', broken) }))
    }
    if (parameters.some((each) => each.in === 'query')) {
      faults.push(fc.record({ query: values(parameters, 'query', broken) }))
    }
    if (body !== undefined) {
      const invalid = this.#schemas.broken(body.schema).map(writerOf(body))
      faults.push(
        fc.record({ body: fc.oneof({ weight: 4, arbitrary: invalid }, fc.constant(undefined), fc.string()) }),
        fc.record({ type: fc.constantFrom('text/plain', 'multipart/form-data', 'json') }),
      )
    }
    return fc.tuple(this.valid(operation), fc.oneof(...faults)).map(([request, fault]) => ({ ...request, ...fault }))
  }

  /** Returns whether the document allows the parameters and the body of a request. */
  allows({ parameters, body }: Operation, { params, query, body: text, type }: GeneratedRequest): boolean {
    const areValid = parameters.every(({ name, in: where, required, schema = true }) => {
      const value = where === 'path' ? params[name] : where === 'query' ? query[name] : undefined
      return value === undefined ? !required || where === 'header' : this.#allowsText(schema, value)
    })
    if (!areValid || body === undefined) return areValid
    if (text === undefined || text === '') return !body.required
    if (type !== body.type) return false
    try {
      return this.#openApi.errorsOf(body.schema, read(type, text)).length === 0
    } catch {
      return false
    }
  }

  /** Returns whether a schema allows the value of a parameter, which is text in any case. */
  #allowsText(schema: JsonSchema, text: string): boolean {
    const candidates: unknown[] = [text.normalize('NFC')]
    if (/^\d+$/.test(text)) candidates.push(Number(text))
    if (text === 'true' || text === 'false') candidates.push(text === 'true')
    return candidates.some((value) => this.#openApi.errorsOf(schema, value).length === 0)
  }
}

/** Returns the path of a request with its query. */
export function pathOf({ template }: Operation, { params, query }: GeneratedRequest): string {
  const path = template.replace(/\{([^}]*)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''))
  const search = new URLSearchParams(query).toString()
  return search === '' ? path : `${path}?${search}`
}

function values(
  parameters: readonly Parameter[],
  where: 'path' | 'query',
  arbitraryOf: (schema: JsonSchema) => Arbitrary<unknown>,
): Arbitrary<Record<string, string>> {
  const ofKind = parameters.filter((each) => each.in === where)
  const arbitraries = Object.fromEntries(
    ofKind.map(({ name, schema = true }) => [name, arbitraryOf(schema).map(asText)] as const),
  )
  const requiredKeys = ofKind.filter(({ required }) => required).map(({ name }) => name)
  return (fc.record(arbitraries, { requiredKeys }) as Arbitrary<Record<string, string>>).filter(
    (record) => where === 'query' || Object.values(record).every(isSegment),
  )
}

/** Returns whether a value may be in a path: the gateway removes empty segments and rejects dot segments. */
function isSegment(text: string): boolean {
  return text !== '' && !holdsDotSegment(text.replaceAll(/[?#]/g, '-'))
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Returns a function that writes a value in the content type of a body. */
function writerOf({ type }: { type: string }): (value: unknown) => string {
  if (type !== FORM) return (value) => JSON.stringify(value)
  return (value) => {
    const fields = Object.entries(value ?? {}).map(([name, each]): [string, string] => [name, asText(each)])
    return new URLSearchParams(fields).toString()
  }
}

/** Reads a body in a content type, as the gateway does before it checks the characters. @throws SyntaxError */
function read(type: string, text: string): unknown {
  return type === FORM ? Object.fromEntries(new URLSearchParams(text)) : JSON.parse(text, normalized)
}

/** Normalizes names and other text. The characters of `latin1` stand for bytes. */
function normalized(key: string, value: unknown): unknown {
  return typeof value === 'string' && key !== 'latin1' ? value.normalize('NFC') : value
}
