import { afterEach, describe, expect, it, vi } from 'vitest'
import { startFakeServer } from '../support/fake-server.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { errorReply } from '../support/wire.ts'

const ADMIN_KEY = 'the-key-of-the-operator'
const CLIENT = { client: { name: 'test', version: '1.0' } }

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  for (const close of closing.splice(0).reverse()) await close()
})

async function start(...args: Parameters<typeof startFakeServer>) {
  const server = await startFakeServer(...args)
  const gateway = await startTestGateway([{ id: 'kom', port: server.port }], {
    connectTimeoutMs: 150,
    serverRetryMs: 1,
    adminKey: ADMIN_KEY,
  })
  closing.push(server.close, gateway.close)
  return { server, gateway }
}

const open = async (gateway: TestGateway) => (await gateway.send('POST', '/kom/sessions/', { json: CLIENT })).status
const lines = ({ log }: TestGateway) =>
  log.filter((line) => line.includes('LysKOM server:')).map((line) => JSON.parse(line))

describe('logServers', () => {
  it('logs address and reason of a LysKOM server that is down once, and the end of the outage once', async () => {
    const { server, gateway } = await start()
    await server.close()
    for (let n = 0; n < 5; n++) expect(await open(gateway)).toBe(502)
    expect(lines(gateway)).toEqual([
      expect.objectContaining({
        level: 50,
        msg: 'LysKOM server: failing',
        server: 'kom',
        host: '127.0.0.1',
        port: server.port,
        err: expect.objectContaining({ message: expect.stringContaining('ECONNREFUSED') }),
      }),
    ])
    const back = await startFakeServer(undefined, { port: server.port })
    closing.unshift(back.close)
    await expect.poll(() => open(gateway), { interval: 5 }).toBe(201)
    expect(await open(gateway)).toBe(201)
    expect(lines(gateway).slice(1)).toEqual([
      expect.objectContaining({ level: 30, msg: 'LysKOM server: available again', server: 'kom' }),
    ])
  })

  it('logs why the check of an operator fails, and the end of the outage when one succeeds', async () => {
    const { server, gateway } = await start()
    const headers = { authorization: `Bearer ${ADMIN_KEY}` }
    const check = async () => (await gateway.send('POST', '/admin/servers/kom/check', { headers })).status
    await server.close()
    expect([await check(), await check()]).toEqual([502, 502])
    const back = await startFakeServer(undefined, { port: server.port })
    closing.unshift(back.close)
    expect(await check()).toBe(200)
    expect(lines(gateway)).toEqual([
      expect.objectContaining({ level: 50, msg: 'LysKOM server: failing', server: 'kom', port: server.port }),
      expect.objectContaining({ level: 30, msg: 'LysKOM server: available again', server: 'kom' }),
    ])
  })

  it.each<[string, Parameters<typeof startFakeServer>]>([
    ['connect-timeout', [() => true, { greeting: 'stall' }]],
    ['not-lyskom', [undefined, { greeting: Buffer.from('220 smtp ready\n') }]],
    ['connect-refused', [undefined, { greeting: Buffer.from('%% No logins allowed.\n') }]],
    ['server-full', [undefined, { greeting: 'refuse' }]],
  ])('logs the code %s for a failed LysKOM server', async (code, behaviour) => {
    const { gateway } = await start(...behaviour)
    for (let n = 0; n < 2; n++) await open(gateway)
    expect(lines(gateway).map(({ level, err }) => [level, err.code])).toEqual([[50, code]])
  })

  it('logs one line for each kind of error in an outage', async () => {
    const { server, gateway } = await start(undefined, { greeting: Buffer.from('220 smtp ready\n') })
    await open(gateway)
    await server.close()
    for (let n = 0; n < 3; n++) await open(gateway)
    expect(lines(gateway).map(({ err }) => err.code)).toEqual(['not-lyskom', 'unreachable'])
  })

  it('ends the outage of a server that refuses sessions after 10 s without a refusal', async () => {
    const { server, gateway } = await start(undefined, { greeting: Buffer.from('%% No logins allowed.\n') })
    expect(await open(gateway)).toBe(503)
    await server.close()
    const back = await startFakeServer(undefined, { port: server.port })
    closing.unshift(back.close)
    expect(await open(gateway)).toBe(201)
    expect(lines(gateway)).toHaveLength(1)
    const now = performance.now.bind(performance)
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 11_000)
    expect(await open(gateway)).toBe(201)
    expect(lines(gateway).map(({ msg }) => msg)).toEqual(['LysKOM server: failing', 'LysKOM server: available again'])
  })

  it('logs nothing when a server rejects a client', async () => {
    const { gateway } = await start(({ ref, call }) => (call === 69 ? errorReply(ref, 5, 60) : undefined))
    expect(await open(gateway)).toBe(400)
    expect(lines(gateway)).toEqual([])
  })
})
