import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it, vi } from 'vitest'
import { createGateway } from '../../src/gateway.ts'
import { NamedResponse } from '../../src/http/node/request-id.ts'
import { Names } from '../../src/lyskom/names.ts'
import { configFor, type TestSettings } from '../support/config.ts'
import { type Handler, startFakeServer } from '../support/fake-server.ts'
import { startTestGateway } from '../support/gateway.ts'
import { reply } from '../support/wire.ts'

const OWN = /^[0-9a-f]{12}-[0-9a-z]+$/
const WHO_AM_I = '/kom/sessions/current/who-am-i'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start(handler?: Handler, settings: TestSettings = {}) {
  const server = await startFakeServer(handler)
  const gateway = await startTestGateway([{ id: 'kom', port: server.port }], settings)
  closing.push(server.close, gateway.close)
  return gateway
}

it.each(['abc', 'f058ebd6-02f7-4d3f-942e-904344e8cde5', 'Root=1-67891233-abcdef', 'x'.repeat(128)])(
  'the gateway keeps the request id %s of a client',
  async (id) => {
    const gateway = await start()
    for (const path of ['/', '/nosuch', WHO_AM_I]) {
      const { headers } = await gateway.send('GET', path, { headers: { 'x-request-id': id } })
      expect([path, headers.get('x-request-id')]).toEqual([path, id])
    }
  },
)

it.each(['', 'x'.repeat(129), 'a b', 'a,b', '<script>', 'a/b', '"', '\u00e5'])(
  'the gateway replaces the request id %j by a generated one',
  async (id) => {
    const gateway = await start()
    const given = await gateway.send('GET', '/', { headers: { 'x-request-id': id } })
    const none = await gateway.send('GET', '/')
    const ids = [given, none].map(({ headers }) => headers.get('x-request-id'))
    for (const each of ids) expect(each).toMatch(OWN)
    expect(ids[0]).not.toBe(ids[1])
  },
)

it('the access log and the log line of an internal error hold the request id', async () => {
  const gateway = await start(({ ref, call }) => call === 94 && reply(ref, 20102, 1, 2, 3, 4, 0, '0 *'))
  const id = await gateway.open()
  const names = vi.spyOn(Names.prototype, 'load').mockRejectedValue(new TypeError('the details'))
  const { status } = await gateway.send('GET', '/kom/server/info', { id, headers: { 'x-request-id': 'mine' } })
  names.mockRestore()
  expect(status).toBe(500)
  const lines = () => gateway.log.map((line) => JSON.parse(line)).filter(({ requestId }) => requestId === 'mine')
  await expect.poll(() => lines().map(({ msg }) => msg)).toEqual(['internal error', 'request'])
})

it('the log lines of a session hold the id of the request that opens or closes it', async () => {
  const gateway = await start(undefined, { adminKey: 'of-the-admin-of-this-gateway', autoCreate: true })
  const open = (requestId: string) =>
    gateway.send('POST', '/kom/sessions/', {
      json: { client: { name: 'test', version: '1' } },
      headers: { 'x-request-id': requestId },
    })
  const id = (await open('one')).json.connection_id
  await open('other')
  await gateway.send('DELETE', '/kom/sessions/0', { id, headers: { 'x-request-id': 'end' } })
  const lines = () => gateway.log.map((line) => JSON.parse(line)).filter(({ msg }) => msg.startsWith('session'))
  expect(lines().map(({ msg, requestId }) => [msg, requestId])).toEqual([
    ['session opened', 'one'],
    ['session opened', 'other'],
    ['session closed', 'end'],
  ])
  const headers = { 'x-request-id': 'admin', authorization: 'Bearer of-the-admin-of-this-gateway' }
  const { sessions } = (await gateway.send('GET', '/admin/sessions', { headers })).json
  await gateway.send('DELETE', `/admin/sessions/${sessions[0].handle}`, { headers })
  await gateway.send('GET', WHO_AM_I, { headers: { 'x-request-id': 'unasked' } })
  expect(lines().slice(3)).toMatchObject([
    { msg: 'session closed', requestId: 'admin' },
    { msg: 'session opened', requestId: 'unasked' },
  ])
})

it('a response has no headers of another response', async () => {
  const gateway = await start()
  const id = await gateway.open()
  expect((await gateway.send('GET', '/nosuch', { id })).headers.get('httpkom-connection')).toBeNull()
  expect((await gateway.send('GET', '/', { id })).headers.get('komgate-lease')).toBeNull()
})

