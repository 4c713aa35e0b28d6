import { STATUS_CODES } from 'node:http'
import type { z } from 'zod'
import type { ParameterSchemas } from '../input/parameters.ts'
import type { AnyRoute, RouteResponse } from '../routes/route.ts'
import type { ErrorResponses } from './error-responses.ts'
import { RESPONSES } from './examples.ts'
import { type HeaderName, headerReferences, NEW_SESSION_HEADERS } from './headers.ts'
import { type ComponentSchemas, JSON_TYPE, type JsonSchema } from './schemas.ts'
import { opensSession, type SecuritySettings, securityOf } from './security.ts'
import { tagOf } from './tags.ts'

/** The parameter of the paths of LysKOM servers. */
const SERVER = 'server'
/** A parameter of a path in Hono's syntax, with its pattern. */
const PARAMETER = /:(\w+)(?:\{[^/]*\})?/g

/** What the operations of a document share. */
export interface OperationContext extends SecuritySettings {
  schemas: ComponentSchemas
  errors: ErrorResponses
}

/** Converts a path from Hono's syntax: `/:server/texts/:text_no{[0-9]+}` -> `/{server}/texts/{text_no}`. */
export function openApiPath(path: string): string {
  return path.replace(PARAMETER, '{$1}')
}

/** Returns the responses of a route by status. */
export function responsesOf(route: AnyRoute, context: OperationContext): Record<string, JsonSchema> {
  const successful = Object.entries(route.responses).map(([status, response]) => [
    status,
    successOf(route, Number(status), response, context),
  ])
  return { ...Object.fromEntries(successful), ...context.errors.of(route, context) }
}

/** Returns the Operation Object of a route. */
export function operationOf(
  route: AnyRoute,
  responses: Record<string, JsonSchema>,
  context: OperationContext,
): JsonSchema {
  const { operation, summary, description, deprecated, body } = route
  const parameters = parametersOf(route, context.schemas)
  return {
    tags: [tagOf(route)],
    operationId: operation,
    summary,
    ...(description !== undefined && { description }),
    ...(deprecated && { deprecated }),
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && { requestBody: requestBody(route, context.schemas.convert(body, 'input')) }),
    responses,
    security: securityOf(route, context),
  }
}

function requestBody({ bodyIsOptional, bodyType = JSON_TYPE, example }: AnyRoute, schema: JsonSchema): JsonSchema {
  // No body counts as an object without fields, which is invalid where fields are required.
  const required = bodyIsOptional !== true || schema.required !== undefined
  return { required, content: { [bodyType]: { schema, ...exampleOf(example?.body) } } }
}

/** Returns the member with an example, if there is one. */
function exampleOf(value: unknown): { example?: unknown } {
  return value === undefined ? {} : { example: value }
}

function successOf(
  route: AnyRoute,
  status: number,
  { description, schema, type, isAlsoLines, headers = [] }: RouteResponse,
  context: OperationContext,
): JsonSchema {
  const { schemas, transports } = context
  const names: HeaderName[] = [
    // A route that always has one of them follows and overrides it.
    ...(opensSession(route, context) ? NEW_SESSION_HEADERS : []),
    // The response to a WebSocket upgrade has the headers of RFC 6455 alone.
    ...(status === 101 ? [] : (['X-Request-Id'] as const)),
    ...headers.filter((name) => name !== 'Set-Cookie'),
    ...(transports.includes('cookie') && headers.includes('Set-Cookie') ? (['Set-Cookie?'] as const) : []),
  ]
  const references = headerReferences(names)
  const example = RESPONSES[route.operation]
  const content = schema !== undefined ? schemas.convert(schema, 'output') : isText(type) ? { type: 'string' } : {}
  return {
    description: description ?? STATUS_CODES[status] ?? '',
    ...(Object.keys(references).length > 0 && { headers: references }),
    ...((schema !== undefined || type !== undefined) && {
      content: {
        [type ?? JSON_TYPE]: { schema: content, ...(example?.status === status && exampleOf(example.body)) },
        ...(isAlsoLines && { 'application/x-ndjson': { schema: { type: 'string' } } }),
      },
    }),
  }
}

function isText(type: string | undefined): boolean {
  return type?.startsWith('text/') === true
}

function parametersOf(route: AnyRoute, schemas: ComponentSchemas): JsonSchema[] {
  const { path, params = {}, query = {}, responses, example = {} } = route
  const isBelowServer = path.startsWith(`/:${SERVER}/`)
  return [
    ...(isBelowServer ? [{ $ref: `#/components/parameters/${SERVER}` }] : []),
    ...parameters('path', params, schemas, example.params),
    ...parameters('query', query, schemas, example.query),
    ...(304 in responses ? [{ $ref: '#/components/parameters/If-None-Match' }] : []),
  ]
}

function parameters(
  where: 'path' | 'query',
  declared: ParameterSchemas,
  schemas: ComponentSchemas,
  examples: Readonly<Record<string, unknown>> = {},
): JsonSchema[] {
  return Object.entries(declared).map(([name, schema]) => {
    const { description, ...rest } = schemas.convert(schema, 'output')
    return {
      name,
      in: where,
      ...(description !== undefined && { description }),
      required: where === 'path' || isRequired(schema),
      schema: rest,
      ...exampleOf(examples[name]),
    }
  })
}

function isRequired(schema: z.ZodType): boolean {
  return !schema.safeParse(undefined).success
}
