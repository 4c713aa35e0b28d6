import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { expectWithin, timed } from '../support/bound.ts'
import type { TestSettings } from '../support/config.ts'
import { EventClient } from '../support/event-client.ts'
import { TRANSPORTS } from '../support/event-follower.ts'
import { EventWebSocket } from '../support/event-websocket.ts'
import { type FakeServer, type Handler, startFakeServer } from '../support/fake-server.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { type ProxyLine, startProxy } from '../support/proxy.ts'
import { h, message, reply } from '../support/wire.ts'

const LEAVE_CONF = 8
const LOGIN = 62
const UCONF = 78
const ACCEPT = 80
const HANDSHAKE_CALLS = 4
const EVENTS = '/kom/sessions/current/events'
const WHO_AM_I = '/kom/sessions/current/who-am-i'
const TOO_BIG = 1009
const GOING_AWAY = 1001
const KEEPALIVE = { keepaliveMs: 200, keepaliveTimeoutMs: 200 }

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const people: Handler = ({ ref, call, args }) => {
  if (call === LOGIN) return reply(ref)
  return call === UCONF && reply(ref, h(`Name ${args}`), '10010000', 1, 77)
}

async function start(settings: TestSettings = {}, handler: Handler = people) {
  const server = await startFakeServer(handler)
  const gateway = await startTestGateway([{ id: 'kom', port: server.port }], settings)
  closing.push(server.close, gateway.close)
  return { server, gateway, id: await gateway.open() }
}

/** Sends a message to the session with an index: the person leaves a conference. */
function leave(server: FakeServer, confNo: number, index = 0): void {
  server.connections[index]?.send(message(LEAVE_CONF, confNo))
}

function logIn(gateway: TestGateway, id: string) {
  return gateway.send('POST', '/kom/sessions/current/login', { id, json: { pers_no: 6, passwd: 'x' } })
}

