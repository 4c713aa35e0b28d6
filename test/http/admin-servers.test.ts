import { afterEach, describe, expect, it } from 'vitest'
import type { TestSettings } from '../support/config.ts'
import { type FakeServer, type FakeServerOptions, type Handler, startFakeServer } from '../support/fake-server.ts'
import { type Answer, startTestGateway, type TestGateway } from '../support/gateway.ts'
import { reply } from '../support/wire.ts'

const KEY = 'a-key-of-sixteen-letters-or-more'
const headers = { authorization: `Bearer ${KEY}` }
const GET_TIME = 35
const DISCONNECT = '55 0'
/** The 27th of November 2026, 14:05:09. */
const TIME = '9 5 14 27 10 126 5 330 0'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function startServer(handler?: Handler, options?: FakeServerOptions): Promise<FakeServer> {
  const server = await startFakeServer(handler, options)
  closing.push(server.close)
  return server
}

async function startGatewayFor(port: number, settings: TestSettings = {}): Promise<TestGateway> {
  const gateway = await startTestGateway([{ id: 'kom', port }], { adminKey: KEY, ...settings })
  closing.push(gateway.close)
  return gateway
}

const check = (gateway: TestGateway, id = 'kom'): Promise<Answer> =>
  gateway.send('POST', `/admin/servers/${id}/check`, { headers })

async function stateOf(gateway: TestGateway) {
  const { json } = await gateway.send('GET', '/admin/servers', { headers })
  return json.servers[0]
}

const openSession = (gateway: TestGateway): Promise<Answer> =>
  gateway.send('POST', '/kom/sessions/', { json: { client: { name: 'test', version: '1.0' } } })

describe('GET /admin/servers', () => {
  it('lists each server, with nulls before the first attempt', async () => {
    const { port } = await startServer()
    const gateway = await startGatewayFor(port)
    const { status, json } = await gateway.send('GET', '/admin/servers', { headers })
    const unknown = { up: null, since: null, sessions: 0, open_ms: null, last_error: null }
    expect(status).toBe(200)
    expect(json).toEqual({ servers: [{ id: 'kom', name: 'kom', host: '127.0.0.1', port, ...unknown }] })
  })

  it('has the sessions of a server that is up, and how long the last one took to open', async () => {
    const { port } = await startServer()
    const gateway = await startGatewayFor(port)
    await gateway.open()
    await gateway.open()
    const state = await stateOf(gateway)
    expect(state).toMatchObject({ up: true, sessions: 2, last_error: null })
    expect(Math.abs(Date.parse(state.since) - Date.now())).toBeLessThan(60_000)
    expect(state.open_ms).toBeGreaterThan(0)
  })

  it('has the last failed attempt on a server that is down', async () => {
    const gateway = await startGatewayFor(1)
    await openSession(gateway)
    const state = await stateOf(gateway)
    expect(state).toMatchObject({ up: false, sessions: 0, open_ms: null, last_error: { code: 'unreachable' } })
    expect(Math.abs(Date.parse(state.last_error.time) - Date.now())).toBeLessThan(60_000)
  })
})

