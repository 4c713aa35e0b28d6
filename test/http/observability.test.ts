import { afterEach, describe, expect, it } from 'vitest'
import { createGateway } from '../../src/gateway.ts'
import { configFor, type TestSettings } from '../support/config.ts'
import { startFakeServer } from '../support/fake-server.ts'
import { startTestGateway } from '../support/gateway.ts'

const CLIENT = { client: { name: 'x', version: '1' } }
const KEY = 'a key of sixteen letters or more'.replaceAll(' ', '-')
const WATCHED = ['/metrics', '/live', '/ready', '/admin/sessions']

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start(settings: TestSettings = {}) {
  const server = await startFakeServer()
  const gateway = await startTestGateway([{ id: 'kom', port: server.port }], settings)
  closing.push(server.close, gateway.close)
  return { server, gateway }
}

describe('/live and /ready', () => {
  it('report a healthy gateway after startup, with and without a trailing slash', async () => {
    const { gateway } = await start()
    for (const path of ['/live', '/live/', '/ready', '/ready/']) {
      const { status, headers, json } = await gateway.send('GET', path)
      expect([path, status, json[path.replaceAll('/', '')]]).toEqual([path, 200, true])
      expect(headers.get('cache-control')).toBe('no-cache')
    }
  })

  it('report that the gateway is alive but not ready while no LysKOM server can be reached', async () => {
    const gateway = await startTestGateway([{ id: 'down', port: 1 }], { serverRetryMs: 300 })
    closing.push(gateway.close)
    for (let i = 0; i < 3; i++) {
      expect((await gateway.send('GET', '/ready')).status).toBe(200)
      await gateway.send('POST', '/down/sessions/', { json: CLIENT })
    }
    const { status, json } = await gateway.send('GET', '/ready')
    expect([status, json]).toEqual([503, { error_type: 'httpkom', error_msg: 'No LysKOM server can be reached.' }])
    expect((await gateway.send('GET', '/live')).status).toBe(200)
    // The circuit breaker allows another attempt then.
    await expect.poll(async () => (await gateway.send('GET', '/ready')).status).toBe(200)
  })

  it('report that the gateway is alive but not ready while it shuts down', async () => {
    const server = await startFakeServer()
    const servers = [{ id: 'kom', name: 'KOM', demo: false, host: '127.0.0.1', port: server.port }]
    const gateway = await createGateway(configFor(servers))
    closing.push(server.close, gateway.close)
    const status = async (path: string) =>
      ((await gateway.fetch(new Request(`http://x${path}`), {} as never)) as Response).status
    expect(await status('/ready')).toBe(200)
    gateway.refuse()
    gateway.refuse()
    expect([await status('/ready'), await status('/live'), await status('/')]).toEqual([503, 200, 200])
  })
})

describe('a separate admin port', () => {
  it('serves metrics, health and administration, which the main port does not', async () => {
    const { gateway } = await start({ adminPort: 0, adminKey: KEY, basePath: '/kom' })
    const { origin } = new URL(gateway.adminUrl as string)
    expect(origin).not.toBe(new URL(gateway.url).origin)
    const headers = { authorization: `Bearer ${KEY}` }
    for (const path of WATCHED) {
      expect([path, (await gateway.send('GET', path, { headers })).status]).toEqual([path, 404])
      expect([path, (await fetch(origin + path, { headers })).status]).toEqual([path, 200])
    }
    for (const path of ['/', '/stats', '/kom/sessions/current/who-am-i', '/websocket']) {
      const other = await fetch(origin + path)
      expect([path, other.status, ((await other.json()) as { error_type: string }).error_type]).toEqual([
        path,
        404,
        'httpkom',
      ])
    }
    const refused = await fetch(`${origin}/live`, { method: 'POST' })
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
  })

  it('answers /ready with 503 until the shutdown is complete', async () => {
    const server = await startFakeServer(({ call }) => call === 82)
    const gateway = await startTestGateway([{ id: 'kom', port: server.port }], { adminPort: 0 })
    closing.push(server.close)
    const id = await gateway.open()
    const inFlight = gateway.send('POST', '/kom/sessions/current/active', { id })
    const [fake] = server.connections
    await expect.poll(() => fake?.received.at(-1)?.call).toBe(82)
    const closed = gateway.close()
    expect((await fetch(`${gateway.adminUrl}/ready`)).status).toBe(503)
    fake?.send(`=${fake.received.at(-1)?.ref}\n`)
    expect((await inFlight).status).toBe(204)
    await closed
    await expect(fetch(`${gateway.adminUrl}/live`)).rejects.toThrow()
  })

  it('aborts startup if the port is in use, and leaves nothing running', async () => {
    const server = await startFakeServer()
    closing.push(server.close)
    const start = startTestGateway([{ id: 'kom', port: server.port }], { adminPort: server.port })
    await expect(start).rejects.toThrow(/EADDRINUSE/)
  })
})
