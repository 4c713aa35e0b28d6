import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { documentText } from '../../scripts/openapi/document.ts'
import { CALLS } from '../../src/protocol/calls/index.ts'
import type { TestSettings } from '../support/config.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

// biome-ignore lint/suspicious/noExplicitAny: the expectations of a test check the type
type Document = any

const METHODS = ['get', 'post', 'put', 'patch', 'delete']

let everything: Document
let gateway: TestGateway

beforeAll(async () => {
  everything = JSON.parse(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8'))
  gateway = await startTestGateway([{ id: 'demo', demo: true }])
})
afterAll(() => gateway.close())

/** Returns `[method, path, operation]` of each operation. */
function operationsOf(document: Document): [string, string, Document][] {
  return Object.entries<Document>(document.paths).flatMap(([path, item]) =>
    Object.entries<Document>(item).map(([method, operation]): [string, string, Document] => [method, path, operation]),
  )
}

/** Yields every object in a document. */
function* objectsIn(node: unknown): Generator<Record<string, unknown>> {
  if (typeof node !== 'object' || node === null) return
  if (!Array.isArray(node)) yield node as Record<string, unknown>
  for (const each of Object.values(node)) yield* objectsIn(each)
}

/** Returns the target of a reference. */
function resolve(document: Document, reference: string): unknown {
  return reference
    .slice('#/'.length)
    .split('/')
    .reduce((node, key) => node?.[key.replaceAll('~1', '/').replaceAll('~0', '~')], document)
}

describe('docs/openapi.json', () => {
  it('is what `npm run openapi` generates', async () => {
    expect(await documentText()).toBe(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8'))
  })

  it('has only valid JSON Schemas of draft 2020-12', () => {
    const schemas = [...objectsIn([everything.paths, everything.components])].flatMap(({ schema }) =>
      typeof schema === 'object' ? [schema] : [],
    )
    expect(schemas.length).toBeGreaterThan(300)
    const { schemas: $defs } = everything.components
    const all = JSON.stringify({ anyOf: schemas, $defs }).replaceAll('"#/components/schemas/', '"#/$defs/')
    const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false })
    addFormats.default(ajv)
    expect(() => ajv.compile(JSON.parse(all))).not.toThrow()
  })

  it('has unique operation ids, and a target for each reference', () => {
    const ids = operationsOf(everything).map(([, , { operationId }]) => operationId)
    expect(new Set(ids).size).toBe(ids.length)
    const references = [...objectsIn(everything)].flatMap(({ $ref }) => (typeof $ref === 'string' ? [$ref] : []))
    expect(references.filter((reference) => resolve(everything, reference) === undefined)).toEqual([])
  })

  it('refers to every component', () => {
    const text = JSON.stringify(everything)
    const unused = Object.entries<Document>(everything.components).flatMap(([kind, components]) =>
      Object.keys(components).filter((name) =>
        kind === 'securitySchemes'
          ? !text.includes(`{"${name}":[]}`)
          : !text.includes(`"#/components/${kind}/${name}"`),
      ),
    )
    expect(unused).toEqual([])
  })

  it('describes all calls of Protocol A, obsolete ones as deprecated', () => {
    for (const [name, { status }] of Object.entries(CALLS)) {
      const operation = everything.paths[`/{server}/calls/${name}`]?.post
      expect([name, operation?.deprecated ?? false]).toEqual([name, status === 'obsolete'])
      expect(operation.requestBody.content['application/json'].schema.additionalProperties).toBe(false)
      expect(operation.responses[200].content['application/json'].schema.required).toEqual(['reply'])
    }
    expect(operationsOf(everything).filter(([, path]) => path.includes('/calls/'))).toHaveLength(123)
  })

  const ALWAYS = [400, 408, 417, 431, 500]
  it.each([
    ['listServers', [200, 303, ...ALWAYS]],
    ['getDescription', [200, 304, ...ALWAYS]],
    ['isReady', [200, ...ALWAYS, 503]],
    ['openWebsocket', [101, ...ALWAYS, 403, 503]],
    ['openSession', [201, ...ALWAYS, 404, 409, 413, 415, 429, 501, 502, 503, 504]],
    ['whoAmI', [200, ...ALWAYS, 403, 404, 503, 504]],
    ['login', [201, ...ALWAYS, 401, 403, 404, 413, 415, 429, 501, 503, 504]],
    ['getSessionData', [200, ...ALWAYS, 403, 404, 503]],
    ['listOwnSessions', [200, ...ALWAYS, 401, 403, 404, 501, 503]],
    ['getTextBody', [200, 304, ...ALWAYS, 401, 403, 404, 503, 504]],
    ['markText', [201, ...ALWAYS, 401, 403, 404, 413, 415, 501, 503, 504]],
    ['unmarkText', [204, ...ALWAYS, 401, 403, 404, 413, 503, 504]],
    ['callGetTime', [200, ...ALWAYS, 401, 403, 404, 413, 415, 501, 503, 504]],
    ['callSetPasswd', [200, ...ALWAYS, 401, 403, 404, 413, 415, 429, 501, 503, 504]],
    ['listAllSessions', [200, ...ALWAYS, 401, 429]],
    ['endAnySession', [204, ...ALWAYS, 401, 404, 413, 429, 503, 504]],
    ['sessmanGetByGet', [200, ...ALWAYS, 401, 404, 429, 503]],
  ])('describes the statuses of %s and no other', (id, statuses) => {
    const found = operationsOf(everything).find(([, , { operationId }]) => operationId === id)
    expect(Object.keys(found?.[2].responses).map(Number)).toEqual(statuses.toSorted((a, b) => a - b))
  })

  it('describes the bodies of errors: of the gateway, of the LysKOM server, or of another API', () => {
    const bodyOf = (path: string, method: string, status: number) => {
      const { $ref, ...response } = everything.paths[path][method].responses[status]
      const { content } = $ref === undefined ? response : (resolve(everything, $ref) as Document)
      return JSON.stringify(content['application/json']?.schema ?? content['text/plain'].schema).match(
        /\w+Error\b|ERROR/g,
      )
    }
    expect(bodyOf('/stats', 'get', 400)).toEqual(['GatewayError'])
    expect(bodyOf('/{server}/texts', 'post', 400)).toEqual(['GatewayError', 'ProtocolAError'])
    expect(bodyOf('/{server}/texts', 'post', 404)).toEqual(['GatewayError'])
    expect(bodyOf('/{server}/texts/{text_no}', 'get', 404)).toEqual(['GatewayError', 'ProtocolAError'])
    expect(bodyOf('/{server}/calls/get-time', 'post', 401)).toEqual(['ProtocolAError'])
    expect(bodyOf('/sessman/get', 'get', 404)).toEqual(['SessmanError'])
    expect(bodyOf('/sessman/get', 'get', 500)).toEqual(['GatewayError'])
    expect(bodyOf('/add_session.cgi', 'get', 401)).toContain('ERROR')
  })

  it('describes Retry-After where it is always there, and where it may be missing', () => {
    const { responses } = everything.components
    const retryAfter = (name: string) => responses[name].headers['Retry-After']?.$ref
    expect(retryAfter('TooManyRequests')).toBe('#/components/headers/Retry-After')
    expect(retryAfter('ServiceUnavailable')).toBe('#/components/headers/Retry-After')
    expect(retryAfter('BadGateway')).toBe('#/components/headers/Optional-Retry-After')
    expect(retryAfter('NotReady')).toBeUndefined()
    expect(everything.components.headers['Optional-Retry-After'].required).toBe(false)
  })

  it('has an example of every request and response of its own routes in JSON that can be run', () => {
    const without = operationsOf(everything)
      .filter(([, , { tags }]) => !['calls', 'sessman', 'REST-Sessions', 'Session Manager microapp'].includes(tags[0]))
      .filter(([, , { requestBody, responses }]) => {
        const contents = [requestBody, ...Object.values<Document>(responses)].map((each) => each?.content)
        return contents.some((each) => each?.['application/json']?.example === undefined && each?.['application/json'])
      })
    // No session of the demo server receives messages.
    expect(without.map(([, , { operationId }]) => operationId)).toEqual(['getDescription', 'sendMessage'])
  })

  it('declares exactly the parameters that are in a path', () => {
    for (const [, path, { parameters = [] }] of operationsOf(everything)) {
      const declared = parameters
        .map((each: Document) => (each.$ref === undefined ? each : resolve(everything, each.$ref)))
        .filter((each: Document) => each.in === 'path')
        .map(({ name }: Document) => name)
      expect([path, declared]).toEqual([path, [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)])
    }
  })
})

