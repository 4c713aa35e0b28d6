import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { holdsDotSegment } from '../../src/http/node/request-path.ts'
import { build } from '../support/built-command.ts'
import { type FakeServer, startFakeServer } from '../support/fake-server.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { nginxInstalled, startNginx } from '../support/nginx.ts'

const CLIENT = { client: { name: 'test', version: '1' } }
const HIDDEN = ['metrics', 'live', 'ready', 'admin', 'admin/sessions']
const BUILD_MS = 60_000
const ADMIN_KEY = 'key-of-the-admin-of-this-gateway'

/** Sends a raw request target: `fetch` would resolve its dot segments. */
async function sendRaw(url: string, target: string, headers: Record<string, string> = {}, method = 'GET') {
  const { hostname, port } = new URL(url)
  return await new Promise<{ status: number; body: string; location: string | undefined }>((resolve, reject) => {
    const request = httpRequest({ hostname, port, path: target, method, headers }, async (response) => {
      const body = await text(response)
      resolve({ status: response.statusCode ?? 0, body, location: response.headers.location })
    })
    request.on('error', reject)
    request.end()
  })
}

/** Returns request targets that reach a path through dot segments, in all spellings. */
function spellings(base: string, path: string): string[] {
  const slashes = ['/', '%2f', '%2F', '%5c', '%5C', '%252f']
  const dots = ['..', '%2e%2e', '%2E%2E', '.%2e', '%2e.', '%2E%2e', '%252e%252e']
  const ups = slashes.flatMap((slash) => dots.map((dot) => `${slash}${dot}${slash}`))
  return [
    ...ups.map((up) => `${base}/x${up}${path}`),
    ...ups.map((up) => `${base}/x%2fy${up}${path}`),
    ...dots.map((dot) => `${base}/x%2fy/${dot}/${path}`),
    ...dots.map((dot) => `${base}/x%2fy/z/${dot}/${dot}/${path}`),
    ...['.', '%2e', '%2E', '%252e'].map((dot) => `${base}/${dot}/${path}`),
    `${base}/${path}/.`,
    `${base}/${path}/x/..`,
    `${base}/${path}/x/..?y=/`,
    `${base}/x/..//${path}`,
    `${base}//x//..//${path}`,
  ]
}

