import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type FakeServer, startFakeServer } from '../support/fake-server.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { errorReply, reply, time } from '../support/wire.ts'

const USER_ACTIVE = 82
const WHO_AM_I = 56
const HANDSHAKE_CALLS = 4
const CLIENT = JSON.stringify({ client: { name: 'test', version: '1' } })
const GET_WHO_AM_I = 'GET /kom/sessions/current/who-am-i HTTP/1.1\r\nHost: x\r\n\r\n'
const POST_ACTIVE = 'POST /kom/sessions/current/active HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n'
const POST_SESSIONS = `POST /kom/sessions/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${CLIENT.length}\r\n\r\n${CLIENT}`

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A gateway with `autoCreate` on a LysKOM server that holds back its handshake until `release` is called. */
async function start() {
  let isHeld = true
  const server = await startFakeServer(({ call }) => isHeld || call === USER_ACTIVE)
  const gateway = await startTestGateway([{ id: 'kom', port: server.port }], { autoCreate: true })
  closing.push(server.close, gateway.close)
  const release = (): void => {
    isHeld = false
    for (const fake of server.connections) {
      for (const { ref, call } of fake.received) fake.send(answerTo(ref, call, fake.index))
    }
  }
  return { server, gateway, release }
}

function answerTo(ref: number, call: number, index: number): Buffer {
  if (call === WHO_AM_I) return reply(ref, index + 1)
  return call === 35 ? reply(ref, time(new Date())) : call === USER_ACTIVE ? errorReply(ref, 2) : reply(ref)
}

async function send(gateway: TestGateway, text: string): Promise<Socket> {
  const { hostname, port } = new URL(gateway.url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.write(text)
  return socket
}

/** Resolves when `count` sessions are being opened, each waiting for the LysKOM server. */
async function opening(server: FakeServer, count: number): Promise<void> {
  const isWaiting = () => server.connections.filter(({ received }) => received.length === HANDSHAKE_CALLS).length
  await expect.poll(isWaiting, { interval: 5 }).toBe(count)
}

/** Closes the client's socket, and resolves when the gateway has noticed. */
async function leave(gateway: TestGateway, ...sockets: Socket[]): Promise<void> {
  for (const socket of sockets) socket.resetAndDestroy()
  // The gateway handles a later request after the reset.
  for (let n = 0; n < 3; n++) await gateway.send('GET', '/live')
}

describe('a session whose client disconnects', () => {
  it.each([
    ['with --auto-create', GET_WHO_AM_I],
    ['with POST /sessions/', POST_SESSIONS],
    // Requests of one connection are handled one after the other.
    ['with pipelined requests and --auto-create', GET_WHO_AM_I.repeat(3)],
    ['with pipelined requests and POST /sessions/', POST_SESSIONS.repeat(3)],
  ])('the gateway closes it if that happens while it opens %s', async (_, request) => {
    const { server, gateway, release } = await start()
    const socket = await send(gateway, request)
    await opening(server, 1)
    await leave(gateway, socket)
    release()
    const sessions = async () => {
      const { json } = await gateway.send('GET', '/stats')
      return [json['komgate.sessions.opened.last'] > 0, json['komgate.sessions.active.last']]
    }
    await expect.poll(sessions).toEqual([true, 0])
    await Promise.all(server.connections.map(({ closed }) => closed))
  })

  it('the gateway closes it if that happens after it opened with --auto-create, before the response', async () => {
    const { server, gateway, release } = await start()
    const socket = await send(gateway, POST_ACTIVE)
    await opening(server, 1)
    release()
    await expect.poll(() => server.connections[0]?.received.at(-1)?.call).toBe(USER_ACTIVE)
    await leave(gateway, socket)
    await server.connections[0]?.closed
  })

  it('the gateway keeps it open if that happens after the response', async () => {
    const { server, gateway, release } = await start()
    const socket = await send(gateway, GET_WHO_AM_I)
    await opening(server, 1)
    release()
    const [head] = (await once(socket, 'data')) as [Buffer]
    const [, id] = /httpkom-connection: (\S+)/i.exec(head.toString()) ?? []
    await leave(gateway, socket)
    const { status } = await gateway.send('GET', '/kom/sessions/current/who-am-i', { id: id as string })
    expect(status).toBe(200)
  })
})