describe('GET /openapi.json', () => {
  const others: TestGateway[] = []
  afterEach(async () => {
    for (const each of others.splice(0)) await each.close()
  })

  async function describedBy(settings: TestSettings): Promise<Document> {
    const other = await startTestGateway([{ id: 'demo', demo: true }], settings)
    others.push(other)
    return (await other.send('GET', '/openapi.json')).json
  }

  it('describes every route that the gateway routes to, and no other', async () => {
    const { json } = await gateway.send('GET', '/openapi.json')
    for (const path of Object.keys(json.paths)) {
      const { headers } = await gateway.send('OPTIONS', exampleOf(path))
      const allowed = (headers.get('allow') ?? '').toLowerCase().split(', ')
      expect([path, METHODS.filter((method) => allowed.includes(method))]).toEqual([
        path,
        METHODS.filter((method) => method in json.paths[path]),
      ])
    }
  })

  it('responds with 304 to a request with the entity tag', async () => {
    const { status, headers } = await gateway.send('GET', '/openapi.json')
    const etag = headers.get('etag') ?? ''
    expect([status, headers.get('cache-control'), headers.get('content-type')]).toEqual([
      200,
      'no-cache',
      'application/json',
    ])
    const unchanged = await gateway.send('GET', '/openapi.json', { headers: { 'If-None-Match': etag } })
    expect([unchanged.status, unchanged.text, unchanged.headers.get('etag')]).toEqual([304, '', etag])
  })

  it('responds to HEAD without a body', async () => {
    const { status, text, headers } = await gateway.send('HEAD', '/openapi.json')
    expect([status, text, headers.get('etag') !== null]).toEqual([200, '', true])
  })

  it('names the base path and the servers', async () => {
    const document = await describedBy({ basePath: '/httpkom' })
    expect(document.servers).toEqual([{ url: '/httpkom' }])
    expect(document.components.parameters.server.schema.enum).toEqual(['demo'])
    expect((await others[0]?.send('GET', '/openapi.json'))?.status).toBe(200)
  })

  it('describes the transports of connection ids that are enabled', async () => {
    const schemesOf = ({ components }: Document) => Object.keys(components.securitySchemes)
    const security = (document: Document) => document.paths['/{server}/sessions/current/who-am-i'].get.security
    const bare = await describedBy({ transports: [] })
    expect(schemesOf(bare)).toEqual(['connectionId', 'connectionIdInQuery', 'ticket'])
    expect(security(bare)).toEqual([{ connectionId: [] }, { connectionIdInQuery: [] }])
    expect(bare.paths['/{server}/sessions'].post.responses[201].headers).not.toHaveProperty('Set-Cookie')
    const all = await describedBy({ transports: ['bearer', 'cookie', 'query'] })
    expect(schemesOf(all)).toEqual(['connectionId', 'connectionIdInQuery', 'ticket', 'bearer', 'cookie', 'token'])
    const ofWhoAmI = schemesOf(all).filter((name) => name !== 'ticket')
    expect(security(all)).toEqual(ofWhoAmI.map((name) => ({ [name]: [] })))
    expect(all.paths['/{server}/sessions'].post.responses[201].headers).toHaveProperty('Set-Cookie')
    expect(all.paths['/{server}/sessions'].post.responses).toHaveProperty('403')
  })

  it('describes sessions that the gateway opens automatically', async () => {
    const { security, responses } = (await describedBy({ autoCreate: true })).paths['/{server}/texts/{text_no}'].get
    expect(security).toContainEqual({})
    expect(responses[200].headers).toHaveProperty('Httpkom-Connection')
    expect(responses).toHaveProperty('502')
    const without = (await gateway.send('GET', '/openapi.json')).json.paths['/{server}/texts/{text_no}'].get
    expect(without.security).not.toContainEqual({})
    expect(without.responses).not.toHaveProperty('502')
  })

  it('describes the compatibility APIs that are enabled, without wildcards', async () => {
    const pathsOf = ({ paths }: Document) => Object.keys(paths).filter((path) => /sessman|cgi|\{app\}|\*/.test(path))
    expect(pathsOf((await gateway.send('GET', '/openapi.json')).json)).toEqual([])
    const document = await describedBy({ compat: ['sessman'], basePath: '/kom' })
    expect(pathsOf(document)).toEqual(['/sessman/new', '/sessman/update', '/sessman/get'])
    expect(document.tags.at(-1)).toEqual({ name: 'sessman', description: 'The API of sessman, for its clients.' })
  })

  it('describes the keys of applications where they are needed', async () => {
    const createOf = (document: Document) => document.paths['/{app}/create/{id}'].put
    const compat = ['rest-sessions'] as const
    const { security, responses } = createOf(await describedBy({ compat }))
    expect([security, responses]).toEqual([[{ appKey: [] }], expect.objectContaining({ 401: expect.anything() })])
    const open = createOf(await describedBy({ compat, insecureCompat: true }))
    expect([open.security, Object.keys(open.responses).filter((status) => ['401', '429'].includes(status))]).toEqual([
      [],
      [],
    ])
  })

  it('describes administration if there is an admin key, and neither it nor metrics if they have their own port', async () => {
    const { json } = await gateway.send('GET', '/openapi.json')
    expect(Object.keys(json.paths)).toContain('/metrics')
    expect(Object.keys(json.paths)).not.toContain('/admin/sessions')
    const adminKey = 'the-key-of-the-operator'
    expect(Object.keys((await describedBy({ adminKey })).paths)).toContain('/admin/sessions')
    const separate = Object.keys((await describedBy({ adminKey, adminPort: 0 })).paths)
    expect(separate).not.toContain('/admin/sessions')
    expect(separate).not.toContain('/metrics')
  })

  it('describes the routes of the admin port on that port', async () => {
    const admin = { adminKey: 'the-key-of-the-operator', adminPort: 0 }
    const gateway = await startTestGateway([{ id: 'kom' }], { ...admin, basePath: '/kom' })
    const response = await fetch(`${gateway.adminUrl}/openapi.json`)
    const { paths, servers } = (await response.json()) as { paths: object; servers: unknown }
    await gateway.close()
    expect(servers).toEqual([{ url: '/' }])
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining(['/metrics', '/admin/sessions', '/openapi.json', '/app/console']),
    )
    expect(Object.keys(paths).filter((path) => path.includes('{server}'))).toEqual([])
  })
})

/** Returns a path that matches a template. */
function exampleOf(template: string): string {
  return template
    .replace('{server}', 'demo')
    .replace('{file}', 'reference.js')
    .replace(/\{\w+\}/g, '1')
}
