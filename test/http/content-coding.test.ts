import { request as httpRequest } from 'node:http'
import { text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startDemoSession } from '../support/demo-session.ts'
import type { TestGateway } from '../support/gateway.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

let gateway: TestGateway
let id: string
beforeAll(async () => {
  ;({ gateway, id } = await startDemoSession())
})
afterAll(() => gateway.close())

/** Every route that reads a body. */
const ROUTES = [
  ['POST', '/demo/sessions/'],
  ['POST', '/demo/sessions/current/login'],
  ['POST', '/demo/sessions/current/working-conference'],
  ['PATCH', '/demo/sessions/current/data'],
  ['POST', '/demo/texts/'],
  ['POST', '/demo/textstats'],
  ['PUT', '/demo/texts/1/mark'],
  ['POST', '/demo/persons/'],
  ['POST', '/demo/persons/6/set-presentation'],
  ['POST', '/demo/persons/6/set-passwd'],
  ['PUT', '/demo/persons/6/memberships/1'],
  ['POST', '/demo/persons/current/memberships/1/unread'],
  ['POST', '/demo/conferences/'],
  ['PUT', '/shop/create/user?ip=192.0.2.1'],
  ['POST', `/shop/set/${'a'.repeat(64)}`],
  ['POST', '/sessman/new?user=u'],
  ['POST', '/sessman/update?session_id=x'],
  ['POST', '/add_session.cgi'],
  ['POST', '/validate.cgi'],
] as const

it.each(ROUTES)('%s %s rejects a compressed body with 415 and Accept-Encoding: identity', async (method, path) => {
  const body = gzipSync('{"client": {"name": "x", "version": "1"}}')
  const as = path === '/demo/sessions/' ? {} : { id }
  for (const coding of ['gzip', 'GZIP', 'br', 'deflate', 'x-gzip', 'identity, gzip', 'zstd']) {
    const { status, headers, text } = await gateway.send(method, path, {
      ...as,
      body,
      headers: { ...JSON_TYPE, 'content-encoding': coding },
    })
    expect([coding, status, headers.get('accept-encoding')]).toEqual([coding, 415, 'identity'])
    expect(text).toContain('Content-Encoding must be identity.')
  }
})

it.each(['identity', 'Identity', ' identity , identity', ''])(
  'a route accepts a body in the content coding "%s"',
  async (coding) => {
    const headers = { ...JSON_TYPE, 'content-encoding': coding }
    const { status } = await gateway.send('PATCH', '/demo/sessions/current/data', { id, body: '{"a":1}', headers })
    expect(status).toBe(200)
  },
)

it('routes that read no body ignore the content coding', async () => {
  const headers = { 'content-encoding': 'gzip' }
  expect((await gateway.send('POST', '/demo/sessions/current/active', { id, headers })).status).toBe(204)
  expect((await gateway.send('GET', '/demo/sessions/current/data', { id, headers })).status).toBe(200)
})

it('the gateway rejects a transfer coding other than chunked with 501', async () => {
  const send = (coding: string) =>
    new Promise<[status: number | undefined, body: string]>((resolve, reject) => {
      const headers = { ...JSON_TYPE, 'httpkom-connection': id, 'transfer-encoding': coding }
      const request = httpRequest(`${gateway.url}/demo/sessions/current/data`, { method: 'PATCH', headers })
      request.on('response', async (response) => resolve([response.statusCode, await text(response)]))
      request.on('error', reject)
      request.end('{"a":1}')
    })
  expect(await send('chunked')).toEqual([200, '{"a":1}'])
  expect((await send('gzip, chunked'))[0]).toBe(501)
})

it('the CORS preflight allows the headers of a trace context', async () => {
  const asked = ['traceparent', 'tracestate', 'baggage']
  const preflight = await gateway.send('OPTIONS', '/demo/texts/', {
    headers: {
      origin: 'https://kom.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': asked.join(','),
    },
  })
  const allowed = preflight.headers.get('access-control-allow-headers')?.toLowerCase().split(',')
  expect(asked.filter((name) => allowed?.includes(name))).toEqual(asked)
})
