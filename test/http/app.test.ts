import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { createGateway } from '../../src/gateway.ts'
import { Names } from '../../src/lyskom/names.ts'
import { configFor, type TestSettings } from '../support/config.ts'
import { type FakeServer, type Handler, startFakeServer } from '../support/fake-server.ts'
import { type SendOptions, startTestGateway, type TestGateway } from '../support/gateway.ts'
import { reply } from '../support/wire.ts'

const CLIENT = { client: { name: 'x', version: '1' } }
const WHO_AM_I = '/kom/sessions/current/who-am-i'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start(handler?: Handler, settings: TestSettings = {}) {
  const server = await startFakeServer(handler)
  const gateway = await startTestGateway(
    [
      { id: 'kom', name: 'KOM', port: server.port },
      { id: 'down', name: 'Down', port: 1 },
    ],
    settings,
  )
  closing.push(server.close, gateway.close)
  return { server, gateway }
}

describe('routes', () => {
  let server: FakeServer
  let gateway: TestGateway
  beforeAll(async () => {
    server = await startFakeServer()
    gateway = await startTestGateway([
      { id: 'kom', name: 'KOM', port: server.port },
      { id: 'down', name: 'Down', port: 1 },
    ])
  })
  afterAll(async () => {
    await gateway.close()
    await server.close()
  })
  const send = (method: string, path: string, options?: SendOptions) => gateway.send(method, path, options)

  it('GET / lists the servers in the order of the configuration', async () => {
    const { status, json } = await send('GET', '/')
    expect(status).toBe(200)
    expect(Object.keys(json)).toEqual(['kom', 'down'])
    expect(json.kom).toEqual({
      id: 'kom',
      name: 'KOM',
      host: '127.0.0.1',
      port: server.port,
      sort_order: 0,
      up: expect.toSatisfy((up) => up === null || up === true),
    })
    expect(json.down.sort_order).toBe(1)
  })

  it.each([
    ['GET', '/nosuch/sessions/current/who-am-i'],
    ['POST', '/nosuch/sessions/'],
    ['GET', '/KOM/server/info'],
    ['GET', '/kom'],
    ['GET', '/kom/'],
    ['GET', '/kom/nosuch'],
    ['POST', '/kom/sessions/login'],
    ['GET', '/favicon.ico'],
    ['GET', '/__proto__/server/info'],
    ['GET', '/constructor/sessions/current/who-am-i'],
    ['GET', '/%00/%ff/..x%2f'],
  ])('%s %s answers 404 with a JSON body', async (method, path) => {
    const { status, json } = await send(method, path)
    expect([status, json?.error_type, typeof json?.error_msg]).toEqual([404, 'httpkom', 'string'])
  })

  it.each([
    ['POST', '/', 'GET, HEAD, OPTIONS'],
    ['DELETE', '/stats', 'GET, HEAD, OPTIONS'],
    ['DELETE', '/kom/sessions/', 'POST, GET, HEAD, OPTIONS'],
    ['PUT', '/kom/sessions/', 'POST, GET, HEAD, OPTIONS'],
    ['POST', WHO_AM_I, 'GET, HEAD, OPTIONS'],
    ['GET', '/kom/sessions/current/active', 'POST, OPTIONS'],
    ['GET', '/kom/sessions/current/login', 'POST, OPTIONS'],
    ['GET', '/kom/sessions/current/logout', 'POST, OPTIONS'],
    ['GET', '/kom/sessions/current/working-conference', 'POST, OPTIONS'],
    ['GET', '/kom/sessions/0', 'DELETE, OPTIONS'],
    ['POST', '/kom/server/info', 'GET, HEAD, OPTIONS'],
  ])('%s %s answers 405 with Allow: %s', async (method, path, allow) => {
    const { status, headers, json } = await send(method, path)
    expect([status, headers.get('allow'), json]).toEqual([
      405,
      allow,
      { error_type: 'httpkom', error_msg: `${method} is not allowed here.` },
    ])
  })

  it('OPTIONS returns the allowed methods', async () => {
    const { status, headers, text } = await send('OPTIONS', '/kom/sessions/')
    expect([status, headers.get('allow'), text]).toEqual([204, 'POST, GET, HEAD, OPTIONS', ''])
  })

  it('every route accepts a path with and without a trailing slash', async () => {
    const id = await gateway.open()
    for (const path of [WHO_AM_I, `${WHO_AM_I}/`, '/stats', '/stats/']) {
      expect([path, (await send('GET', path, { id })).status]).toEqual([path, 200])
    }
    expect((await send('POST', '/kom/sessions', { json: CLIENT })).status).toBe(201)
    expect((await send('DELETE', '/kom/sessions/0/', { id })).status).toBe(204)
  })

  it('every route decodes the server id and ignores unknown query parameters', async () => {
    const id = await gateway.open()
    expect((await send('GET', '/%6bom/sessions/current/who-am-i?_v=0&httpkom-cache-version=3', { id })).status).toBe(
      200,
    )
  })

  it('HEAD answers like GET without a body', async () => {
    const id = await gateway.open()
    const { status, text, headers } = await send('HEAD', WHO_AM_I, { id })
    expect([status, text, headers.get('content-type')]).toEqual([200, '', 'application/json'])
  })

  it('every response has Cache-Control: no-cache', async () => {
    const id = await gateway.open()
    for (const [method, path] of [
      ['GET', '/'],
      ['GET', WHO_AM_I],
      ['POST', '/kom/sessions/current/active'],
      ['GET', '/kom/nosuch'],
    ]) {
      expect((await send(method as string, path as string, { id })).headers.get('cache-control')).toBe('no-cache')
    }
  })

  it('POST /sessions answers 502 if the LysKOM server is down', async () => {
    const { status, json } = await send('POST', '/down/sessions/', { json: CLIENT })
    expect([status, json]).toEqual([502, { error_type: 'httpkom', error_msg: 'cannot connect to the LysKOM server' }])
  })
})

