import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config/command-line.ts'
import { type DemoServerOptions, startDemoServer } from '../../src/demo/server.ts'
import { ServerCapacity } from '../../src/sessions/server-capacity.ts'
import { startFakeServer } from '../support/fake-server.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const run = promisify(execFile)
const CLIENT = { client: { name: 'test', version: '1.0' } }
const WHO_AM_I = '/kom/sessions/current/who-am-i'
const ALICE = '192.0.2.1'
const BOB = '198.51.100.2'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start(options: DemoServerOptions) {
  const server = await startDemoServer(options)
  const gateway = await startTestGateway([{ id: 'kom', port: server.port }], { trustedProxies: ['127.0.0.1'] })
  closing.push(server.close, gateway.close)
  return gateway
}

const openFrom = (gateway: TestGateway, address: string) =>
  gateway.send('POST', '/kom/sessions/', { json: CLIENT, headers: { 'x-forwarded-for': address } })

async function openAll(gateway: TestGateway, address: string, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let n = 0; n < count; n++) ids.push((await openFrom(gateway, address)).json.connection_id)
  return ids
}

const leave = (gateway: TestGateway, id: string | undefined) =>
  gateway.send('DELETE', '/kom/sessions/0', { id: id as string })

describe('a full LysKOM server', () => {
  it('yields 503 with the limit sessions-on-server for every attempt, and is reported as up', async () => {
    const gateway = await start({ maxConnections: 3 })
    const [id] = await openAll(gateway, ALICE, 3)
    for (let n = 0; n < 6; n++) {
      const { status, headers, json } = await openFrom(gateway, BOB)
      expect([status, headers.get('retry-after'), json]).toEqual([
        503,
        '5',
        {
          error_type: 'httpkom',
          error_msg: 'the LysKOM server has no connections left',
          limit: 'sessions-on-server',
        },
      ])
      expect((await gateway.send('GET', '/ready')).status).toBe(200)
      expect((await gateway.send('GET', '/')).json.kom.up).toBe(true)
    }
    expect((await gateway.send('GET', WHO_AM_I, { id: id as string })).status).toBe(200)
    const { text } = await gateway.send('GET', '/metrics')
    expect(text).toContain('komgate_limit_hits_total{limit="sessions-on-server"} 6\n')
    expect(text).toContain('komgate_sessions_failed_total{server="kom",code="server-full"} 6\n')
    expect(text).toContain('komgate_server_up{server="kom"} 1\n')
  })

  it('limits each client address to half of its sessions', async () => {
    const gateway = await start({ maxConnections: 6 })
    const alice = await openAll(gateway, ALICE, 6)
    expect((await openFrom(gateway, BOB)).json.limit).toBe('sessions-on-server')
    await leave(gateway, alice[0])
    await leave(gateway, alice[1])
    const refused = await openFrom(gateway, ALICE)
    expect([refused.status, refused.json.limit]).toEqual([503, 'sessions-per-address'])
    expect(refused.json.error_msg).toBe('the LysKOM server is full: one client address may hold 3 of its sessions')
    expect((await openFrom(gateway, BOB)).status).toBe(201)
    expect((await openFrom(gateway, BOB)).status).toBe(201)
    for (const id of alice.slice(2, 4)) await leave(gateway, id)
    expect((await openFrom(gateway, ALICE)).status).toBe(201)
    expect((await openFrom(gateway, ALICE)).json.limit).toBe('sessions-per-address')
  })

  it.each([
    ['64', (n: number) => `2001:db8::${n}`],
    ['56', (n: number) => `2001:db8:0:${n}::1`],
  ])('counts an IPv6 network of %s bits as one address', async (_, address) => {
    const gateway = await start({ maxConnections: 4 })
    const ids: string[] = []
    for (let n = 1; n <= 4; n++) ids.push((await openFrom(gateway, address(n))).json.connection_id)
    expect((await openFrom(gateway, BOB)).json.limit).toBe('sessions-on-server')
    await leave(gateway, ids[0])
    expect((await openFrom(gateway, address(9))).json.limit).toBe('sessions-per-address')
    expect((await openFrom(gateway, '2001:db8:0:100::9')).status).toBe(201)
  })

  it('limits sessions that one address opens concurrently to half of its sessions', async () => {
    const gateway = await start({ maxConnections: 8 })
    const alice = await openAll(gateway, ALICE, 8)
    expect((await openFrom(gateway, BOB)).status).toBe(503)
    for (const id of alice) await leave(gateway, id)
    const answers = await Promise.all(Array.from({ length: 8 }, () => openFrom(gateway, ALICE)))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(4)
  })
})

describe('a LysKOM server that allows no logins', () => {
  it('yields 503 without a limit, and the gateway stays ready', async () => {
    const server = await startFakeServer(undefined, { greeting: Buffer.from('%% No logins allowed.\n') })
    const gateway = await startTestGateway([{ id: 'kom', port: server.port }])
    closing.push(server.close, gateway.close)
    for (let n = 0; n < 5; n++) {
      const { status, headers, json } = await gateway.send('POST', '/kom/sessions/', { json: CLIENT })
      expect([status, headers.get('retry-after'), json.limit]).toEqual([503, '5', undefined])
      expect(json.error_msg).toBe('the LysKOM server refused the connection')
    }
    expect((await gateway.send('GET', '/ready')).status).toBe(200)
  })
})

describe('a gateway without free file descriptors', () => {
  it('fails with open-files before it connects to the LysKOM server', async () => {
    const server = await startFakeServer()
    closing.push(server.close)
    const connection = new URL('../support/connection.ts', import.meta.url).href
    const script = `
      import { openSync } from 'node:fs'
      const { connectTo } = await import(${JSON.stringify(connection)})
      try { for (;;) openSync('/dev/null') } catch {}
      console.log(await connectTo(${server.port}).catch((error) => error.code))`
    const node = `exec "$0" --import tsx --input-type=module -e "$1"`
    const { stdout } = await run('bash', ['-c', `ulimit -n 200; ${node}`, process.execPath, script])
    expect(stdout.trim()).toBe('open-files')
    expect(server.connections).toHaveLength(0)
  })
})

describe('maxSessionsPerAddress', () => {
  it("defaults to 200, a fifth of the sessions of the demo server and Debian's lyskomd", () => {
    expect(readConfig().limits.maxSessionsPerAddress).toBe(200)
  })
})

describe('ServerCapacity', () => {
  it('grants half of the known capacity, at least one, until a minute after the last rejection', () => {
    const capacity = new ServerCapacity()
    expect(capacity.share(0)).toBeUndefined()
    capacity.refused(10, 0)
    expect(capacity.share(59_999)).toBe(5)
    expect(capacity.share(60_000)).toBeUndefined()
    capacity.refused(1, 70_000)
    expect(capacity.share(70_000)).toBe(1)
    capacity.sessionOpened(9)
    expect(capacity.share(70_000)).toBe(4)
  })
})