describe.each(['', '/kom'])('a gateway with the base path "%s"', (base) => {
  let server: FakeServer
  let gateway: TestGateway
  let root: string
  beforeAll(async () => {
    server = await startFakeServer()
    gateway = await startTestGateway([{ id: 'demo', port: server.port }], {
      basePath: base,
      adminKey: ADMIN_KEY,
      apps: [{ id: 'shop', name: 'Shop' }],
      compat: ['rest-sessions', 'sessman', 'microapp'],
      insecureCompat: true,
    })
    root = new URL(gateway.url).origin
  })
  afterAll(async () => {
    await gateway.close()
    await server.close()
  })

  it('answers paths with double slashes like the same paths with single slashes', async () => {
    const id = await gateway.open()
    const paths = ['/stats', '/demo/sessions/current/who-am-i', '/demo/nosuch', '/nosuch/server/info', '/ping']
    for (const path of [...paths, '/shop/soapp?dt=60', '/sessman/nosuch', '/validate.cgi?service=a//b', '/metrics']) {
      const single = await sendRaw(root, base + path, { 'httpkom-connection': id })
      const [before, query] = path.split('?')
      const all = `${base}${before}`.replaceAll('/', '//')
      const others = [`/${base}${before}`, `${base}/${before}`, all, `${all}//`, `////${all}///`]
      for (const other of others) {
        const target = query === undefined ? other : `${other}?${query}`
        const { status, body, location } = await sendRaw(root, target, { 'httpkom-connection': id })
        expect([target, status, location]).toEqual([target, single.status, undefined])
        if (!/stats|metrics/.test(path)) expect([target, body]).toEqual([target, single.body])
      }
    }
  })

  it('accepts clients whose base URL ends in a slash', async () => {
    const send = (method: string, path: string, init: RequestInit = {}) =>
      fetch(`${root}${base}/${path}`, { method, redirect: 'error', ...init })
    const body = JSON.stringify(CLIENT)
    const response = await send('POST', '/demo//sessions/', { body, headers: { 'content-type': 'application/json' } })
    const { connection_id } = (await response.json()) as { connection_id: string }
    expect(response.status).toBe(201)
    const headers = { 'httpkom-connection': connection_id }
    expect((await send('GET', '/demo/sessions/current//who-am-i', { headers })).status).toBe(200)
    expect((await send('OPTIONS', '/demo//sessions/')).headers.get('allow')).toBe('POST, GET, HEAD, OPTIONS')
    const socket = new WebSocket(`${root.replace('http', 'ws')}${base}//websocket?Httpkom-Connection=${connection_id}`)
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
    socket.close()
    expect((await send('DELETE', '/demo//sessions//0', { headers })).status).toBe(204)
  })

  it('keeps a double slash that is percent-encoded or in the query', async () => {
    const made = await gateway.send('PUT', '/shop/create/a%2f%2fb?ip=192.0.2.1')
    const listed = await gateway.send('GET', '/shop/soid/a%2f%2fb')
    expect([made.status, listed.json.sessions[0].id]).toEqual([200, 'a//b'])
    expect((await gateway.send('GET', '/sessman/new?user=a//b')).status).toBe(200)
  })

  it.each(HIDDEN)('rejects dot segments on the way to %s', async (hidden) => {
    for (const target of spellings(base, hidden)) {
      const { status, body } = await sendRaw(root, target, { authorization: `Bearer ${ADMIN_KEY}` })
      expect([target, status, body]).toEqual([
        target,
        400,
        '{"error_type":"httpkom","error_msg":"The path holds a dot segment."}',
      ])
    }
  })

  it.each(['POST', 'PUT', 'DELETE', 'HEAD'])('rejects dot segments of a %s request', async (method) => {
    expect((await sendRaw(root, `${base}/x/../demo/sessions/`, {}, method)).status).toBe(400)
  })

  it('rejects dot segments with backslashes, in the absolute form and in an upgrade', async () => {
    for (const target of ['/x/..\\metrics', '/x\\..\\metrics', '\\..\\metrics']) {
      expect([target, (await sendRaw(root, base + target)).status]).toEqual([target, 400])
    }
    for (const target of [`${root}${base}/x/../metrics`, `http://other.example${base}/x%2fy/%2e%2e/metrics`]) {
      expect([target, (await sendRaw(root, target)).status]).toEqual([target, 400])
    }
    const id = await gateway.open()
    const headers = {
      connection: 'upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    }
    const target = `${base}/x/../websocket?Httpkom-Connection=${id}`
    expect((await sendRaw(root, target, headers)).status).toBe(400)
  })

  it('rejects dot segments that hold characters removed by the URL parser', async () => {
    const { hostname, port } = new URL(root)
    const socket = connect(Number(port), hostname)
    socket.write(`GET ${base}/x/.\t./metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 /)
  })

  it('counts and logs rejected requests', async () => {
    await sendRaw(root, `${base}/x/../stats`, { 'x-request-id': 'dots' })
    const logged = () => gateway.log.map((line) => JSON.parse(line)).filter(({ requestId }) => requestId === 'dots')
    await expect.poll(logged).toMatchObject([{ msg: 'request', status: 400 }])
  })

  it('accepts dots that are no segment, and dot segments after the path', async () => {
    for (const path of ['/stats?x=/../', '/stats?../..', '/stats#/../x']) {
      expect([path, (await sendRaw(root, base + path)).status]).toEqual([path, 200])
    }
    const { json } = await gateway.send('GET', '/sessman/new?user=..&data=/../')
    expect(json.data).toBe('/../')
    expect((await gateway.send('PUT', '/shop/create/..a?ip=192.0.2.1')).status).toBe(200)
    expect((await gateway.send('PUT', '/shop/create/...?ip=192.0.2.1')).status).toBe(200)
  })
})

it('holdsDotSegment accepts targets that clients use', () => {
  for (const target of ['/', '*', '/a.b', '/.a', '/a.', '/...', '/a..b/', '/%2e%2ea', '/add_session.cgi?a=/../b', '']) {
    expect([target, holdsDotSegment(target)]).toEqual([target, false])
  }
})

it('an admin port rejects dot segments, and merges slashes', async () => {
  const gateway = await startTestGateway([{ id: 'demo', port: 1 }], { adminPort: 0, adminKey: ADMIN_KEY })
  const url = gateway.adminUrl ?? ''
  expect((await sendRaw(url, '//metrics')).status).toBe(200)
  expect((await sendRaw(url, '/x/%2e%2e/metrics')).status).toBe(400)
  await gateway.close()
})

describe.skipIf(!nginxInstalled() && !process.env.CI)('the shipped nginx.conf', () => {
  let gateway: TestGateway
  let nginx: Awaited<ReturnType<typeof startNginx>>
  beforeAll(async () => {
    await build()
    gateway = await startTestGateway([{ id: 'demo', demo: true }], {
      basePath: '/kom',
      adminKey: ADMIN_KEY,
      trustedProxies: ['127.0.0.1/32'],
    })
    nginx = await startNginx(Number(new URL(gateway.url).port))
  }, BUILD_MS)
  afterAll(async () => {
    await nginx.close()
    await gateway.close()
  })

  it('passes requests for the API on, also with double slashes', async () => {
    for (const path of ['/kom/', '/kom/stats', '/kom//stats', '//kom/stats']) {
      expect([path, (await sendRaw(nginx.url, path)).status]).toEqual([path, 200])
    }
  })

  it('serves the web client, and redirects browsers to it', async () => {
    const root = await sendRaw(nginx.url, '/kom/', { accept: 'text/html' })
    expect([root.status, root.location]).toEqual([303, 'app/'])
    const page = await sendRaw(nginx.url, '/kom/app/')
    const [, script] = /src="(assets\/[^"]+)"/.exec(page.body) ?? []
    expect([page.status, (await sendRaw(nginx.url, `/kom/app/${script}`)).status]).toEqual([200, 200])
  })

  it.each(HIDDEN)('hides %s in every spelling', async (hidden) => {
    const seen = new Set<number>()
    const encoded = hidden.replace(/\w/g, (letter) => `%${letter.charCodeAt(0).toString(16)}`)
    const tails = ['', '/', '//', '/.', '/x/..', ';x', '%3b', '%20', '%2f', '%3fx', '%23', '?x', '#x', '%5c', '%09']
    const heads = [
      '/kom/',
      '/kom//',
      '//kom/',
      '/%6bom/',
      '/kom%2f',
      '/kom/%2f',
      '/kom/%5c',
      '/kom/#/../',
      '/kom/?/../',
    ]
    const targets = [
      ...spellings('/kom', hidden),
      ...spellings('', `kom/${hidden}`),
      ...spellings('/kom', encoded),
      ...heads.flatMap((head) => [hidden, encoded].flatMap((path) => tails.map((tail) => head + path + tail))),
    ]
    for (const target of targets) {
      const { status, body } = await sendRaw(nginx.url, target, { authorization: `Bearer ${ADMIN_KEY}` })
      seen.add(status)
      const isServerList = status === 200 && body.startsWith('{"demo":')
      if (!isServerList) expect([target, status >= 400]).toEqual([target, true])
      expect(body).not.toMatch(/komgate_|"live"|"ready"|"sessions"|Bearer/)
    }
    expect([...seen]).toContain(404)
  })
})