describe('CORS', () => {
  const origin = 'http://example.org'

  it('every response, errors included, allows every origin, and has no CORS headers without an Origin', async () => {
    const { gateway } = await start()
    for (const path of ['/', '/nosuch/x', WHO_AM_I, '/kom/nosuch']) {
      const open = await gateway.send('GET', path, { headers: { origin } })
      expect([path, open.headers.get('access-control-allow-origin')]).toEqual([path, '*'])
      expect(open.headers.get('access-control-expose-headers')).toMatch(/Httpkom-Connection/)
      expect((await gateway.send('GET', path)).headers.get('access-control-allow-origin')).toBeNull()
    }
    const wrong = await gateway.send('POST', '/', { headers: { origin } })
    expect([wrong.status, wrong.headers.get('access-control-allow-origin')]).toEqual([405, '*'])
  })

  it('OPTIONS answers a preflight request with the allowed methods and headers', async () => {
    const { gateway } = await start()
    const headers = {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'httpkom-connection',
    }
    const preflight = await gateway.send('OPTIONS', '/kom/sessions/', { headers })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-methods')).toBe('GET,POST,PUT,PATCH,DELETE,OPTIONS,HEAD')
    expect(preflight.headers.get('access-control-allow-headers')).toBe(
      'Origin,Accept,Content-Type,X-Requested-With,X-XSRF-TOKEN,Cache-Control,If-None-Match,Last-Event-ID,Authorization,traceparent,tracestate,baggage,X-Request-Id,Httpkom-Connection',
    )
    expect(preflight.headers.get('access-control-max-age')).toBe('3600')
  })

  it('corsOrigins allows only the listed origins, and sets Vary: Origin', async () => {
    const { gateway } = await start(undefined, { corsOrigins: [origin] })
    const allowed = await gateway.send('GET', '/stats', { headers: { origin } })
    expect([allowed.headers.get('access-control-allow-origin'), allowed.headers.get('vary')]).toEqual([
      origin,
      'Origin',
    ])
    const other = await gateway.send('GET', '/stats', { headers: { origin: 'http://evil.example' } })
    expect([other.headers.get('access-control-allow-origin'), other.headers.get('vary')]).toEqual([null, 'Origin'])
    expect((await gateway.send('GET', '/stats')).headers.get('vary')).toBe('Origin')
  })
})

describe('limits of the gateway', () => {
  it('the gateway rejects a body over the limit with 413, with or without Content-Length', async () => {
    const { gateway } = await start(undefined, { maxBodyBytes: 100 })
    const body = JSON.stringify({ client: { name: 'x'.repeat(100), version: '1' } })
    const headers = { 'content-type': 'application/json' }
    const announced = await gateway.send('POST', '/kom/sessions/', { body, headers })
    expect([announced.status, announced.json.error_msg]).toEqual([413, 'The body is larger than 100 bytes.'])
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(body))
        controller.close()
      },
    })
    const request = { method: 'POST', headers, body: stream, duplex: 'half' } as RequestInit
    expect((await fetch(`${gateway.url}/kom/sessions/`, request)).status).toBe(413)
  })

  it('the gateway rejects a session over the limit with 503 and Retry-After', async () => {
    const { gateway } = await start(undefined, { maxSessionsPerAddress: 1 })
    const id = await gateway.open()
    const { status, headers, json } = await gateway.send('POST', '/kom/sessions/', { json: CLIENT })
    expect([status, headers.get('retry-after'), json.error_type]).toEqual([503, '5', 'httpkom'])
    expect(json.error_msg).toMatch(/no more than 1 sessions for one client address/)
    await gateway.send('DELETE', '/kom/sessions/0', { id })
    await gateway.open()
  })
})

