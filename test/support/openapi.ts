import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import type { Answer } from './gateway.ts'

/** A JSON Schema of draft 2020-12. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown }

/** A reference to a component of the document. */
interface Reference {
  $ref: string
}

/** Contents of a request or a response by media type. */
type Content = Readonly<Record<string, { schema?: JsonSchema }>>

/** A parameter of an operation. */
export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header' | 'cookie'
  required?: boolean
  schema?: JsonSchema
}

interface HeaderObject {
  required?: boolean
  schema?: JsonSchema
}

interface ResponseObject {
  description: string
  headers?: Readonly<Record<string, HeaderObject | Reference>>
  content?: Content
}

interface RequestBody {
  required?: boolean
  content: Content
}

interface OperationObject {
  operationId?: string
  security?: readonly Readonly<Record<string, readonly string[]>>[]
  parameters?: readonly (Parameter | Reference)[]
  requestBody?: RequestBody | Reference
  responses: Readonly<Record<string, ResponseObject | Reference>>
}

type PathItem = { readonly parameters?: readonly (Parameter | Reference)[] } & {
  readonly [method in (typeof METHODS)[number]]?: OperationObject
}

/** An OpenAPI 3.1 document, as far as tests read it. */
export interface OpenApiDocument {
  servers?: readonly { url: string }[]
  security?: readonly Readonly<Record<string, readonly string[]>>[]
  paths: Readonly<Record<string, PathItem>>
  components?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

/** An operation with its references resolved, except for those in JSON Schemas. */
export interface Operation {
  id: string
  method: string
  /** `/{server}/texts/{text_no}` for example */
  template: string
  parameters: readonly Parameter[]
  body: { required: boolean; type: string; schema: JsonSchema } | undefined
  /** the names of the security schemes, one list for each alternative; an empty list means that none is needed */
  security: readonly (readonly string[])[]
  responses: Readonly<Record<string, { headers: Readonly<Record<string, HeaderObject>>; content: Content }>>
}

/** A response. Recordings without headers have no content type either. */
type Received = Pick<Answer, 'status' | 'text' | 'json'> & { headers?: Headers }

/** A request as far as its response depends on it. */
export interface DescribedRequest {
  method: string
  /** with the base path and the query */
  path: string
}

const METHODS = ['get', 'put', 'post', 'delete', 'patch', 'head', 'options'] as const
/** The key of the document among the schemas of ajv. */
const ROOT = 'openapi'
const GATEWAY_ERROR: JsonSchema = { $ref: '#/components/schemas/GatewayError' }
/** Statuses of responses that never have a body. */
const BODILESS = new Set([204, 304])

/** Validates responses against an OpenAPI 3.1 document. */
export class OpenApi {
  readonly document: OpenApiDocument
  readonly operations: readonly Operation[]
  readonly #basePath: string
  readonly #templates: readonly { template: string; pattern: RegExp }[]
  readonly #bodies = new Ajv2020({ strict: false, allErrors: true, validateSchema: false })
  /** Header fields are strings, also where they hold a number. */
  readonly #headers = new Ajv2020({ strict: false, coerceTypes: true, validateSchema: false })
  /** by the schema, or by what it refers to */
  readonly #bodyValidators = new Map<unknown, ValidateFunction>()
  readonly #headerValidators = new Map<unknown, ValidateFunction>()

