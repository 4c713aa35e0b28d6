import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { expectWithin, timed } from '../support/bound.ts'
import { type FakeConnection, type Handler, startFakeServer } from '../support/fake-server.ts'
import { startTestGateway } from '../support/gateway.ts'
import { type ProxyLine, startProxy } from '../support/proxy.ts'

const CONNECT_MS = 300
const CLIENT = { client: { name: 'test', version: '1.0' } }

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** Opens a session through a gateway on a server, and measures the time to the response. */
async function open({ port }: { port: number }) {
  const gateway = await startTestGateway([{ id: 'kom', port }], { connectTimeoutMs: CONNECT_MS })
  closing.push(gateway.close)
  const { ms, value: answer } = await timed(() => gateway.send('POST', '/kom/sessions/', { json: CLIENT }))
  expect((await gateway.send('GET', '/stats')).json['komgate.sessions.active.last']).toBe(0)
  return { ms, answer }
}

async function serve(...args: Parameters<typeof startFakeServer>) {
  const server = await startFakeServer(...args)
  closing.push(server.close)
  return server
}

const silent: Handler = () => true

it('a refused TCP connection yields 502 immediately', async () => {
  const server = await startFakeServer()
  await server.close()
  const { ms, answer } = await open(server)
  expect(answer.status).toBe(502)
  expectWithin(0, ms, 'refuses the connection, while a session opens')
})

it.each<[string, string, number, number, Parameters<typeof startFakeServer>]>([
  ['refuses it with %%', '503 immediately', 503, 0, [undefined, { greeting: 'refuse' }]],
  ['sends no greeting', '504 in time', 504, CONNECT_MS, [silent, { greeting: 'stall' }]],
  ['stops after its greeting', '504 in time', 504, CONNECT_MS, [silent]],
  ['stops in the middle of its greeting', '504 in time', 504, CONNECT_MS, [silent, { greeting: Buffer.from('Lys') }]],
  ['sends another greeting', '502 immediately', 502, 0, [silent, { greeting: Buffer.from('220 smtp ready\n') }]],
  ['sends an endless greeting', '502 immediately', 502, 0, [silent, { greeting: Buffer.alloc(10_000_000, 'x') }]],
  ['resets the handshake', '502 immediately', 502, 0, [disconnect((connection) => connection.reset())]],
  ['closes the handshake', '502 immediately', 502, 0, [disconnect((connection) => connection.end())]],
])('opening a session on a server that %s yields %s', async (fault, _, status, boundMs, behaviour) => {
  const server = await serve(...behaviour)
  const { ms, answer } = await open(server)
  expect([answer.status, answer.json.error_type]).toEqual([status, 'httpkom'])
  expectWithin(boundMs, ms, fault)
  await server.connections[0]?.closed
})

/** Closes connections after a pause: a RST directly after unread bytes would be reported as a FIN. */
function disconnect(how: (connection: FakeConnection) => void): Handler {
  return async ({ call }, connection) => {
    if (call === 56) await sleep(10).then(() => how(connection))
    return true
  }
}

it.each<[string, (line: ProxyLine) => void]>([
  ['loses all packets', (line) => line.stall()],
  ['stops in the middle of the handshake', (line) => line.toClient.stall(12)],
  ['acknowledges all data and forwards none', (line) => line.toServer.drop()],
])('opening a session on a connection that %s yields 504 within the connect timeout', async (fault, prepare) => {
  const proxy = await startProxy(await serve(), prepare)
  closing.push(proxy.close)
  const { ms, answer } = await open(proxy)
  expect(answer.status).toBe(504)
  expectWithin(CONNECT_MS, ms, fault)
})

it('opening a session on a server that sends one byte at a time yields 504 within the connect timeout', async () => {
  const server = await serve(silent, { greeting: 'stall' })
  const dripping = setInterval(() => server.connections[0]?.socket.write('x'), 20)
  const { ms, answer } = await open(server)
  clearInterval(dripping)
  expect(answer.status).toBe(504)
  expectWithin(CONNECT_MS, ms, 'gives a byte now and then, while a session opens')
})