describe('a LysKOM server that fails', () => {
  it('the gateway answers 504 if the server sends no greeting', async () => {
    const { gateway } = await start(() => true, { connectTimeoutMs: 50 })
    const { status, json } = await gateway.send('POST', '/kom/sessions/', { json: CLIENT })
    expect([status, json.error_msg]).toEqual([504, 'no session on the LysKOM server within 50 ms'])
  })

  it('the gateway answers 504 if the server does not reply to a call, and keeps the session open', async () => {
    let silent = false
    const { gateway } = await start(() => silent, { callTimeoutMs: 200 })
    const id = await gateway.open()
    silent = true
    const { status, json } = await gateway.send('GET', WHO_AM_I, { id })
    expect([status, json.error_msg]).toEqual([504, 'the LysKOM server did not answer who-am-i in time'])
    silent = false
    expect((await gateway.send('GET', WHO_AM_I, { id })).status).toBe(200)
  })

  it('the gateway answers 403 to waiting and later requests if the server closes the connection', async () => {
    const { server, gateway } = await start(({ call }, connection) => {
      if (call !== 82) return false
      connection.end()
      return true
    })
    const id = await gateway.open()
    const other = await gateway.open()
    const waiting = await gateway.send('POST', '/kom/sessions/current/active', { id })
    expect([waiting.status, waiting.json.error_msg]).toEqual([403, 'the LysKOM server closed the connection'])
    expect((await gateway.send('GET', WHO_AM_I, { id })).status).toBe(403)
    expect((await gateway.send('GET', WHO_AM_I, { id: other })).status).toBe(200)
    expect(server.connections).toHaveLength(2)
  })

  it('the gateway answers 504 to a single request if its reply is unreadable', async () => {
    const { gateway } = await start(({ ref, call }) => call === 94 && reply(ref, 'nonsense'))
    const id = await gateway.open()
    expect((await gateway.send('GET', '/kom/server/info', { id })).status).toBe(504)
    expect((await gateway.send('GET', WHO_AM_I, { id })).status).toBe(200)
  })
})

it('the gateway closes a session whose client disconnects while it opens', async () => {
  let hold = true
  const { server, gateway } = await start(() => hold)
  const abort = new AbortController()
  const giving = fetch(`${gateway.url}/kom/sessions/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(CLIENT),
    signal: abort.signal,
  })
  await expect.poll(() => server.connections[0]?.received.length).toBe(4)
  abort.abort()
  await expect(giving).rejects.toThrow()
  await new Promise((resolve) => setTimeout(resolve, 50))
  hold = false
  const [fake] = server.connections
  fake?.send('=1\n=2\n=3\n=4 1\n')
  await fake?.closed
  expect((await gateway.send('GET', '/stats')).json['komgate.sessions.active.last']).toBe(0)
})

it('the gateway logs an internal error and answers 500, without details for the client', async () => {
  const { gateway } = await start(({ ref, call }) => call === 94 && reply(ref, 20102, 1, 2, 3, 4, 0, '0 *'))
  const id = await gateway.open()
  const names = vi.spyOn(Names.prototype, 'load').mockRejectedValue(new TypeError('the details'))
  const { status, json } = await gateway.send('GET', '/kom/server/info', { id })
  names.mockRestore()
  expect([status, json]).toEqual([500, { error_type: 'httpkom', error_msg: 'Internal error.' }])
  const logged = gateway.log.map((line) => JSON.parse(line)).find((line) => line.msg === 'internal error')
  expect(logged.err).toMatchObject({ type: 'TypeError', message: 'the details' })
})

describe('malformed and interrupted requests', () => {
  const raw = async (gateway: TestGateway, request: string, end = true) => {
    const { port } = new URL(gateway.url)
    const socket = connect(Number(port), '127.0.0.1')
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.on('error', () => undefined)
    if (end) socket.end(request)
    else socket.write(request)
    await once(socket, 'close')
    return answer
  }

  it.each([
    ['bytes that are not HTTP', 'hello\r\n\r\n', 400, 'The request is not HTTP.'],
    [
      'a large request head',
      `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`,
      431,
      'The headers are too large.',
    ],
    [
      'Expect other than 100-continue',
      'GET / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\nConnection: close\r\n\r\n',
      417,
      'Expect must be 100-continue.',
    ],
  ])('the gateway answers %s with an error status and a JSON body', async (_, request, status, error_msg) => {
    const { gateway } = await start()
    const [head, body] = (await raw(gateway, request)).split('\r\n\r\n') as [string, string]
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(JSON.parse(body.slice(body.indexOf('{'), body.indexOf('}') + 1))).toMatchObject({
      error_type: 'httpkom',
      error_msg,
    })
  })

  it('a client that disconnects in the middle of its body causes no internal error', async () => {
    const { gateway } = await start()
    const head = 'POST /kom/sessions/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
    await raw(gateway, `${head}Content-Length: 200\r\n\r\n{"client":`)
    await raw(gateway, `${head}Transfer-Encoding: chunked\r\n\r\n5\r\n{"cli`)
    const stats = async () => (await gateway.send('GET', '/stats')).json
    await expect.poll(async () => (await stats())['komgate.http.responses.sent.400.last']).toBe(2)
    expect((await stats())['komgate.http.responses.sent.500.last']).toBeUndefined()
    expect(gateway.log.join('')).not.toContain('internal error')
  })
})

it('an embedded gateway handles requests without a socket', async () => {
  const server = await startFakeServer()
  const servers = [{ id: 'kom', name: 'KOM', demo: false, host: '127.0.0.1', port: server.port }]
  const gateway = await createGateway(configFor(servers))
  const made = await gateway.fetch(
    new Request('http://x/kom/sessions/', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(CLIENT),
    }),
  )
  expect(made.status).toBe(201)
  expect(server.connections[0]?.hello).toBe('A15Hkomgate%unknown')
  await gateway.close()
  await server.close()
})

