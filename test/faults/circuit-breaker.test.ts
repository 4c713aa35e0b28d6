import { afterEach, describe, expect, it } from 'vitest'
import { expectWithin, timed } from '../support/bound.ts'
import { startFakeServer } from '../support/fake-server.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { errorReply } from '../support/wire.ts'

const CLIENT = { client: { name: 'test', version: '1.0' } }
const CONNECT_MS = 150
const RETRY_MS = 500

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start(...args: Parameters<typeof startFakeServer>) {
  const server = await startFakeServer(...args)
  const well = await startFakeServer()
  const servers = [
    { id: 'kom', port: server.port },
    { id: 'well', port: well.port },
  ]
  const gateway = await startTestGateway(servers, { connectTimeoutMs: CONNECT_MS, serverRetryMs: RETRY_MS })
  closing.push(server.close, well.close, gateway.close)
  return { server, gateway }
}

const open = (gateway: TestGateway) => gateway.send('POST', '/kom/sessions/', { json: CLIENT })
const up = async (gateway: TestGateway) => (await gateway.send('GET', '/')).json.kom.up
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function failThreeTimes(gateway: TestGateway, status = 502): Promise<void> {
  for (let n = 0; n < 3; n++) {
    const { status: got, headers } = await open(gateway)
    expect([got, headers.get('retry-after')]).toEqual([status, null])
  }
}

describe('the circuit breaker after three consecutive failures of a LysKOM server', () => {
  it.each<[string, number, Parameters<typeof startFakeServer>]>([
    ['no LysKOM server', 502, [undefined, { greeting: Buffer.from('220 smtp ready\n') }]],
    ['silent', 504, [() => true, { greeting: 'stall' }]],
    ['silent after its greeting', 504, [() => true]],
  ])('rejects new sessions immediately with 502 and Retry-After (server: %s)', async (how, status, behaviour) => {
    const { server, gateway } = await start(...behaviour)
    expect(await up(gateway)).toBe(null)
    await failThreeTimes(gateway, status)
    expect(await up(gateway)).toBe(false)
    const { ms, value } = await timed(() => open(gateway))
    expect([value.status, value.headers.get('retry-after')]).toEqual([502, '1'])
    expect(value.json.error_msg).toMatch(/^the LysKOM server is down: ./)
    expectWithin(0, ms, `is dead (${how}): a session is asked for`)
    expect(server.connections).toHaveLength(3)
    // Other servers are not affected.
    await gateway.open('well')
  })

  it('allows one attempt at a time after the retry delay, and rejects other requests immediately', async () => {
    const { server, gateway } = await start(() => true)
    await failThreeTimes(gateway, 504)
    await pause(RETRY_MS)
    for (let round = 1; round <= 2; round++) {
      const first = open(gateway)
      await expect.poll(() => server.connections.length, { interval: 2 }).toBe(3 + round)
      const { ms, value } = await timed(() => Promise.all(Array.from({ length: 10 }, () => open(gateway))))
      expect(new Set(value.map(({ status }) => status))).toEqual(new Set([502]))
      expectWithin(0, ms, 'is dead and being tried again: ten more ask')
      expect((await first).status).toBe(504)
      expect(server.connections).toHaveLength(3 + round)
      await pause(RETRY_MS)
    }
  })

  it('closes after the first attempt that succeeds', async () => {
    const { server, gateway } = await start()
    await server.close()
    await failThreeTimes(gateway)
    const back = await startFakeServer(undefined, { port: server.port })
    closing.unshift(back.close)
    expect((await open(gateway)).status).toBe(502)
    const { ms } = await timed(() => expect.poll(async () => (await open(gateway)).status, { interval: 5 }).toBe(201))
    expectWithin(RETRY_MS, ms, 'was dead and is back: a session is asked for')
    expect(await up(gateway)).toBe(true)
    const more = await Promise.all(Array.from({ length: 10 }, () => open(gateway)))
    expect(new Set(more.map(({ status }) => status))).toEqual(new Set([201]))
  })

  it('does not delay requests on open sessions of the server', async () => {
    const { gateway } = await start((_, connection) => connection.index > 0)
    const id = await gateway.open()
    await failThreeTimes(gateway, 504)
    expect((await open(gateway)).status).toBe(502)
    expect((await gateway.send('GET', '/kom/sessions/current/who-am-i', { id })).status).toBe(200)
  })

  it('keeps the gateway ready while sessions on the server are open', async () => {
    const server = await startFakeServer((_, connection) => connection.index > 0)
    const gateway = await startTestGateway([{ id: 'kom', port: server.port }], {
      connectTimeoutMs: CONNECT_MS,
      serverRetryMs: 60_000,
    })
    closing.push(server.close, gateway.close)
    const id = await gateway.open()
    await failThreeTimes(gateway, 504)
    expect((await gateway.send('GET', '/ready')).status).toBe(200)
    await gateway.send('DELETE', '/kom/sessions/0', { id })
    expect((await gateway.send('GET', '/ready')).status).toBe(503)
  })
})

describe('the circuit breaker of a reachable LysKOM server', () => {
  it('stays closed when the server rejects clients with an error reply', async () => {
    const { server, gateway } = await start(({ ref, call }) => (call === 69 ? errorReply(ref, 5, 60) : undefined))
    for (let n = 0; n < 5; n++) expect((await open(gateway)).status).toBe(400)
    expect(server.connections).toHaveLength(5)
    expect(await up(gateway)).toBe(true)
  })

  it('stays closed when a limit of the gateway rejects sessions', async () => {
    const server = await startFakeServer()
    const gateway = await startTestGateway([{ id: 'kom', port: server.port }], { maxSessions: 1 })
    closing.push(server.close, gateway.close)
    const id = await gateway.open()
    for (let n = 0; n < 5; n++) expect((await open(gateway)).status).toBe(503)
    await gateway.send('DELETE', '/kom/sessions/0', { id })
    await gateway.open()
    expect(await up(gateway)).toBe(true)
  })

  it('stays closed after two failures and a success', async () => {
    let calls = 0
    const { gateway } = await start(({ call }, connection) => {
      if (call !== 56 || ++calls % 3 === 0) return false
      connection.end()
      return true
    })
    const got: number[] = []
    for (let n = 0; n < 9; n++) got.push((await open(gateway)).status)
    expect(got).toEqual([502, 502, 201, 502, 502, 201, 502, 502, 201])
  })
})
