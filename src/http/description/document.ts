import { setImmediate } from 'node:timers/promises'
import { packageVersion } from '../../version.ts'
import type { AnyRoute } from '../routes/route.ts'
import { ErrorResponses } from './error-responses.ts'
import { headerComponents } from './headers.ts'
import { type OperationContext, openApiPath, operationOf, responsesOf } from './operation.ts'
import { ComponentSchemas, type JsonSchema } from './schemas.ts'
import { type SecuritySettings, securitySchemes } from './security.ts'
import { tagObjects, tagOf } from './tags.ts'

/** The number of routes in a slice: a few milliseconds of work. */
const SLICE = 5

const DESCRIPTION = `
komgate is a gateway between HTTP programs and LysKOM servers. A client opens a session with \`POST /{server}/sessions\`,
which returns a secret connection id, and sends the id in the header \`Httpkom-Connection\` of all further requests. Each
session is one connection to the LysKOM server. Most operations need a session that is logged in:
\`POST /{server}/sessions/current/login\`.

- A trailing slash in a path makes no difference. \`HEAD\` works where \`GET\` does.
- Bodies of requests are JSON in UTF-8. Unknown fields are ignored, except in typed calls and batches. Numbers may be strings of
  digits.
- Errors have a JSON body: \`GatewayError\` for errors of the gateway, \`ProtocolAError\` for those of the LysKOM server.
- A path without an operation is a 404, a wrong method a 405 with \`Allow\`.
`.trim()

/** Options of `openApiDocument`. */
export interface DocumentOptions extends SecuritySettings {
  /** the prefix of every path, `/kom` for example; empty for none */
  basePath: string
  /** the ids of the LysKOM servers */
  serverIds: readonly string[]
}

/**
 * Builds the OpenAPI 3.1 document of declared routes, in slices, between which the event loop runs.
 * @throws Error if two routes have the same operation id, or two different types the same name
 */
export async function openApiDocument(declared: readonly AnyRoute[], options: DocumentOptions): Promise<JsonSchema> {
  // A wildcard matches what no other route does. It has no place in OpenAPI.
  const routes = declared.filter(({ path }) => !path.includes('*'))
  const schemas = new ComponentSchemas()
  const errors = new ErrorResponses(schemas)
  const context: OperationContext = { ...options, schemas, errors }
  // Outputs come first: an input that equals the output of its type shares its component.
  const responses = new Map<AnyRoute, Record<string, JsonSchema>>()
  await inSlices(routes, (route) => responses.set(route, responsesOf(route, context)))
  const paths: Record<string, Record<string, JsonSchema>> = {}
  const operations = new Set<string>()
  const schemes = new Set<string>()
  await inSlices(routes, (route) => {
    if (operations.has(route.operation)) throw new Error(`two routes have the operation id ${route.operation}`)
    operations.add(route.operation)
    const operation = operationOf(route, responses.get(route) ?? {}, context)
    for (const scheme of (operation.security as object[]).flatMap(Object.keys)) schemes.add(scheme)
    const path = openApiPath(route.path)
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation }
  })
  const parts = JSON.stringify([paths, errors.all])
  const isUsed = (reference: string): boolean => parts.includes(`"${reference}"`)
  return {
    openapi: '3.1.0',
    info: {
      title: 'komgate',
      version: packageVersion(),
      description: DESCRIPTION,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: options.basePath === '' ? '/' : options.basePath }],
    tags: tagObjects(new Set(routes.map(tagOf))),
    paths,
    components: {
      securitySchemes: securitySchemes(schemes),
      parameters: parameterComponents(options.serverIds, isUsed),
      headers: headerComponents(isUsed),
      responses: errors.all,
      schemas: schemas.all,
    },
  }
}

async function inSlices(routes: readonly AnyRoute[], describe: (route: AnyRoute) => void): Promise<void> {
  for (let start = 0; start < routes.length; start += SLICE) {
    routes.slice(start, start + SLICE).forEach(describe)
    await setImmediate()
  }
}

function parameterComponents(
  serverIds: readonly string[],
  isUsed: (reference: string) => boolean,
): Record<string, JsonSchema> {
  const all = {
    server: {
      name: 'server',
      in: 'path',
      required: true,
      description: 'The id of a LysKOM server.',
      schema: { type: 'string', enum: serverIds },
    },
    'If-None-Match': {
      name: 'If-None-Match',
      in: 'header',
      description: 'The entity tags of responses that the client has.',
      schema: { type: 'string' },
    },
  }
  return Object.fromEntries(Object.entries(all).filter(([name]) => isUsed(`#/components/parameters/${name}`)))
}