it.each<[string, (response: ServerResponse) => void]>([
  ['none', (response) => response.end()],
  ['none but a status', (response) => response.writeHead(201).end()],
  ['an object', (response) => response.writeHead(200, { other: 'there' }).end()],
  ['an object behind a phrase', (response) => response.writeHead(200, 'Fine', { other: 'there' }).end()],
])('NamedResponse adds X-Request-Id to the headers of writeHead: %s', async (_, answer) => {
  const server = createServer({ ServerResponse: NamedResponse }, (_, response) => {
    response.requestId = 'mine'
    answer(response)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  closing.push(async () => void server.close())
  const { headers } = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  expect(headers.get('x-request-id')).toBe('mine')
})

it('the gateway neither uses nor logs a connection id as a request id', async () => {
  const gateway = await start()
  const id = await gateway.open()
  const { status, headers } = await gateway.send('GET', WHO_AM_I, { id, headers: { 'x-request-id': id } })
  expect([status, headers.get('x-request-id')]).toEqual([200, expect.stringMatching(OWN)])
  await expect.poll(() => gateway.log.join('')).toContain('who-am-i')
  expect(gateway.log.join('')).not.toContain(id)
})

it('the gateway replaces a request id that is a connection id in another spelling, and does not log it', async () => {
  const gateway = await start(undefined, { transports: ['bearer', 'cookie', 'query'] })
  const id = await gateway.open()
  const digits = id.replaceAll('-', '')
  const spellings = [
    id.toUpperCase(),
    digits,
    digits.toUpperCase(),
    `{${id}}`,
    `urn:uuid:${id}`,
    encodeURIComponent(`{${id}}`),
    id.replaceAll('-', '%2d'),
    id.replaceAll('-', '_'),
    id.replaceAll('-', '.'),
    `Root=1-${id}`,
    `req.${digits}.1`,
    `0123${digits}4567`,
    digits.replace(/..../g, '$&-'),
  ]
  for (const spelling of spellings) {
    for (const path of [
      WHO_AM_I,
      `/kom/texts/${encodeURIComponent(spelling)}`,
      `/${spelling}/server/info?_token=${id}`,
    ]) {
      const { headers } = await gateway.send('GET', path, { id, headers: { 'x-request-id': spelling } })
      expect([spelling, headers.get('x-request-id')]).toEqual([spelling, expect.stringMatching(OWN)])
    }
  }
  await expect
    .poll(() => gateway.log.filter((line) => line.includes('"request"')).length)
    .toBe(1 + 3 * spellings.length)
  const logged = gateway.log
    .join('')
    .toLowerCase()
    .replace(/[-_.]|%2d/g, '')
  expect(logged).not.toContain(digits)
})

it('the gateway replaces a request id that repeats a token or a key of the same request', async () => {
  const gateway = await start(undefined, { apps: [{ id: 'shop', name: 'Shop' }], compat: ['rest-sessions', 'sessman'] })
  const token = 'Ab1'.repeat(20).padEnd(64, 'x')
  const carried: [path: string, headers: Record<string, string>][] = [
    [`/shop/get/${token}`, {}],
    [`/sessman/get?session_id=${token}`, {}],
    ['/shop/soapp?dt=60', { authorization: `Bearer ${token}` }],
    ['/', { cookie: `__Host-komgate-kom=${token}` }],
    ['/', { 'httpkom-connection': token }],
  ]
  for (const [path, headers] of carried) {
    const answer = await gateway.send('GET', path, { headers: { ...headers, 'x-request-id': token } })
    expect([path, answer.headers.get('x-request-id')]).toEqual([path, expect.stringMatching(OWN)])
  }
  expect(gateway.log.join('')).not.toContain(token)
})

it('the gateway keeps a request id that is the connection id of an ended session', async () => {
  const gateway = await start()
  const id = await gateway.open()
  await gateway.send('DELETE', '/kom/sessions/0', { id })
  expect((await gateway.send('GET', '/', { headers: { 'x-request-id': id } })).headers.get('x-request-id')).toBe(id)
})

it('every kind of response has X-Request-Id and its other headers', async () => {
  const gateway = await start(({ ref, call }) => call === 82 && reply(ref))
  const id = await gateway.open()
  const headers = { 'x-request-id': 'mine', origin: 'https://example.org' }
  const made = await gateway.send('POST', '/kom/sessions/', { headers, json: { client: { name: 'x', version: '1' } } })
  const asked = [
    ['POST', '/kom/sessions/current/active', 204],
    ['GET', '/kom/texts/marks', 401],
    ['PUT', '/kom/texts/marks', 405],
    ['GET', '/nowhere/at/all', 404],
    ['OPTIONS', '/kom/texts/marks', 204],
    ['HEAD', '/', 200],
    ['GET', '/metrics', 200],
    ['DELETE', '/kom/sessions/0', 204],
  ] as const
  const answers = [made]
  for (const [method, path] of asked) answers.push(await gateway.send(method, path, { id, headers }))
  expect(answers.map(({ status }) => status)).toEqual([201, ...asked.map(([, , status]) => status)])
  for (const { headers } of answers) {
    expect([headers.get('x-request-id'), headers.get('access-control-allow-origin')]).toEqual(['mine', '*'])
  }
})

it('responses have X-Request-Id when another HTTP server calls fetch', async () => {
  const gateway = await createGateway(configFor([{ id: 'kom' }]))
  closing.push(() => gateway.close())
  for (const path of ['/', '/nosuch']) {
    const request = new Request(`http://localhost${path}`, { headers: { 'x-request-id': 'mine' } })
    const answer = (await gateway.fetch(request, {} as never)) as Response
    expect([path, answer.headers.get('x-request-id')]).toEqual([path, 'mine'])
  }
})

it('CORS headers allow pages of other origins to read and send X-Request-Id', async () => {
  const gateway = await start()
  const headers = { origin: 'https://example.org' }
  expect((await gateway.send('GET', '/', { headers })).headers.get('access-control-expose-headers')).toMatch(
    /\bX-Request-Id\b/,
  )
  const preflight = await gateway.send('OPTIONS', '/', {
    headers: { ...headers, 'access-control-request-method': 'GET' },
  })
  expect(preflight.headers.get('access-control-allow-headers')).toMatch(/\bX-Request-Id\b/)
})