  constructor(document: OpenApiDocument) {
    this.document = document
    this.#basePath = (document.servers?.[0]?.url ?? '').replace(/^https?:\/\/[^/]*/, '').replace(/\/$/, '')
    for (const ajv of [this.#bodies, this.#headers]) {
      formats.default(ajv)
      ajv.addSchema(document, ROOT)
    }
    this.#templates = Object.keys(document.paths).sort(byConcreteness).map(compile)
    this.operations = Object.entries(document.paths).flatMap(([template, item]) =>
      METHODS.flatMap((method) => {
        const operation = item[method]
        return operation === undefined ? [] : [this.#operation(template, method, item, operation)]
      }),
    )
  }

  /** Returns the operation of a request: that of the most concrete template of a path. */
  find({ method, path }: DescribedRequest): Operation | undefined {
    const [template] = this.#templatesOf(path)
    const wanted = method === 'HEAD' ? 'GET' : method
    return this.operations.find((each) => each.template === template && each.method === wanted)
  }

  /**
   * Checks that the document describes a response: its status, content type, JSON body and headers.
   * @throws Error with the operation, the status and each invalid place
   */
  check(request: DescribedRequest, answer: Received): void {
    // Preflight requests are a matter of CORS, which OpenAPI does not describe.
    if (request.method === 'OPTIONS') return
    const operation = this.find(request)
    const problems = operation === undefined ? this.#undescribed(request, answer) : this.#described(operation, answer)
    const isHead = request.method === 'HEAD'
    if (operation !== undefined && !isHead) problems.push(...this.#body(operation, answer))
    if (problems.length === 0) return
    const name = operation?.id ?? 'no operation'
    const where = `${name}: ${request.method} ${request.path.replace(/\?.*/, '')} -> ${answer.status}`
    throw new Error(`${where}: ${problems.join('; ')}\n${answer.text.slice(0, 1000)}`)
  }

  /** Returns the errors of a JSON value, each with its place. @param place the name of the value in the errors */
  errorsOf(schema: JsonSchema, value: unknown, place = 'body'): string[] {
    const validate = getOrMake(this.#bodyValidators, keyOf(schema), () => this.#bodies.compile(absolute(schema)))
    if (validate(value)) return []
    return (validate.errors ?? []).map(({ instancePath, message, params }) => {
      const extra = 'additionalProperty' in params ? ` (${params.additionalProperty})` : ''
      return `${place}${instancePath} ${message}${extra}`
    })
  }

  /** Returns what a reference refers to. */
  resolve<T>(value: T | Reference): T {
    if (typeof value !== 'object' || value === null || !('$ref' in value)) return value as T
    const { $ref } = value as Reference
    let target: unknown = this.document
    for (const key of $ref.replace(/^#\//, '').split('/')) {
      target = (target as Record<string, unknown> | undefined)?.[
        decodeURIComponent(key).replace(/~1/g, '/').replace(/~0/g, '~')
      ]
    }
    if (target === undefined) throw new Error(`dangling reference ${$ref}`)
    return this.resolve(target as T)
  }

  #operation(template: string, method: string, item: PathItem, operation: OperationObject): Operation {
    const body = operation.requestBody && this.resolve<RequestBody>(operation.requestBody)
    const [type = '', { schema = true } = {}] = Object.entries(body?.content ?? {})[0] ?? []
    const security = operation.security ?? this.document.security ?? []
    return {
      id: operation.operationId ?? `${method} ${template}`,
      method: method.toUpperCase(),
      template,
      parameters: [...(item.parameters ?? []), ...(operation.parameters ?? [])].map((each) =>
        this.resolve<Parameter>(each),
      ),
      body: body && { required: body.required === true, type, schema },
      security: security.map((schemes) => Object.keys(schemes)),
      responses: Object.fromEntries(
        Object.entries(operation.responses).map(([status, response]) => {
          const { headers = {}, content = {} } = this.resolve<ResponseObject>(response)
          const resolved = Object.entries(headers).map(([name, header]) => [name, this.resolve<HeaderObject>(header)])
          return [status, { headers: Object.fromEntries(resolved), content }]
        }),
      ),
    }
  }

  /** Returns the templates that match a path, the most concrete one first. */
  #templatesOf(path: string): string[] {
    const plain = path.replace(/[?#].*/, '').replace(/\/{2,}/g, '/')
    if (!plain.startsWith(this.#basePath)) return []
    const rest = plain.slice(this.#basePath.length).replace(/(.)\/$/, '$1') || '/'
    return this.#templates.filter(({ pattern }) => pattern.test(rest)).map(({ template }) => template)
  }

  /** Checks a response to a request that the document does not describe: it must be an error of the gateway. */
  #undescribed({ path }: DescribedRequest, { status, json, headers }: Received): string[] {
    if (status < 400) return ['the document does not describe the path']
    const methods = this.#templatesOf(path).flatMap((template) =>
      this.operations.filter((each) => each.template === template).map(({ method }) => method),
    )
    const allowed = headers?.get('allow')?.split(/, */) ?? []
    const missing = status === 405 ? allowed.filter((method) => !['HEAD', 'OPTIONS', ...methods].includes(method)) : []
    return [
      ...missing.map((method) => `Allow has ${method}, which the document does not describe`),
      ...this.errorsOf(GATEWAY_ERROR, json),
    ]
  }

  /** Checks the status and the headers of a response. */
  #described({ responses }: Operation, { status, headers }: Received): string[] {
    const response = responses[status]
    if (response === undefined) return [`status ${status} is not described`]
    if (headers === undefined) return []
    return Object.entries(response.headers).flatMap(([name, { required, schema }]) => {
      const value = headers.get(name)
      if (value === null) return required ? [`header ${name} is missing`] : []
      if (schema === undefined) return []
      const validate = getOrMake(this.#headerValidators, schema, () =>
        this.#headers.compile({ properties: { value: absolute(schema) } }),
      )
      return validate({ value }) ? [] : [`header ${name} ${validate.errors?.[0]?.message}: ${value}`]
    })
  }

  /** Checks the content type and the body of a response. A body that is not JSON counts as a string. */
  #body({ responses }: Operation, { status, headers, text, json }: Received): string[] {
    const content = responses[status]?.content
    if (content === undefined) return []
    const full = headers === undefined ? 'application/json' : headers.get('content-type')?.toLowerCase()
    const described = Object.keys(content)
    if (described.length === 0 || BODILESS.has(status)) return text === '' ? [] : ['the body is not described']
    if (full === undefined) return ['the content type is missing']
    const type = full.replace(/;.*/, '').trim()
    const range = [full, type, type.replace(/\/.*/, '/*'), '*/*'].find((each) => described.includes(each))
    if (range === undefined) return [`content type ${full} is not one of ${described.join(', ')}`]
    const schema = content[range]?.schema ?? true
    if (type !== 'application/json') return this.errorsOf(schema, text)
    return json === undefined ? ['the body is not JSON'] : this.errorsOf(schema, json)
  }
}

/** Returns a copy of a schema whose references name the document, so that it can be compiled on its own. */
function absolute<T>(schema: T): T {
  if (Array.isArray(schema)) return schema.map(absolute) as T
  if (typeof schema !== 'object' || schema === null) return schema
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      key === '$ref' && typeof value === 'string' && value.startsWith('#') ? ROOT + value : absolute(value),
    ]),
  ) as T
}

/** Orders templates: at the first difference a literal segment comes before a parameter. */
function byConcreteness(a: string, b: string): number {
  const order = (template: string) => template.split('/').map((segment) => (segment.startsWith('{') ? '1' : '0'))
  return order(a).join('') < order(b).join('') ? -1 : 1
}

function compile(template: string) {
  const pattern = template.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{[^}]*\}/g, '[^/]+')
  return { template, pattern: new RegExp(`^${pattern}$`) }
}

/** Returns the reference of a schema that is one, otherwise the schema. */
function keyOf(schema: JsonSchema): unknown {
  return typeof schema === 'object' && '$ref' in schema && Object.keys(schema).length === 1 ? schema.$ref : schema
}

/** Returns the value of a key; makes it if there is none. */
function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key) ?? make()
  map.set(key, known)
  return known
}
