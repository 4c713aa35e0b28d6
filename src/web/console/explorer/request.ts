import type { Body, Operation, Parameter } from './operations.ts'
import type { Components } from './schema/schema.ts'
import { type Fault, type FaultCode, faultsOf } from './schema/validate.ts'
import { blank, sample } from './schema/values.ts'

/** What the person has filled in for an operation. */
export interface Draft {
  /** the values of given parameters by their keys */
  parameters: Readonly<Record<string, unknown>>
  /** the value of the body; undefined for no body */
  body: unknown
  /** the body as the person types it in JSON, instead of `body` */
  json: string | undefined
  /** the content type to ask for, if there are several */
  accept: string | undefined
}

/** Secrets of requests, which a curl line may name instead of containing them. */
export type Secret = 'connection' | 'admin-key' | 'app-key'

/** A header field. The value of a secret one comes from the session or the keys. */
export type Header = { name: string; value: string } | { name: string; prefix: string; secret: Secret }

/** A request that is ready to be sent. */
export interface BuiltRequest {
  method: string
  /** below the base URL of the gateway, with the query; without a slash at its beginning */
  url: string
  headers: readonly Header[]
  /** the parameters of a form, which the request encodes, JSON, text or a file */
  body: { encoding: Body['encoding']; value: unknown } | undefined
}

/** The path of a fault in the body begins with this name, that of a parameter is its key. */
export const BODY = 'body'
/** What a request for a WebSocket has besides (RFC 6455, 4.1). Its key is any 16 bytes. */
const UPGRADE: readonly Header[] = [
  { name: 'Connection', value: 'Upgrade' },
  { name: 'Upgrade', value: 'websocket' },
  { name: 'Sec-WebSocket-Version', value: '13' },
  { name: 'Sec-WebSocket-Key', value: btoa('komgate explorer') },
]
const BEARER = 'Bearer '
const CONNECTION_HEADER = 'Httpkom-Connection'
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** Returns what a form for an operation begins with. */
export function newDraft({ parameters, body }: Operation, components: Components): Draft {
  const required = parameters.filter(({ isRequired }) => isRequired)
  return {
    parameters: Object.fromEntries(required.map(({ key, schema }) => [key, blank(schema, components)])),
    body: body?.isRequired ? emptyBody(body, components) : undefined,
    json: undefined,
    accept: undefined,
  }
}

/** Returns the example of an operation: that of the description, or one that its schemas allow. */
export function exampleDraft({ parameters, body }: Operation, components: Components): Draft {
  const shown = parameters.filter(({ isRequired, schema }) => isRequired || schema.example !== undefined)
  return {
    parameters: Object.fromEntries(shown.map(({ key, schema }) => [key, sample(schema, components)])),
    body: body === undefined || body.encoding === 'file' ? undefined : sample(body.schema, components),
    json: undefined,
    accept: undefined,
  }
}

/** Returns what a body begins with. */
export function emptyBody({ schema, encoding }: Body, components: Components): unknown {
  return encoding === 'file' ? undefined : blank(schema, components)
}

/** Returns the body of a draft. @throws SyntaxError if the person types something that is not JSON */
export function bodyOf({ body, json }: Draft): unknown {
  return json === undefined ? body : JSON.parse(json)
}

/** Returns what is wrong with a draft. */
export function faultsOfDraft({ parameters, body }: Operation, draft: Draft, components: Components): Fault[] {
  return [
    ...parameters.flatMap((parameter) => faultsOfParameter(parameter, draft.parameters[parameter.key], components)),
    ...(body === undefined ? [] : faultsOfBody(body, draft, components)),
  ]
}

function faultsOfParameter(parameter: Parameter, value: unknown, components: Components): Fault[] {
  const { key, schema, isRequired } = parameter
  const fault = (code: FaultCode): Fault[] => [{ path: [key], code, expected: '' }]
  if (value === undefined) return isRequired ? fault('missing') : []
  const text = String(value)
  if (parameter.in === 'path') {
    if (text === '') return fault('missing')
    // Browsers remove such a segment from a URL, also if it is encoded.
    if (text === '.' || text === '..') return fault('dots')
  }
  if (parameter.in === 'header' && !HEADER_VALUE.test(text)) return fault('header')
  if (/\p{Surrogate}/u.test(text)) return fault('surrogate')
  return faultsOf(value, schema, components, [key])
}