it('GET /stats counts requests, sessions and calls', async () => {
  const { gateway } = await start()
  const id = await gateway.open()
  await gateway.send('GET', WHO_AM_I, { id })
  await gateway.send('GET', WHO_AM_I)
  await gateway.send('DELETE', '/kom/sessions/0', { id })
  const { json } = await gateway.send('GET', '/stats')
  expect(json).toMatchObject({
    'komgate.http.requests.received.last': 5,
    'komgate.http.responses.sent.200.last': 1,
    'komgate.http.responses.sent.201.last': 1,
    'komgate.http.responses.sent.204.last': 1,
    'komgate.http.responses.sent.403.last': 1,
    'komgate.sessions.active.last': 0,
    'komgate.sessions.opened.last': 1,
    'komgate.sessions.closed.deleted.last': 1,
    'komgate.connections.responses.received.ok.last': 5,
  })
})

it('every response has security headers, errors included', async () => {
  const { gateway } = await start()
  for (const path of ['/', WHO_AM_I, '/nowhere']) {
    const { headers } = await gateway.send('GET', path)
    expect(headers.get('x-content-type-options'), path).toBe('nosniff')
    expect(headers.get('referrer-policy'), path).toBe('no-referrer')
    expect(headers.get('x-frame-options'), path).toBe('DENY')
    expect(headers.get('cross-origin-resource-policy'), path).toBe('cross-origin')
  }
})

it('the gateway logs every request without ids, passwords and bodies', async () => {
  const { gateway } = await start()
  const id = await gateway.open()
  const login = { pers_no: 6, passwd: 'correct horse' }
  await gateway.send('POST', '/kom/sessions/current/login', { id, json: login })
  await gateway.send('GET', `${WHO_AM_I}?Httpkom-Connection=${id}`)
  await gateway.send('DELETE', `/kom/sessions/${id}`, { id })
  await gateway.send('GET', `/kom/sessions/${id.toUpperCase()}`, { id })
  const logged = () => gateway.log.map((line) => JSON.parse(line)).filter((line) => line.msg === 'request')
  // A line is written shortly after its response.
  await expect.poll(logged).toHaveLength(5)
  const requests = logged()
  expect(requests.map(({ method, path, status }) => [method, path, status])).toEqual([
    ['POST', '/kom/sessions', 201],
    ['POST', '/kom/sessions/current/login', 400],
    ['GET', WHO_AM_I, 200],
    ['DELETE', '/kom/sessions/<id>', 404],
    ['GET', '/kom/sessions/<id>', 404],
  ])
  const log = gateway.log.join('').toLowerCase()
  expect(log).not.toContain(id)
  expect(log).not.toContain('correct horse')
})
