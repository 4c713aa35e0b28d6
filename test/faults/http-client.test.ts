import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { expectWithin, timed } from '../support/bound.ts'
import type { TestSettings } from '../support/config.ts'
import { type FakeConnection, startFakeServer } from '../support/fake-server.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { startProxy } from '../support/proxy.ts'
import { reply } from '../support/wire.ts'

const ACTIVE = 82
const LIMIT_MS = 400
/** The interval at which Node checks its timeouts. */
const CHECK_MS = LIMIT_MS / 4
/** The time that the gateway gives a client to read the 408. */
const LINGER_MS = 1000

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** The sockets that servers of this process have accepted. */
const accepted: Socket[] = []
const onSocket = (message: unknown) => void accepted.push((message as { socket: Socket }).socket)
beforeEach(() => {
  accepted.length = 0
  subscribe('net.server.socket', onSocket)
})
afterEach(() => void unsubscribe('net.server.socket', onSocket))

async function start(settings: TestSettings = {}) {
  const server = await startFakeServer(({ call }) => call === ACTIVE)
  const gateway = await startTestGateway([{ id: 'kom', port: server.port }], settings)
  closing.push(server.close, gateway.close)
  const id = await gateway.open()
  return { gateway, id, fake: server.connections[0] as FakeConnection }
}

const request = (gateway: TestGateway, method: string, path: string, id: string, headers = '') =>
  `${method} ${path} HTTP/1.1\r\nHost: ${new URL(gateway.url).host}\r\nHttpkom-Connection: ${id}\r\n${headers}\r\n`

/** Connects a client to the gateway. Returns the client's socket, and as `far` the gateway's socket. */
async function client(port: number, gateway: TestGateway): Promise<{ socket: Socket; far: Socket }> {
  const before = accepted.length
  const socket = connect(port, '127.0.0.1')
  closing.push(async () => void socket.destroy())
  socket.on('error', () => undefined)
  const find = () => accepted.slice(before).find((each) => each.localPort === portOf(gateway))
  await expect.poll(find, { interval: 2 }).toBeDefined()
  return { socket, far: find() as Socket }
}

const portOf = ({ url }: TestGateway) => Number(new URL(url).port)
const freed = (far: Socket) => timed(() => expect.poll(() => far.closed, { interval: 2, timeout: 5000 }).toBe(true))

async function expectAlive(gateway: TestGateway, id: string): Promise<void> {
  expect((await gateway.send('GET', '/kom/sessions/current/who-am-i', { id })).status).toBe(200)
}

describe('a client that disconnects in the middle of a request', () => {
  it.each<[string, (socket: Socket) => void]>([
    ['closes', (socket) => socket.destroy()],
    ['resets', (socket) => socket.resetAndDestroy()],
  ])('loses its socket immediately but not the session if it %s the connection', async (how, disconnect) => {
    const { gateway, id, fake } = await start()
    const { socket, far } = await client(portOf(gateway), gateway)
    socket.write(request(gateway, 'POST', '/kom/sessions/current/active', id))
    await expect.poll(() => fake.received.at(-1)?.call).toBe(ACTIVE)
    disconnect(socket)
    expectWithin(0, (await freed(far)).ms, `the client ${how} the connection during a request: socket freed`)
    await expectAlive(gateway, id)
    fake.send(reply(fake.received.find(({ call }) => call === ACTIVE)?.ref as number))
    await expectAlive(gateway, id)
  })

  it('loses its socket after the idle timeout but not the session if the network is interrupted', async () => {
    const { gateway, id, fake } = await start({ httpIdleMs: LIMIT_MS })
    const proxy = await startProxy({ host: '127.0.0.1', port: portOf(gateway) })
    closing.push(proxy.close)
    const { socket, far } = await client(proxy.port, gateway)
    socket.write(request(gateway, 'POST', '/kom/sessions/current/active', id))
    await expect.poll(() => fake.received.at(-1)?.call).toBe(ACTIVE)
    proxy.lines[0]?.stall()
    fake.send(reply(fake.received.at(-1)?.ref as number))
    // Node adds a second to the keep-alive timeout that it sends to the client.
    expectWithin(LIMIT_MS + 1000, (await freed(far)).ms, 'the network is interrupted: socket freed')
    await expectAlive(gateway, id)
  })
})

describe('a client that sends its request one byte at a time', () => {
  it.each([
    ['head', { httpHeadersMs: LIMIT_MS }, 'GET /kom/sessions/current/who-am-i HTTP/1.1\r\nX: '],
    ['body', { httpHeadersMs: LIMIT_MS, httpRequestMs: LIMIT_MS }, undefined],
  ])('gets 408 at the deadline and loses its socket but not the session (%s)', async (part, settings, begin) => {
    const { gateway, id } = await start(settings)
    const { socket, far } = await client(portOf(gateway), gateway)
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk
    })
    const headers = 'Content-Type: application/json\r\nContent-Length: 1000\r\n'
    socket.write(begin ?? request(gateway, 'POST', '/kom/sessions/current/login', id, headers))
    const dripping = setInterval(() => socket.writable && socket.write(' '), 20)
    const { ms } = await timed(async () => {
      while (!answer.includes('\r\n\r\n')) {
        // The gateway serves other clients at the same time.
        await expectAlive(gateway, id)
        await sleep(5)
      }
    })
    const { ms: more } = await freed(far)
    clearInterval(dripping)
    expect(answer).toMatch(/^HTTP\/1.1 408 /)
    expectWithin(LIMIT_MS + CHECK_MS, ms, `the client sends the ${part} byte by byte: 408`)
    expectWithin(LIMIT_MS + CHECK_MS + LINGER_MS, ms + more, `the client sends the ${part} byte by byte: socket freed`)
    await expectAlive(gateway, id)
  })
})

describe('a client that opens a connection', () => {
  it('loses its socket if it sends nothing', async () => {
    const { gateway, id } = await start({ httpHeadersMs: LIMIT_MS })
    const { far } = await client(portOf(gateway), gateway)
    expectWithin(LIMIT_MS + CHECK_MS + LINGER_MS, (await freed(far)).ms, 'the client sends nothing: socket freed')
    await expectAlive(gateway, id)
  })

  it('loses its socket but not the session if it reads no responses', async () => {
    const gateway = await startTestGateway([{ id: 'demo', demo: true }], { httpStallMs: LIMIT_MS })
    closing.push(gateway.close)
    const id = await gateway.open()
    await gateway.send('POST', '/demo/sessions/current/login', {
      id,
      json: { pers_name: 'demo reader', passwd: 'demo' },
    })
    const text = { subject: 's', body: 'x'.repeat(100_000), content_type: 'text/x-kom-basic', recipient_list: [] }
    const { json } = await gateway.send('POST', '/demo/texts/', { id, json: text })
    const { socket, far } = await client(portOf(gateway), gateway)
    socket.pause()
    // More than the kernel buffers for a client that does not read.
    socket.write(request(gateway, 'GET', `/demo/texts/${json.text_no}/body`, id).repeat(300))
    await expect.poll(() => far.writableLength, { interval: 2 }).toBeGreaterThan(0)
    // At the first timeout Node detects bytes written since the last check and waits once more.
    expectWithin(2 * LIMIT_MS, (await freed(far)).ms, 'the client never reads: socket freed')
    expect((await gateway.send('GET', '/demo/sessions/current/who-am-i', { id })).status).toBe(200)
  })
})