function faultsOfBody({ isRequired, schema, encoding }: Body, draft: Draft, components: Components): Fault[] {
  let value: unknown
  try {
    value = bodyOf(draft)
  } catch (error) {
    return [{ path: [BODY], code: 'json', expected: (error as Error).message }]
  }
  if (value === undefined) return isRequired ? [{ path: [BODY], code: 'missing', expected: '' }] : []
  return encoding === 'file' ? [] : faultsOf(value, schema, components, [BODY])
}

/**
 * Returns the request of a draft without faults.
 * @param server the id of the LysKOM server
 */
export function buildRequest(operation: Operation, draft: Draft, server: string): BuiltRequest {
  const { method, path, parameters, body, need, isWebSocket } = operation
  const given = parameters.flatMap((parameter) => {
    const value = draft.parameters[parameter.key]
    return value === undefined ? [] : [{ ...parameter, text: String(value) }]
  })
  const segments = new Map(given.filter((each) => each.in === 'path').map(({ name, text }) => [name, text]))
  segments.set('server', server)
  const url = path
    .slice(1)
    .replaceAll(/\{([^{}]+)\}/g, (_, name: string) => encodeURIComponent(segments.get(name) ?? ''))
  const query = given
    .filter((each) => each.in === 'query')
    .map(({ name, text }) => `${encodeURIComponent(name)}=${encodeURIComponent(text)}`)
  const value = body === undefined ? undefined : bodyOf(draft)
  return {
    method,
    url: query.length === 0 ? url : `${url}?${query.join('&')}`,
    headers: [
      ...secretHeaders(need),
      ...(isWebSocket ? UPGRADE : []),
      ...given.filter((each) => each.in === 'header').map(({ name, text }) => ({ name, value: text })),
      ...(draft.accept === undefined ? [] : [{ name: 'Accept', value: draft.accept }]),
      ...(body === undefined || value === undefined ? [] : [{ name: 'Content-Type', value: body.contentType }]),
    ],
    body: body === undefined || value === undefined ? undefined : { encoding: body.encoding, value },
  }
}

/** Returns the body as `fetch` sends it. */
export function encodedBody({ body }: BuiltRequest): string | Blob | undefined {
  if (body === undefined) return undefined
  const { encoding, value } = body
  switch (encoding) {
    case 'json':
      return JSON.stringify(value)
    case 'form':
      return encodedForm(value)
    case 'text':
      return String(value)
    case 'file':
      return value as Blob
  }
}

/** Returns the values of an object in the encoding of forms. */
export function encodedForm(value: unknown): string {
  const fields = Object.entries((value ?? {}) as Record<string, unknown>)
  return new URLSearchParams(fields.map(([name, field]): [string, string] => [name, String(field)])).toString()
}

function secretHeaders(need: Operation['need']): Header[] {
  switch (need) {
    case 'session':
      return [{ name: CONNECTION_HEADER, prefix: '', secret: 'connection' }]
    case 'admin-key':
    case 'app-key':
      return [{ name: 'Authorization', prefix: BEARER, secret: need }]
    case 'nothing':
      return []
  }
}

const NAMED_FIELD = /^(?:(?:Missing|Unknown) )?"([\w.-]+)"/

/** Returns the path of the field that an error of the gateway is about, undefined if it names none. */
export function fieldOfError({ parameters, body }: Operation, message: string): (string | number)[] | undefined {
  const [, name] = NAMED_FIELD.exec(message) ?? []
  if (name === undefined) return undefined
  const parameter = parameters.find((each) => each.name === name)
  if (parameter !== undefined) return [parameter.key]
  if (body === undefined) return undefined
  return [BODY, ...name.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part))]
}
