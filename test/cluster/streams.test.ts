import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from 'hono'
import { describe, expect, it } from 'vitest'
import { type RawData, WebSocket } from 'ws'
import { responseOf } from '../../src/http/cluster/messages.ts'
import type { Env } from '../../src/http/env.ts'
import { TrackedResponse } from '../../src/http/node/tracked-response.ts'
import { OpenStreams } from '../../src/http/open-streams.ts'
import { EventClient } from '../support/event-client.ts'
import { TRANSPORTS } from '../support/event-follower.ts'
import { type FakeServer, startFakeServer } from '../support/fake-server.ts'
import type { TestGateway } from '../support/gateway.ts'
import { openRaw, rawRequest } from '../support/raw-http.ts'
import { withRedis } from '../support/redis-server.ts'
import { canStartCluster, onCluster, SERVER, WHO_AM_I } from './stage.ts'

const ACTIVE = 82
const GET_TEXT = 25
const ADMIN_KEY = 'a-key-of-sixteen-letters-or-more'
const EVENTS = `/${SERVER}/sessions/current/events`

/** Opens a WebSocket, with the messages that it receives. */
async function connect({ url }: TestGateway, query: string) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/websocket?${query}`)
  const received: string[] = []
  socket.on('message', (data: RawData) => received.push(String(data)))
  await once(socket, 'open')
  return { socket, received }
}

/** Returns whether a connection from a port of 127.0.0.1 is established; a paused socket does not notice its end. */
async function isConnected(port: number): Promise<boolean> {
  const table = await readFile('/proc/net/tcp', 'latin1')
  const from = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return table.split('\n').some((line) => {
    const [, local, , state] = line.trim().split(/\s+/)
    return local === from && state === '01'
  })
}

describe.skipIf(!canStartCluster)('a node that has not the session', () => {
  const stage = onCluster({ maxWebsocketsPerSession: 1 })

  /** Makes an event for all sessions of the person, by a session of the third node. */
  async function mark(id: string, textNo: number): Promise<void> {
    const third = stage.cluster.nodes[2] as TestGateway
    const { status } = await third.send('PUT', `/${SERVER}/texts/${textNo}/mark`, { id, json: { type: 1 } })
    expect(status).toBe(201)
  }

  it.each(TRANSPORTS)('passes events on by %s, and those of other nodes too', async (_, follow) => {
    const third = stage.cluster.nodes[2] as TestGateway
    const marking = await stage.logIn(third)
    const id = await stage.logIn()
    const follower = await follow(stage.other, id)
    await mark(marking, 30)
    expect(await follower.first(1)).toMatchObject([{ type: 'marked', data: { text_no: 30 } }])
    await follower.close()
    await mark(marking, 29)
    const resumed = await follow(third, id, follower.position)
    expect(await resumed.first(1)).toMatchObject([{ type: 'marked', data: { text_no: 29 } }])
    await resumed.close()
  })

  it('begins a new epoch when notes of other nodes may be lost', async () => {
    const id = await stage.logIn()
    const client = await EventClient.open(stage.other.url + EVENTS, { id })
    await withRedis(stage.cluster.redis.url, (redis) => redis.clientKill({ filter: 'TYPE', type: 'pubsub' }))
    expect(await client.first(1)).toMatchObject([{ type: 'reset' }])
    await client.close()
  })

  it('ends the stream with the last event of a session that ends', async () => {
    const id = await stage.logIn()
    const client = await EventClient.open(stage.other.url + EVENTS, { id })
    const closed = stage.owner.send('DELETE', `/${SERVER}/sessions/0`, { id })
    expect(await client.first(1)).toMatchObject([{ type: 'closed' }])
    await client.ended
    expect((await closed).status).toBe(204)
  })

  it('closes the stream on the node of the session when its client disconnects', async () => {
    const id = await stage.logIn()
    // A stream is logged when it has ended.
    const ended = () => stage.owner.log.filter((line) => line.includes(`"path":"${EVENTS}"`)).length
    const before = ended()
    const client = await EventClient.open(stage.other.url + EVENTS, { id })
    expect(client.response.status).toBe(200)
    expect(ended()).toBe(before)
    await client.close()
    await expect.poll(ended, { interval: 10 }).toBe(before + 1)
  })

  it('carries messages of a WebSocket both ways, large ones too', async () => {
    const id = await stage.logIn()
    const { socket, received } = await connect(stage.other, `Httpkom-Connection=${id}`)
    const sizes = [0, 1, 200, 100_000, 3_000_000]
    for (const size of sizes) {
      const request = randomBytes(size / 2).toString('hex')
      socket.send(JSON.stringify({ protocol: 'echo', ref_no: size, request }))
      await expect.poll(() => received.length, { interval: 5 }).toBe(1)
      expect(JSON.parse(received.pop() as string)).toEqual({ protocol: 'echo', ref_no: size, reply: request })
    }
    socket.close(4001, 'enough')
    const [code] = await once(socket, 'close')
    expect(code).toBe(4001)
  })

  it.each([
    ['for a message over the limit', 1009, (socket: WebSocket) => socket.send('x'.repeat(8_388_609))],
    [
      'when the session ends',
      1001,
      (_: WebSocket, id: string) => void stage.owner.send('DELETE', `/${SERVER}/sessions/0`, { id }),
    ],
  ])('passes the close code on %s', async (_, expected, end) => {
    const id = await stage.logIn()
    const { socket } = await connect(stage.other, `Httpkom-Connection=${id}`)
    end(socket, id)
    const [code] = await once(socket, 'close')
    expect(code).toBe(expected)
  })

  it('opens a WebSocket with a ticket, and rejects the second use like the owner', async () => {
    const id = await stage.logIn()
    const { ticket } = (await stage.other.send('POST', `/${SERVER}/sessions/current/tickets`, { id })).json
    const { socket } = await connect(stage.other, `ticket=${ticket}`)
    socket.terminate()
    for (const node of [stage.owner, stage.other]) {
      const raw = await openRaw(node.url)
      const fields = {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      }
      raw.socket.write(rawRequest('GET', `/websocket?ticket=${ticket}`, fields))
      const text = await raw.closed()
      expect(text).toMatch(/^HTTP\/1\.1 403 /)
      expect(text).toMatch(/\r\n\r\n\{.*"error_msg":"The ticket is unknown, used or expired/)
    }
  })

  it('closes the WebSocket on the node of the session when its client disconnects', async () => {
    const id = await stage.logIn()
    const query = `Httpkom-Connection=${id}`
    const { socket } = await connect(stage.other, query)
    await expect(connect(stage.other, query)).rejects.toThrow('503')
    socket.terminate()
    await expect
      .poll(() =>
        connect(stage.other, query).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true)
  })
})

describe.skipIf(!canStartCluster)('a WebSocket of another node', () => {
  const pingMs = 300
  const stage = onCluster({ websocketPingMs: pingMs, httpStallMs: 4 * pingMs })

  it('stays open without messages, and ends if its client does not read', async () => {
    const id = await stage.logIn()
    const body = 'x'.repeat(100_000)
    const text = { subject: '', body, content_type: 'text/plain', recipient_list: [] }
    const { text_no } = (await stage.owner.send('POST', `/${SERVER}/texts/`, { id, json: text })).json
    expect(text_no).toBeGreaterThan(0)
    const { socket, received } = await connect(stage.other, `Httpkom-Connection=${id}`)
    await sleep(8 * pingMs)
    expect(socket.readyState).toBe(WebSocket.OPEN)
    socket.pause()
    // More than the buffers of the kernel hold.
    const request = `${GET_TEXT} ${text_no} 0 ${body.length}`
    for (let no = 0; no < 500; no++) socket.send(JSON.stringify({ protocol: 'a', ref_no: no, request }))
    socket.on('error', () => undefined)
    const { localPort } = (socket as unknown as { _socket: Socket })._socket
    expect(await isConnected(localPort as number)).toBe(true)
    await expect.poll(() => isConnected(localPort as number), { interval: 50, timeout: 20 * pingMs }).toBe(false)
    expect(received).toEqual([])
    socket.terminate()
  })
})

describe('a stream of another node', () => {
  it('is closed if the client has disconnected before it begins', () => {
    const outgoing = new TrackedResponse(new IncomingMessage(new Socket()))
    outgoing.destroy()
    const body = new Readable({ read: () => undefined })
    const headers = ['Content-Type', 'text/event-stream']
    const c = { req: new Request('http://h/'), env: { outgoing } } as unknown as Context<Env>
    responseOf({ status: 200, headers, body }, c, new OpenStreams())
    expect(body.destroyed).toBe(true)
  })

  it('ends if it begins when the node shuts down', () => {
    const streams = new OpenStreams()
    const ended: string[] = []
    streams.add(() => ended.push('first'))
    const remove = streams.add(() => ended.push('removed'))
    remove()
    streams.endAll()
    expect(ended).toEqual(['first'])
    streams.add(() => ended.push('late'))
    expect(ended).toEqual(['first', 'late'])
  })
})

describe.skipIf(!canStartCluster)('a request that waits for the LysKOM server', () => {
  let server: FakeServer
  const stage = onCluster({}, async () => {
    server = await startFakeServer(({ call }) => call === ACTIVE)
    return { ...server, stop: server.close }
  })

  it('is aborted when its client disconnects', async () => {
    const id = await stage.owner.open()
    const raw = await openRaw(stage.other.url)
    raw.socket.write(rawRequest('POST', `/${SERVER}/sessions/current/active`, { 'Httpkom-Connection': id }))
    await expect.poll(() => server.connections[0]?.received.some(({ call }) => call === ACTIVE)).toBe(true)
    const aborted = async () => {
      const { text } = await stage.other.send('GET', '/metrics')
      return text.includes('komgate_forwarded_requests_total{outcome="aborted"} 1\n')
    }
    expect(await aborted()).toBe(false)
    raw.socket.resetAndDestroy()
    await expect.poll(aborted, { interval: 10 }).toBe(true)
    const logged = () => stage.other.log.find((line) => line.includes('"path":"/kom/sessions/current/active"'))
    await expect.poll(logged, { interval: 10 }).toContain('"status":499')
    expect(stage.other.log.filter((line) => line.includes('internal error'))).toEqual([])
  })

  it('is aborted when its client disconnects while it sends the body', async () => {
    const id = await stage.owner.open()
    const raw = await openRaw(stage.other.url)
    const fields = { 'Httpkom-Connection': id, 'Content-Type': 'application/json', 'Content-Length': '1000000' }
    raw.socket.write(rawRequest('POST', `/${SERVER}/texts/`, fields))
    raw.socket.write('x'.repeat(100_000))
    const begun = async () => (await stage.owner.send('GET', '/metrics')).text
    await expect.poll(begun, { interval: 10 }).toMatch(/komgate_http_unread_bytes [1-9]/)
    raw.socket.resetAndDestroy()
    const logged = (log: readonly string[]) => log.find((line) => line.includes('"path":"/kom/texts"'))
    await expect.poll(() => logged(stage.other.log), { interval: 10 }).toContain('"status":499')
    await expect.poll(() => logged(stage.owner.log), { interval: 10 }).toBeDefined()
    expect(stage.other.log.filter((line) => line.includes('internal error'))).toEqual([])
  })
})

describe.skipIf(!canStartCluster)('a node that shuts down', () => {
  const stage = onCluster({ shutdownTimeoutMs: 10_000, adminKey: ADMIN_KEY })

  it('ends the streams and WebSockets that it passes on at once, and their sessions go on', async () => {
    const id = await stage.logIn()
    const events = await EventClient.open(stage.other.url + EVENTS, { id })
    const { socket } = await connect(stage.other, `Httpkom-Connection=${id}`)
    const closed = once(socket, 'close')
    const headers = { authorization: `Bearer ${ADMIN_KEY}` }
    const [{ handle }] = (await stage.other.send('GET', '/admin/sessions', { headers })).json.sessions
    const trace = await EventClient.open(`${stage.other.url}/admin/sessions/${handle}/trace`, { headers })
    expect(trace.response.status).toBe(200)
    const start = performance.now()
    await Promise.all([stage.other.close(), events.ended, closed, trace.ended])
    expect(performance.now() - start).toBeLessThan(5000)
    expect((await stage.owner.send('GET', WHO_AM_I, { id })).status).toBe(200)
  })
})