/** Resolves with the status of the response that refuses a WebSocket. */
async function refusedUpgrade(gateway: TestGateway, query: string): Promise<number | undefined> {
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/websocket?${query}`)
  socket.on('error', () => undefined)
  const [, response] = await once(socket, 'unexpected-response')
  socket.terminate()
  return response.statusCode
}

describe.each(TRANSPORTS)('a position that the session does not know, with %s,', (_, follow) => {
  it.each<[string, (known: string, foreign: string) => string]>([
    ['of another session', (_known, foreign) => foreign],
    ['of the future', (known) => known.replace(/\d+$/, '999')],
    ['with a number beyond 2^53', (known) => known.replace(/\d+$/, '9'.repeat(20))],
    ['with a negative number', (known) => known.replace(/\d+$/, '-1')],
    ['that is nonsense', () => 'nonsense'],
    ['of 8,000 characters', () => '0'.repeat(8000)],
  ])('%s is a reset, and the events go on', async (_what, sinceOf) => {
    const { server, gateway, id } = await start()
    const other = await follow(gateway, await gateway.open())
    leave(server, 5, 1)
    await other.first(1)
    const client = await follow(gateway, id)
    leave(server, 7)
    const known = (await client.first(1))[0]?.id as string
    const resumed = await follow(gateway, id, sinceOf(known, other.position))
    leave(server, 8)
    expect((await resumed.first(2)).map(({ data }) => data)).toEqual([
      { type: 'reset', reason: 'unknown', position: known },
      { type: 'leave-conf', conf_no: 8 },
    ])
    for (const each of [other, client, resumed]) await each.close()
  })
})

describe('a position of 10 MB', () => {
  const huge = '9'.repeat(10_000_000)

  it('is rejected with 431 in the query, and the session continues', async () => {
    const { gateway, id } = await start()
    const { status } = await gateway.send('GET', `${EVENTS}?last_event_id=${huge}`, { id })
    expect(status).toBe(431)
    expect((await gateway.send('GET', WHO_AM_I, { id })).status).toBe(200)
  })

  it('closes its WebSocket with 1009, and other WebSockets of the session continue', async () => {
    const { server, gateway, id } = await start()
    const [client, other] = [await EventWebSocket.open(gateway.url, id), await EventWebSocket.open(gateway.url, id)]
    await other.request()
    await expect(client.request({ since: huge })).rejects.toThrow('was closed')
    expect(await client.ended).toBe(TOO_BIG)
    leave(server, 7)
    expect((await other.first(1))[0]?.data).toEqual({ type: 'leave-conf', conf_no: 7 })
    await other.close()
  })
})

describe('the 9th stream of a session', () => {
  it('is rejected with 503, the others and other sessions continue, and the end of one makes room', async () => {
    const { server, gateway, id } = await start()
    const open = TRANSPORTS.flatMap(([, follow]) => Array.from({ length: 4 }, () => () => follow(gateway, id)))
    const eight = await Promise.all(open.map((each) => each()))
    for (let i = 0; i < 3; i++) {
      const { status, json } = await gateway.send('GET', EVENTS, { id })
      expect([status, json.limit]).toEqual([503, 'websockets-per-session'])
      expect(await refusedUpgrade(gateway, `Httpkom-Connection=${id}`)).toBe(503)
    }
    leave(server, 7)
    for (const each of eight) expect((await each.first(1))[0]?.data).toEqual({ type: 'leave-conf', conf_no: 7 })
    const other = await gateway.open()
    for (const [, follow] of TRANSPORTS) await (await follow(gateway, other)).close()
    await eight[0]?.close()
    let ninth: EventClient | undefined
    await expect
      .poll(async () => {
        ninth = await EventClient.open(gateway.url + EVENTS, { id })
        return ninth.response.status
      })
      .toBe(200)
    await ninth?.close()
    for (const each of eight) await each.close()
  })
})

describe('a stream on a session that has ended', () => {
  it.each<[string, (gateway: TestGateway, server: FakeServer, id: string) => Promise<unknown>]>([
    ['because its client deleted it', (gateway, _server, id) => gateway.send('DELETE', '/kom/sessions/0', { id })],
    ['because the LysKOM server closed the connection', async (_gateway, server) => server.connections[0]?.end()],
    ['because a new login replaced it', async (gateway) => logIn(gateway, await gateway.open())],
  ])('is rejected with 403, however the client resumes (%s)', async (_, end) => {
    const { server, gateway, id } = await start({ maxSessionsPerPerson: 1 })
    await logIn(gateway, id)
    const client = await EventClient.open(gateway.url + EVENTS, { id })
    await expect.poll(() => client.lastEventId).not.toBe('')
    const { ticket } = (await gateway.send('POST', '/kom/sessions/current/tickets', { id })).json
    await client.close()
    await expect.poll(() => gateway.log.filter((line) => line.includes('sessions/current/events')).length).toBe(1)
    await end(gateway, server, id)
    await expect.poll(async () => (await gateway.send('GET', WHO_AM_I, { id })).status).toBe(403)
    const headers = { 'last-event-id': client.lastEventId, accept: 'text/event-stream' }
    for (const [query, options] of [
      ['', { id, headers }],
      [`?Httpkom-Connection=${id}&last_event_id=${client.lastEventId}`, {}],
      [`?ticket=${ticket}`, { headers }],
    ] as const) {
      const { status, json } = await gateway.send('GET', EVENTS + query, options)
      expect([status, json.error_type]).toEqual([403, 'httpkom'])
    }
    expect(await refusedUpgrade(gateway, `Httpkom-Connection=${id}`)).toBe(403)
  })

  it('receives `closed` if a new login replaces the session while the stream opens', async () => {
    let accept: (() => void) | undefined
    const { gateway, id } = await start({ maxSessionsPerPerson: 1 }, (request, connection) => {
      if (request.call !== ACCEPT || connection.received.length <= HANDSHAKE_CALLS) return people(request, connection)
      accept = () => connection.send(reply(request.ref))
      return true
    })
    await logIn(gateway, id)
    const opening = EventClient.open(gateway.url + EVENTS, { id })
    await expect.poll(() => accept).toBeDefined()
    expect((await logIn(gateway, await gateway.open())).status).toBe(201)
    accept?.()
    const client = await opening
    await client.ended
    expect(client.events).toEqual([
      { id: expect.stringMatching(/-1$/), type: 'closed', data: { type: 'closed', reason: 'replaced' } },
    ])
    expect((await gateway.send('GET', WHO_AM_I, { id })).status).toBe(403)
  })
})

describe.each(TRANSPORTS)('a fault of the LysKOM server while a client follows the events with %s', (name, follow) => {
  it.each<[string, string, number, (line: ProxyLine, server: FakeServer) => void]>([
    ['stalls', 'connection-silent', 400, (line) => line.stall()],
    ['receives but sends nothing', 'connection-silent', 400, (line) => line.toClient.stall()],
    [
      'stalls in a message',
      'connection-silent',
      400,
      (line, server) => {
        line.toClient.stall(3)
        leave(server, 7)
      },
    ],
    ['resets the connection', 'connection-reset', 0, (line) => line.reset()],
    ['closes the connection', 'connection-ended', 0, (_line, server) => server.connections[0]?.end()],
    [
      'reports an error of the protocol',
      'connection-rejected',
      0,
      (_line, server) => server.connections[0]?.send('%% LysKOM protocol error.\n'),
    ],
    [
      'sends what is not Protocol A',
      'connection-unreadable',
      0,
      (_line, server) => server.connections[0]?.send('what?\n'),
    ],
  ])('ends with `closed` when the server %s (%s); other sessions continue', async (_, reason, promisedMs, inject) => {
    const server = await startFakeServer(people)
    const proxy = await startProxy(server)
    const gateway = await startTestGateway([{ id: 'kom', port: proxy.port }], KEEPALIVE)
    closing.push(server.close, proxy.close, gateway.close)
    const [id, otherId] = [await gateway.open(), await gateway.open()]
    const [client, other] = [await follow(gateway, id), await follow(gateway, otherId)]
    inject(proxy.lines[0] as ProxyLine, server)
    const { ms, value } = await timed(async () => {
      leave(server, 8, 1)
      await other.first(1)
      expect((await gateway.send('GET', WHO_AM_I, { id: otherId })).status).toBe(200)
      return await client.ended
    })
    if (name === 'a WebSocket') expect(value).toBe(GOING_AWAY)
    expect(client.events.map(({ data }) => data)).toEqual([{ type: 'closed', reason }])
    expectWithin(promisedMs, ms, `${name}: ${reason}`)
    await expect(follow(gateway, id, client.position)).rejects.toThrow('403')
    leave(server, 9, 1)
    expect((await other.first(2)).map(({ data }) => data.conf_no)).toEqual([8, 9])
    await other.close()
  })
})