describe('POST /admin/servers/<id>/check', () => {
  it('returns the time on the server, and closes its connection', async () => {
    const { port, connections } = await startServer(({ ref, call }) => call === GET_TIME && reply(ref, TIME))
    const gateway = await startGatewayFor(port)
    const { status, json } = await check(gateway)
    expect(status).toBe(200)
    expect(json).toEqual({ time: '2026-11-27T14:05:09Z', open_ms: expect.any(Number), reply_ms: expect.any(Number) })
    expect(json.open_ms).toBeGreaterThan(0)
    expect(json.reply_ms).toBeGreaterThan(0)
    const [connection] = connections
    expect(connection?.received.at(-1)?.raw.toString()).toMatch(new RegExp(`${DISCONNECT}$`))
    expect(connection?.hello).toContain('komgate')
    expect(await stateOf(gateway)).toMatchObject({ up: true, sessions: 0, open_ms: json.open_ms, last_error: null })
  })

  it('answers 502 for a server that is down, which the list of servers then shows', async () => {
    const gateway = await startGatewayFor(1)
    const { status, json } = await check(gateway)
    expect([status, json.error_msg]).toEqual([502, 'cannot connect to the LysKOM server'])
    expect(await stateOf(gateway)).toMatchObject({ up: false, last_error: { code: 'unreachable' } })
  })

  it('makes an attempt while clients get server-down, and lets them in again when it succeeds', async () => {
    const first = await startServer()
    const gateway = await startGatewayFor(first.port, { serverRetryMs: 3_600_000 })
    await first.close()
    for (let n = 0; n < 3; n++) await openSession(gateway)
    expect((await openSession(gateway)).json.error_msg).toContain('the LysKOM server is down')
    await startServer(undefined, { port: first.port })
    expect((await openSession(gateway)).status).toBe(502)
    expect((await check(gateway)).status).toBe(200)
    expect((await openSession(gateway)).status).toBe(201)
  })

  it('answers 504 for a server that does not reply to get-time', async () => {
    const { port } = await startServer(({ call }) => call === GET_TIME)
    const gateway = await startGatewayFor(port, { callTimeoutMs: 100 })
    const { status } = await check(gateway)
    expect(status).toBe(504)
    expect((await stateOf(gateway)).last_error.code).toBe('call-timeout')
  })

  it('answers 502 for a server that closes the connection instead of a reply', async () => {
    const { port } = await startServer(({ call }, connection) => {
      if (call === GET_TIME) connection.end()
      return call === GET_TIME
    })
    const gateway = await startGatewayFor(port)
    expect((await check(gateway)).status).toBe(502)
    expect(await stateOf(gateway)).toMatchObject({ up: false, last_error: { code: 'unreachable' } })
  })

  it('answers 503 for a server that is full, which is up', async () => {
    const { port } = await startServer(undefined, { greeting: 'refuse' })
    const gateway = await startGatewayFor(port)
    expect((await check(gateway)).status).toBe(503)
    expect((await stateOf(gateway)).up).toBe(true)
  })

  it('answers 404 for an unknown server', async () => {
    const gateway = await startGatewayFor(1)
    for (const id of ['other', '__proto__', 'KOM']) {
      const { status, json } = await check(gateway, id)
      expect([status, json.error_msg]).toEqual([404, 'There is no such server.'])
    }
  })

  it('does not keep the gateway from shutting down in time', async () => {
    const { port, connections } = await startServer(({ call }) => call === GET_TIME)
    const gateway = await startGatewayFor(port, { shutdownTimeoutMs: 1000 })
    const checking = check(gateway).catch(() => undefined)
    await expect.poll(() => connections[0]?.received.some(({ call }) => call === GET_TIME)).toBe(true)
    const started = performance.now()
    await gateway.close()
    await checking
    expect(performance.now() - started).toBeLessThan(5000)
  })
})

describe('GET /admin/figures', () => {
  it('has the samples after a time, oldest first', { timeout: 30_000 }, async () => {
    const gateway = await startGatewayFor(1)
    const figures = async (query = '') => (await gateway.send('GET', `/admin/figures${query}`, { headers })).json
    await expect.poll(async () => (await figures()).samples.length, { timeout: 15_000 }).toBeGreaterThanOrEqual(2)
    const { interval_ms, samples, limit_hits } = await figures()
    expect(interval_ms).toBe(2000)
    expect(limit_hits).toMatchObject({ 'key-failures': 0, sessions: 0 })
    const [first, second] = samples
    expect(second.time - first.time).toBeGreaterThan(1000)
    expect(second).toMatchObject({ sessions: 0, limit_hits: 0 })
    expect(second.memory_bytes).toBeGreaterThan(second.heap_bytes)
    const times = (await figures(`?after=${first.time}`)).samples.map(({ time }: { time: number }) => time)
    expect(times[0]).toBe(second.time)
  })

  it.each(['x', '-1', '1.5'])('answers 400 to ?after=%s', async (after) => {
    const gateway = await startGatewayFor(1)
    const { status, json } = await gateway.send('GET', `/admin/figures?after=${after}`, { headers })
    expect([status, json.error_msg]).toEqual([400, expect.stringContaining('"after"')])
  })
})

describe('GET /admin/settings', () => {
  it('has the settings in force without secrets, and the versions', async () => {
    const gateway = await startGatewayFor(1, { appKeys: [{ app: 'shop', key: 'key-of-the-shop' }], maxSessions: 77 })
    const { status, json, text } = await gateway.send('GET', '/admin/settings', { headers })
    expect(status).toBe(200)
    expect(json).toMatchObject({ version: expect.stringMatching(/^\d/), node: process.version })
    const of = (name: string) => json.settings.find((setting: { name: string }) => setting.name === name)
    expect(of('maxSessions')).toMatchObject({ flag: '--max-sessions', value: '77', is_masked: false })
    expect(of('adminKey')).toMatchObject({ value: '…', is_masked: true })
    expect(of('appKeys')).toMatchObject({ value: 'shop:…', is_masked: true })
    for (const secret of [KEY, 'key-of-the-shop']) expect(text).not.toContain(secret)
  })
})
