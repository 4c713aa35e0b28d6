import type { Components, Schema } from './schema/schema.ts'

/** The parts of an OpenAPI document that the explorer uses. */
export interface Description {
  tags?: readonly { name: string }[]
  paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>
  components?: { schemas?: Components; parameters?: Readonly<Record<string, DescribedParameter>> }
}

interface DescribedParameter {
  $ref?: string
  name: string
  in: string
  required?: boolean
  description?: string
  schema?: Schema
  example?: unknown
}

interface DescribedOperation {
  tags?: readonly string[]
  operationId: string
  summary?: string
  description?: string
  deprecated?: boolean
  parameters?: readonly DescribedParameter[]
  requestBody?: { required?: boolean; content: Readonly<Record<string, { schema?: Schema; example?: unknown }>> }
  responses: Readonly<Record<string, { content?: Readonly<Record<string, unknown>> }>>
  security?: readonly Readonly<Record<string, unknown>>[]
}

/** What a request must carry. */
export type Need = 'nothing' | 'session' | 'admin-key' | 'app-key'

/** A parameter of a path, a query or a header. */
export interface Parameter {
  /** identifies the parameter in the operation: `query.name` */
  key: string
  name: string
  in: 'path' | 'query' | 'header'
  isRequired: boolean
  schema: Schema
  description: string
}

/** How a body is encoded. */
export type Encoding = 'json' | 'form' | 'text' | 'file'

/** The body of a request. */
export interface Body {
  contentType: string
  encoding: Encoding
  isRequired: boolean
  schema: Schema
}

/** A route of the gateway, or a call of Protocol A. */
export interface Operation {
  id: string
  /** the name of a call in the specification; undefined for other routes */
  call: string | undefined
  method: string
  path: string
  tag: string
  summary: string
  description: string
  isDeprecated: boolean
  need: Need
  /** whether the path names a LysKOM server */
  isOfServer: boolean
  /** without the id of the LysKOM server */
  parameters: readonly Parameter[]
  body: Body | undefined
  /** the content types of its successful responses */
  types: readonly string[]
  isWebSocket: boolean
}

const METHODS = ['get', 'put', 'post', 'delete', 'patch'] as const
const SERVER = 'server'
const CALL = /^\/\{server\}\/calls\/([^/{}]+)$/
const JSON_TYPE = /^application\/json\b|\+json\b/
const FORM_TYPE = 'application/x-www-form-urlencoded'

/** Returns the operations of a description in the order of its tags. */
export function operationsOf({ tags = [], paths, components = {} }: Description): Operation[] {
  const all = Object.entries(paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) =>
      item[method] === undefined ? [] : [operation(method, path, item[method], components)],
    ),
  )
  const order = new Map(tags.map(({ name }, i) => [name, i]))
  const rank = ({ tag }: Operation): number => order.get(tag) ?? tags.length
  return [...all].sort((a, b) => rank(a) - rank(b))
}

/** Returns the ids of the LysKOM servers of a gateway. */
export function serversOf({ components }: Description): readonly string[] {
  return (components?.parameters?.[SERVER]?.schema?.enum ?? []).map(String)
}

/** Returns the operations that match every word, by tag. */
export function groupsOf(operations: readonly Operation[], words: string): Map<string, Operation[]> {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean)
  const groups = new Map<string, Operation[]>()
  for (const each of operations) {
    const text = `${each.call ?? ''} ${each.id} ${each.method} ${each.path} ${each.summary} ${each.tag}`.toLowerCase()
    if (!wanted.every((word) => text.includes(word))) continue
    const group = groups.get(each.tag)
    if (group === undefined) groups.set(each.tag, [each])
    else group.push(each)
  }
  return groups
}

function operation(
  method: string,
  path: string,
  described: DescribedOperation,
  components: NonNullable<Description['components']>,
): Operation {
  const { operationId, tags = [], summary = '', description = '', deprecated = false, responses } = described
  const parameters = (described.parameters ?? []).map((each) => dereferenced(each, components))
  const succeeded = Object.entries(responses).filter(([status]) => status.startsWith('2'))
  return {
    id: operationId,
    call: CALL.exec(path)?.[1],
    method: method.toUpperCase(),
    path,
    tag: tags[0] ?? '',
    summary,
    description,
    isDeprecated: deprecated,
    need: needOf(described),
    isOfServer: parameters.some((each) => isServer(each)),
    parameters: parameters.filter((each) => !isServer(each)).map(parameter),
    body: bodyOf(described),
    types: [...new Set(succeeded.flatMap(([, { content = {} }]) => Object.keys(content)))],
    isWebSocket: '101' in responses,
  }
}

function parameter({ name, in: where, required = false, schema = {}, description = '', example }: DescribedParameter) {
  return {
    key: `${where}.${name}`,
    name,
    in: where as Parameter['in'],
    isRequired: required,
    schema: example === undefined ? schema : { ...schema, example },
    description,
  }
}

function isServer(parameter: DescribedParameter): boolean {
  return parameter.in === 'path' && parameter.name === SERVER
}

function dereferenced(parameter: DescribedParameter, { parameters = {} }: NonNullable<Description['components']>) {
  return parameters[parameter.$ref?.split('/').at(-1) ?? ''] ?? parameter
}

function needOf({ security = [] }: DescribedOperation): Need {
  const schemes = new Set(security.flatMap((each) => Object.keys(each)))
  if (schemes.has('adminKey')) return 'admin-key'
  if (schemes.has('appKey')) return 'app-key'
  return schemes.size > 0 ? 'session' : 'nothing'
}

function bodyOf({ requestBody }: DescribedOperation): Body | undefined {
  if (requestBody === undefined) return undefined
  const [contentType = '', { schema = {}, example } = {}] = Object.entries(requestBody.content)[0] ?? []
  return {
    contentType,
    encoding: encodingOf(contentType),
    isRequired: requestBody.required ?? false,
    schema: example === undefined ? schema : { ...schema, example },
  }
}

function encodingOf(contentType: string): Encoding {
  if (JSON_TYPE.test(contentType)) return 'json'
  if (contentType === FORM_TYPE) return 'form'
  return contentType.startsWith('text/') ? 'text' : 'file'
}
