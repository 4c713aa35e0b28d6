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
  ['refuses with %% while a session opens', '503 immediately', 503, 0, [undefined, { greeting: 'refuse' }]],
  ['accepts and says nothing', '504 in time', 504, CONNECT_MS, [silent, { greeting: 'stall' }]],
  ['greets and stalls', '504 in time', 504, CONNECT_MS, [silent]],
  ['stalls in the middle of its greeting', '504 in time', 504, CONNECT_MS, [silent, { greeting: Buffer.from('Lys') }]],
  ['greets with garbage', '502 immediately', 502, 0, [silent, { greeting: Buffer.from('220 smtp ready\n') }]],
  ['greets without end', '502 immediately', 502, 0, [silent, { greeting: Buffer.alloc(10_000_000, 'x') }]],
  ['resets in the handshake', '502 immediately', 502, 0, [hangUp((connection) => connection.reset())]],
  ['closes in the handshake', '502 immediately', 502, 0, [hangUp((connection) => connection.end())]],
])('opening on a server that %s yields %s and a closed connection', async (fault, _, status, boundMs, behaviour) => {
  const server = await serve(...behaviour)
  const { ms, answer } = await open(server)
  expect([answer.status, answer.json.error_type]).toEqual([status, 'httpkom'])
  expectWithin(boundMs, ms, fault)
  await server.connections[0]?.closed
})

/** Waits before hanging up: a RST that arrives right behind unread bytes is read as a FIN. */
function hangUp(how: (connection: FakeConnection) => void): Handler {
  return async ({ call }, connection) => {
    if (call === 56) await sleep(10).then(() => how(connection))
    return true
  }
}

it.each<[string, (line: ProxyLine) => void]>([
  ['a black hole from the first byte', (line) => line.stall()],
  ['stops in the middle of the handshake', (line) => line.toClient.stall(12)],
  ['takes everything and gives nothing back', (line) => line.toServer.drop()],
])('opening a session on a bad connection (%s) yields 504 within the connect timeout', async (fault, prepare) => {
  const proxy = await startProxy(await serve(), prepare)
  closing.push(proxy.close)
  const { ms, answer } = await open(proxy)
  expect(answer.status).toBe(504)
  expectWithin(CONNECT_MS, ms, fault)
})

it('a server that sends one byte at a time yields 504 within the connect timeout', async () => {
  const server = await serve(silent, { greeting: 'stall' })
  const dripping = setInterval(() => server.connections[0]?.socket.write('x'), 20)
  const { ms, answer } = await open(server)
  clearInterval(dripping)
  expect(answer.status).toBe(504)
  expectWithin(CONNECT_MS, ms, 'gives a byte now and then, while a session opens')
})
