import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import type { TestSettings } from '../support/config.ts'
import { EventClient } from '../support/event-client.ts'
import { type Handler, startFakeServer } from '../support/fake-server.ts'
import { type Answer, startTestGateway, type TestGateway } from '../support/gateway.ts'
import { errorReply, h, reply } from '../support/wire.ts'

const LOGIN = 62
const LOGOUT = 1
const UCONF = 78
const USER_ACTIVE = 82
const INVALID_PASSWORD = 4
const LOGIN_DISALLOWED = 7
const CLIENT = { client: { name: 'x', version: '1' } }
const WHO_AM_I = '/kom/sessions/current/who-am-i'
const EVENTS = '/kom/sessions/current/events'

const HALF_HOUR_MS = 1_800_000
const WEEK_MS = 604_800_000
const SWEEP_MS = 10_000

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  for (const close of closing.splice(0).reverse()) await close()
})

/** Accepts the password `right` for every person except 13, and knows the names. */
const people: Handler = ({ ref, call, args }) => {
  if (call === LOGOUT) return reply(ref)
  if (call === UCONF) return reply(ref, h(`Person ${args}`), '10010000', 1, 77)
  if (call !== LOGIN) return false
  const [person, passwd] = args.toString('latin1').split(' ')
  if (person === '13') return errorReply(ref, LOGIN_DISALLOWED)
  return passwd === '5Hright' ? reply(ref) : errorReply(ref, INVALID_PASSWORD, Number(person))
}

async function start(settings: TestSettings = {}, handler: Handler = people) {
  const server = await startFakeServer(handler)
  const gateway = await startTestGateway([{ id: 'kom', port: server.port }], settings)
  closing.push(server.close, gateway.close)
  /** Returns how often the server was asked to log in a person. */
  const asked = () => server.connections.flatMap(({ received }) => received).filter(({ call }) => call === LOGIN).length
  return { server, gateway, asked }
}

async function logIn(gateway: TestGateway, id: string, persNo: number, passwd = 'right') {
  return await gateway.send('POST', '/kom/sessions/current/login', { id, json: { pers_no: persNo, passwd } })
}

const leaseOf = ({ headers }: Answer) => headers.get('komgate-lease')

const sendOpen = (gateway: TestGateway) => gateway.send('POST', '/kom/sessions/', { json: CLIENT })

async function hits(gateway: TestGateway, limit: string): Promise<number> {
  const { text } = await gateway.send('GET', '/metrics')
  return Number(new RegExp(`^komgate_limit_hits_total\\{limit="${limit}"\\} (\\d+)$`, 'm').exec(text)?.[1])
}

async function websocket(gateway: TestGateway, id: string, options = {}) {
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/websocket?Httpkom-Connection=${id}`, options)
  await once(socket, 'open')
  return socket
}

/** Opens an event stream, which stays open until the end of the test. */
async function stream(gateway: TestGateway, id: string): Promise<EventClient> {
  const client = await EventClient.open(gateway.url + EVENTS, { id })
  closing.push(() => client.close())
  return client
}

/** Returns the reasons for which sessions were closed, from the log. */
const reasons = (gateway: TestGateway): string[] =>
  gateway.log.map((line) => JSON.parse(line)).flatMap(({ msg, reason }) => (msg === 'session closed' ? [reason] : []))

/** Returns a handler as `people` that holds back the replies to logins, and functions that send them. */
function holdLogins() {
  const held: (() => void)[] = []
  const handler: Handler = async (request, connection) => {
    const answer = await people(request, connection)
    if (request.call !== LOGIN) return answer
    held.push(() => connection.send(answer as Buffer))
    return true
  }
  return { held, handler }
}

async function ask(socket: WebSocket, request: string): Promise<unknown> {
  socket.send(JSON.stringify({ protocol: 'a', ref_no: 1, request }))
  const [data] = await once(socket, 'message')
  return JSON.parse(String(data))
}

/** Sends bytes. Resolves with the response text and the duration when the connection is closed. */
async function raw(gateway: TestGateway, write: (socket: ReturnType<typeof connect>) => void) {
  const { port } = new URL(gateway.url)
  const socket = connect(Number(port), '127.0.0.1')
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  const start = performance.now()
  write(socket)
  await once(socket, 'close')
  return { text, ms: performance.now() - start }
}

describe('the idle timeout of sessions', () => {
  it('the responses to opening a session and to who-am-i hold it in Komgate-Lease', async () => {
    const { gateway } = await start({ sessionIdleMs: 90_999 })
    const made = await sendOpen(gateway)
    expect(leaseOf(made)).toBe('90')
    const id = made.json.connection_id
    expect(leaseOf(await gateway.send('GET', WHO_AM_I, { id }))).toBe('90')
    expect(leaseOf(await gateway.send('HEAD', WHO_AM_I, { id }))).toBe('90')
    const headers = { origin: 'https://kom.example' }
    const exposed = (await gateway.send('GET', WHO_AM_I, { id, headers })).headers.get('access-control-expose-headers')
    expect(exposed?.split(',')).toContain('Komgate-Lease')
  })

  it('is that for logins from a successful login to the logout', async () => {
    const { gateway } = await start({ sessionIdleMs: 90_000, loginIdleMs: 7000 })
    const id = await gateway.open()
    expect(leaseOf(await logIn(gateway, id, 6, 'wrong'))).toBeNull()
    const { status, text, headers } = await logIn(gateway, id, 6)
    expect([status, text, headers.get('komgate-lease')]).toEqual([201, '{"pers_no":6,"pers_name":"Person 6"}', '7'])
    expect(leaseOf(await gateway.send('GET', WHO_AM_I, { id }))).toBe('7')
    await gateway.send('POST', '/kom/sessions/current/logout', { id })
    expect(leaseOf(await gateway.send('GET', WHO_AM_I, { id }))).toBe('90')
  })

  it('is 7 days for logins and half an hour for anonymous sessions by default', async () => {
    const { gateway } = await start()
    const made = await sendOpen(gateway)
    const login = await logIn(gateway, made.json.connection_id, 6)
    expect([made, login].map(leaseOf)).toEqual(['1800', '604800'])
  })

  it('the response that creates a session automatically holds it in Komgate-Lease, as at least 1', async () => {
    const { gateway } = await start({ autoCreate: true, sessionIdleMs: 900 })
    const { status, headers } = await gateway.send('GET', WHO_AM_I)
    expect([status, headers.get('komgate-lease')]).toEqual([200, '1'])
  })

  it('the gateway closes a session whose client sends no requests for this time', async () => {
    const { server, gateway } = await start({ sessionIdleMs: 100 })
    const id = await gateway.open()
    await server.connections[0]?.closed
    expect((await gateway.send('GET', WHO_AM_I, { id })).status).toBe(403)
    expect((await gateway.send('GET', '/stats')).json['komgate.sessions.closed.idle.last']).toBe(1)
  })

  it('the gateway closes anonymous sessions earlier than those on which a person is logged in', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const now = performance.now.bind(performance)
    let passed = 0
    vi.spyOn(performance, 'now').mockImplementation(() => now() + passed)
    const { gateway } = await start({ keepaliveMs: WEEK_MS })
    const ids = [await gateway.open(), await gateway.open()] as const
    await logIn(gateway, ids[0], 6)
    const statusesAfter = async (ms: number) => {
      passed += ms
      await vi.advanceTimersByTimeAsync(SWEEP_MS)
      const answers = await Promise.all(ids.map((id) => gateway.send('GET', WHO_AM_I, { id })))
      return answers.map(({ status }) => status)
    }
    expect(await statusesAfter(HALF_HOUR_MS - 60_000)).toEqual([200, 200])
    expect(await statusesAfter(HALF_HOUR_MS + 1)).toEqual([200, 403])
    expect(await statusesAfter(WEEK_MS - 60_000)).toEqual([200, 403])
    expect(await statusesAfter(WEEK_MS + 1)).toEqual([403, 403])
    expect(reasons(gateway)).toEqual(['idle', 'idle'])
  })

  it('the gateway checks them as often as the shorter one of both needs', async () => {
    const { server, gateway } = await start({ loginIdleMs: 100 })
    const id = await gateway.open()
    await logIn(gateway, id, 6)
    await server.connections[0]?.closed
    expect(reasons(gateway)).toEqual(['idle'])
  })
})

describe('limits of sessions', () => {
  it('the gateway rejects a session over the total limit with 503', async () => {
    const { gateway } = await start({ maxSessions: 1 })
    await gateway.open()
    const { status, headers, json } = await sendOpen(gateway)
    expect([status, headers.get('retry-after'), json]).toEqual([
      503,
      '5',
      { error_type: 'httpkom', error_msg: 'this gateway holds no more than 1 sessions', limit: 'sessions' },
    ])
    expect(await hits(gateway, 'sessions')).toBe(1)
  })

  it('the gateway rejects a session over the limit of its address with 503, whatever address the client claims', async () => {
    const { gateway } = await start({ maxSessionsPerAddress: 1 })
    await gateway.open()
    const headers = { 'x-forwarded-for': '203.0.113.1', forwarded: 'for=203.0.113.1' }
    const { status, json } = await gateway.send('POST', '/kom/sessions/', { json: CLIENT, headers })
    expect([status, json.limit]).toEqual([503, 'sessions-per-address'])
    expect(await hits(gateway, 'sessions-per-address')).toBe(1)
  })

  it.each([
    ['an IPv6 /64', 2, (i: number) => `2001:db8::${i + 1}`],
    ['an IPv6 /56', 4, (i: number) => `2001:db8:0:${i.toString(16)}::1`],
    ['an IPv6 /48', 8, (i: number) => `2001:db8:0:${i.toString(16)}00::1`],
    ['each IPv4 address alone', 12, (i: number) => `192.0.2.${i + 1}`],
  ])('sessions are limited for %s', async (_, max, address) => {
    const { gateway } = await start({ maxSessionsPerAddress: 2, trustedProxies: ['127.0.0.1'] })
    const open = (i: number) =>
      gateway.send('POST', '/kom/sessions/', { json: CLIENT, headers: { 'x-forwarded-for': address(i) } })
    const answers = []
    for (let i = 0; i < 12; i++) answers.push(await open(i))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(max)
    for (const { status, json } of answers.slice(max)) {
      expect([status, json.limit]).toEqual([503, 'sessions-per-address'])
    }
    const id = answers[0]?.json.connection_id
    await gateway.send('DELETE', '/kom/sessions/0', { id })
    expect((await open(0)).status).toBe(201)
  })

  it('the gateway rejects new sessions over the rate limit of their address with 429', async () => {
    const { server, gateway } = await start({ maxOpeningsPerMinute: 2 })
    const id = await gateway.open()
    await gateway.send('DELETE', '/kom/sessions/0', { id })
    await gateway.open()
    const { status, headers, json } = await sendOpen(gateway)
    expect([status, headers.get('retry-after'), json.error_type, json.limit]).toEqual([
      429,
      '30',
      'httpkom',
      'openings-per-address',
    ])
    expect(server.connections).toHaveLength(2)
    expect(await hits(gateway, 'openings-per-address')).toBe(1)
  })

  it('the gateway counts automatically created sessions towards the same rate limit', async () => {
    const { gateway } = await start({ autoCreate: true, maxOpeningsPerMinute: 1 })
    expect((await gateway.send('GET', WHO_AM_I)).status).toBe(200)
    expect((await gateway.send('GET', WHO_AM_I)).status).toBe(429)
  })
})

describe('the limit of sessions for one person', () => {
  it('the gateway rejects a login with 503 while all sessions have streams, without a call to the server', async () => {
    const { gateway, asked } = await start({ maxSessionsPerPerson: 2 })
    const [first, second, third] = [await gateway.open(), await gateway.open(), await gateway.open()]
    await logIn(gateway, first, 6)
    await logIn(gateway, second, 6)
    await websocket(gateway, first)
    await stream(gateway, second)
    const { status, headers, json } = await logIn(gateway, third, 6)
    expect([status, headers.get('retry-after'), json.limit]).toEqual([503, '5', 'sessions-per-person'])
    expect(asked()).toBe(2)
    expect(await hits(gateway, 'sessions-per-person')).toBe(1)
    expect((await logIn(gateway, third, 7)).status).toBe(201)
    expect((await logIn(gateway, first, 6)).status).toBe(201)
  })

  it.each([
    ['logs out', (gateway: TestGateway, id: string) => gateway.send('POST', '/kom/sessions/current/logout', { id })],
    ['ends its session', (gateway: TestGateway, id: string) => gateway.send('DELETE', '/kom/sessions/0', { id })],
    ['logs in as another person', (gateway: TestGateway, id: string) => logIn(gateway, id, 7)],
  ])('the gateway accepts another login after a client %s', async (_, leave) => {
    const { gateway } = await start({ maxSessionsPerPerson: 1 })
    const [first, second] = [await gateway.open(), await gateway.open()]
    await logIn(gateway, first, 6)
    await stream(gateway, first)
    expect((await logIn(gateway, second, 6)).status).toBe(503)
    await leave(gateway, first)
    expect((await logIn(gateway, second, 6)).status).toBe(201)
    await stream(gateway, second)
    expect((await logIn(gateway, await gateway.open(), 6)).status).toBe(503)
  })

  it('the gateway accepts another login after the LysKOM server disconnects one of the sessions', async () => {
    const { server, gateway } = await start({ maxSessionsPerPerson: 1 })
    const [first, second] = [await gateway.open(), await gateway.open()]
    await logIn(gateway, first, 6)
    await stream(gateway, first)
    server.connections[0]?.end()
    await expect.poll(async () => (await gateway.send('GET', WHO_AM_I, { id: first })).status).toBe(403)
    expect((await logIn(gateway, second, 6)).status).toBe(201)
  })

  it('the gateway does not count a session that ended during its login', async () => {
    const { gateway } = await start({ maxSessionsPerPerson: 1 }, (request, connection) => {
      if (request.call !== LOGIN || connection.index > 0) return people(request, connection)
      connection.send(reply(request.ref), '%% LysKOM protocol error.\n')
      return true
    })
    const [first, second] = [await gateway.open(), await gateway.open()]
    expect((await logIn(gateway, first, 6)).status).toBe(403)
    expect((await logIn(gateway, second, 6)).status).toBe(201)
    expect(reasons(gateway)).toEqual(['connection-rejected'])
  })

  it('the gateway enforces the limit on concurrent logins, and does not count failed ones', async () => {
    const { held, handler } = holdLogins()
    const { gateway } = await start({ maxSessionsPerPerson: 3, freeLoginFailures: 100 }, handler)
    const before = await Promise.all(Array.from({ length: 3 }, () => gateway.open()))
    const ids = await Promise.all(Array.from({ length: 10 }, () => gateway.open()))
    const logInAll = async (some: readonly string[], passwd: string) => {
      const answers = some.map((id) => logIn(gateway, id, 6, passwd))
      let rejected = 0
      for (const answer of answers) void answer.then(() => rejected++)
      await expect.poll(() => [held.length, rejected]).toEqual([3, some.length - 3])
      for (const send of held.splice(0)) send()
      return (await Promise.all(answers)).map(({ status }) => status)
    }
    expect(await logInAll(before, 'right')).toEqual([201, 201, 201])
    expect((await logInAll(ids, 'wrong')).sort()).toEqual([401, 401, 401, ...Array(7).fill(503)])
    expect(reasons(gateway)).toEqual([])
    const statuses = await logInAll(ids, 'right')
    expect(statuses.toSorted()).toEqual([201, 201, 201, ...Array(7).fill(503)])
    expect(reasons(gateway)).toEqual(['replaced', 'replaced', 'replaced'])
    const persons = await Promise.all(ids.map(async (id) => (await gateway.send('GET', WHO_AM_I, { id })).json.person))
    expect(persons.map((person) => person !== null)).toEqual(statuses.map((status) => status === 201))
  })

  it('the gateway replaces the session that is idle for the longest time and has no stream', async () => {
    const { server, gateway } = await start({ maxSessionsPerPerson: 3 })
    const [streaming, idle, used, last] = [
      await gateway.open(),
      await gateway.open(),
      await gateway.open(),
      await gateway.open(),
    ] as const
    await logIn(gateway, streaming, 6)
    await stream(gateway, streaming)
    await logIn(gateway, used, 6)
    await logIn(gateway, idle, 6)
    await gateway.send('GET', WHO_AM_I, { id: used })
    expect((await logIn(gateway, last, 6, 'wrong')).status).toBe(401)
    expect(reasons(gateway)).toEqual([])
    const { status, headers, json } = await logIn(gateway, last, 6)
    expect([status, headers.get('komgate-lease'), json]).toEqual([201, '604800', { pers_no: 6, pers_name: 'Person 6' }])
    await server.connections[1]?.closed
    const ids = [streaming, idle, used, last]
    const answers = await Promise.all(ids.map((id) => gateway.send('GET', WHO_AM_I, { id })))
    expect(answers.map((answer) => answer.status)).toEqual([200, 403, 200, 200])
    expect(answers[1]?.json).toEqual({ error_type: 'httpkom', error_msg: 'There is no such session.' })
    const again = await gateway.send('GET', EVENTS, { id: idle, headers: { 'last-event-id': '0' } })
    expect([again.status, again.json.error_type]).toEqual([403, 'httpkom'])
    expect((await gateway.send('GET', '/stats')).json['komgate.sessions.closed.replaced.last']).toBe(1)
    expect((await gateway.send('GET', '/metrics')).text).toContain(
      'komgate_sessions_closed_total{server="kom",reason="replaced"} 1',
    )
  })

  it('the gateway closes no session when the password of a login is wrong, whatever the other sessions do', async () => {
    const { gateway } = await start({ maxSessionsPerPerson: 1, freeLoginFailures: 100 })
    const [first, second] = [await gateway.open(), await gateway.open()]
    await logIn(gateway, first, 6)
    for (let i = 0; i < 20; i++) expect((await logIn(gateway, second, 6, 'wrong')).status).toBe(401)
    expect((await gateway.send('GET', WHO_AM_I, { id: first })).json.person.pers_no).toBe(6)
    expect(reasons(gateway)).toEqual([])
  })

  it('the gateway lets a request in flight on the replaced session finish', async () => {
    let respond = (): void => undefined
    const { server, gateway } = await start({ maxSessionsPerPerson: 1 }, (request, connection) => {
      if (request.call !== USER_ACTIVE) return people(request, connection)
      respond = () => void connection.send(reply(request.ref))
      return true
    })
    const [first, second] = [await gateway.open(), await gateway.open()]
    await logIn(gateway, first, 6)
    const active = gateway.send('POST', '/kom/sessions/current/active', { id: first })
    await expect.poll(() => server.connections[0]?.received.at(-1)?.call).toBe(USER_ACTIVE)
    expect((await logIn(gateway, second, 6)).status).toBe(201)
    respond()
    expect((await active).status).toBe(204)
    expect((await gateway.send('GET', WHO_AM_I, { id: first })).status).toBe(403)
    expect(reasons(gateway)).toEqual(['replaced'])
  })

  it('the gateway logs out a session that got over the limit during its login', async () => {
    const { held, handler } = holdLogins()
    const { gateway } = await start({ maxSessionsPerPerson: 1 }, handler)
    const [first, second] = [await gateway.open(), await gateway.open()]
    const login = async (id: string) => {
      const answer = logIn(gateway, id, 6)
      await expect.poll(() => held.length).toBe(1)
      return { answer, send: () => held.pop()?.() }
    }
    const before = await login(first)
    before.send()
    await before.answer
    const over = await login(second)
    await stream(gateway, first)
    over.send()
    const { status, json } = await over.answer
    expect([status, json.limit]).toEqual([503, 'sessions-per-person'])
    expect((await gateway.send('GET', WHO_AM_I, { id: second })).json.person).toBeNull()
    expect((await gateway.send('GET', WHO_AM_I, { id: first })).json.person.pers_no).toBe(6)
  })

  it('the gateway rejects a login over the limit on the WebSocket', async () => {
    const { gateway, asked } = await start({ maxSessionsPerPerson: 1 })
    const [first, second] = [await gateway.open(), await gateway.open()]
    await logIn(gateway, first, 6)
    await stream(gateway, first)
    const socket = await websocket(gateway, second)
    for (const request of ['62 6 5Hright 0', '0 6 5Hright']) {
      expect(await ask(socket, request)).toEqual({
        ref_no: 1,
        error: 'this gateway holds no more than 1 sessions of one person',
        error_type: 'httpkom',
        error_msg: 'this gateway holds no more than 1 sessions of one person',
        limit: 'sessions-per-person',
        retry_after: 5,
      })
    }
    expect(asked()).toBe(1)
    expect(await ask(socket, '62 7 5Hright 0')).toMatchObject({ reply: '' })
    expect((await logIn(gateway, first, 7)).status).toBe(503)
    expect(await hits(gateway, 'sessions-per-person')).toBe(3)
  })
})

describe('limits of logins', () => {
  it('the gateway applies one rate limit for each address to logins by name, by number and on the WebSocket', async () => {
    const { server, gateway, asked } = await start({ maxLoginsPerMinute: 2 })
    const id = await gateway.open()
    await logIn(gateway, id, 6)
    await logIn(gateway, id, 7)
    const { status, headers, json } = await logIn(gateway, id, 8)
    expect([status, headers.get('retry-after'), json.limit]).toEqual([429, '30', 'logins-per-address'])
    const calls = server.connections[0]?.received.length
    const byName = { pers_name: 'x', passwd: 'right' }
    expect((await gateway.send('POST', '/kom/sessions/current/login', { id, json: byName })).status).toBe(429)
    const socket = await websocket(gateway, id)
    expect(await ask(socket, '62 8 5Hright 0')).toMatchObject({ limit: 'logins-per-address', retry_after: 30 })
    expect([asked(), server.connections[0]?.received.length]).toEqual([2, calls])
    expect(await hits(gateway, 'logins-per-address')).toBe(3)
  })

  it('the gateway delays logins after some failures, on any session, without a call to the LysKOM server', async () => {
    const { gateway, asked } = await start({ freeLoginFailures: 2 })
    const [id, other] = [await gateway.open(), await gateway.open()]
    expect((await logIn(gateway, id, 6, 'wrong')).status).toBe(401)
    expect((await logIn(gateway, other, 6, 'wrong')).status).toBe(401)
    const { status, headers, json } = await logIn(gateway, id, 6)
    expect([status, headers.get('retry-after'), json]).toEqual([
      429,
      '1',
      {
        error_type: 'httpkom',
        error_msg: 'Too many logins of this person have failed; wait before the next one.',
        limit: 'login-failures',
      },
    ])
    const socket = await websocket(gateway, other)
    expect(await ask(socket, '62 6 5Hright 0')).toMatchObject({ limit: 'login-failures', retry_after: 1 })
    expect((await logIn(gateway, id, 7)).status).toBe(201)
    expect(asked()).toBe(3)
    expect(await hits(gateway, 'login-failures')).toBe(2)
    await sleep(1000)
    expect((await logIn(gateway, id, 6)).status).toBe(201)
    expect((await logIn(gateway, id, 6, 'wrong')).status).toBe(401)
    expect((await logIn(gateway, id, 6, 'wrong')).status).toBe(401)
    expect((await logIn(gateway, id, 6, 'wrong')).status).toBe(429)
  })

  it('the gateway does not count logins that the LysKOM server rejects for other reasons', async () => {
    const { gateway } = await start({ freeLoginFailures: 1 })
    const id = await gateway.open()
    for (let i = 0; i < 5; i++) expect((await logIn(gateway, id, 13)).status).toBe(401)
  })

  it('the gateway counts a login whose client closes the session before the reply', async () => {
    const { gateway } = await start({ freeLoginFailures: 1 }, ({ call }) => call === LOGIN)
    const id = await gateway.open()
    const trying = logIn(gateway, id, 6)
    await sleep(50)
    await gateway.send('DELETE', '/kom/sessions/0', { id })
    expect((await trying).status).toBe(403)
    expect((await logIn(gateway, await gateway.open(), 6)).status).toBe(429)
  })
})

describe('limits of WebSockets', () => {
  it('the gateway rejects a WebSocket over the limit of its session with 503', async () => {
    const { gateway } = await start({ maxWebsocketsPerSession: 2 })
    const [id, other] = [await gateway.open(), await gateway.open()]
    const first = await websocket(gateway, id)
    await websocket(gateway, id)
    const headers =
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n'
    const { text } = await raw(gateway, (socket) =>
      socket.write(`GET /websocket?Httpkom-Connection=${id} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`),
    )
    const [head = '', body = ''] = text.split('\r\n\r\n')
    expect(head).toMatch(/^HTTP\/1.1 503 Service Unavailable\r\n/)
    expect(head.toLowerCase()).toContain('\r\nretry-after: 5')
    expect(JSON.parse(body)).toEqual({
      error_type: 'httpkom',
      error_msg: 'a session has no more than 2 WebSockets and event streams',
      limit: 'websockets-per-session',
    })
    expect(await hits(gateway, 'websockets-per-session')).toBe(1)
    await websocket(gateway, other)
    first.close()
    await once(first, 'close')
    await expect.poll(() => websocket(gateway, id).then(() => 'open')).toBe('open')
  })

  it.each([
    ['GET', 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short'],
    ['GET', 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 7\r\nSec-WebSocket-Key: eA=='],
    ['GET', 'Connection: close\r\nUpgrade: websocket'],
    ['GET', 'Connection: close'],
    ['POST', 'Connection: close\r\nContent-Length: 0\r\nUpgrade: websocket'],
  ])('a failed handshake takes no place and does not delay a DELETE: %s %j', async (method, headers) => {
    const { gateway } = await start({ maxWebsocketsPerSession: 1 })
    const id = await gateway.open()
    for (let n = 0; n < 3; n++) {
      const request = `${method} /websocket?Httpkom-Connection=${id} HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n`
      const { text } = await raw(gateway, (socket) => socket.write(request))
      expect(text).toMatch(/^HTTP\/1.1 [45]/)
    }
    const socket = await websocket(gateway, id)
    const closed = once(socket, 'close')
    const started = performance.now()
    expect((await gateway.send('DELETE', '/kom/sessions/0', { id })).status).toBe(204)
    expect(performance.now() - started).toBeLessThan(1900)
    await closed
  })

  it('the gateway enforces the limit on WebSockets that are opened concurrently', async () => {
    const { gateway } = await start({ maxWebsocketsPerSession: 2 })
    const id = await gateway.open()
    const url = `${gateway.url.replace('http', 'ws')}/websocket?Httpkom-Connection=${id}`
    const sockets = Array.from({ length: 10 }, () => new WebSocket(url))
    for (const socket of sockets) socket.on('error', () => undefined)
    const isExpired = ({ readyState }: WebSocket) => readyState === WebSocket.CLOSED || readyState === WebSocket.CLOSING
    await expect.poll(() => sockets.filter(isExpired).length).toBe(8)
    expect(sockets.filter(({ readyState }) => readyState === WebSocket.OPEN)).toHaveLength(2)
  })

  it('the gateway rejects messages over the rate limit, and closes the WebSocket of a client that ignores it', async () => {
    const { gateway } = await start({ maxWebsocketMessagesPerSecond: 3 })
    const socket = await websocket(gateway, await gateway.open())
    const received: { ref_no: number; limit?: string; retry_after?: number }[] = []
    socket.on('message', (data) => received.push(JSON.parse(String(data))))
    const say = (n: number) => socket.send(JSON.stringify({ protocol: 'echo', ref_no: n, request: n }))
    for (const n of [1, 2, 3]) say(n)
    await expect.poll(() => received.length, { interval: 5 }).toBe(3)
    for (const n of [4, 5, 6, 7]) say(n)
    const [code] = await once(socket, 'close')
    expect(code).toBe(1008)
    expect(received.map(({ ref_no, limit }) => [ref_no, limit])).toEqual([
      [1, undefined],
      [2, undefined],
      [3, undefined],
      [4, 'websocket-messages'],
      [5, 'websocket-messages'],
      [6, 'websocket-messages'],
    ])
    expect(received.find(({ limit }) => limit !== undefined)).toMatchObject({
      error: 'more than 3 messages in a second',
      error_type: 'httpkom',
      retry_after: 1,
    })
    expect(await hits(gateway, 'websocket-messages')).toBe(3)
  })

  it('the gateway accepts messages again in the next second', async () => {
    const { gateway } = await start({ maxWebsocketMessagesPerSecond: 1 })
    const socket = await websocket(gateway, await gateway.open())
    expect(await ask(socket, '56')).toMatchObject({ reply: '1' })
    expect(await ask(socket, '56')).toMatchObject({ limit: 'websocket-messages' })
    await sleep(1000)
    expect(await ask(socket, '56')).toMatchObject({ reply: '1' })
  })

  it('the gateway drops the WebSocket of a vanished client, and the idle timeout of the session restarts', async () => {
    const { gateway } = await start({ websocketPingMs: 50, sessionIdleMs: 200 })
    const [gone, there] = [await gateway.open(), await gateway.open()]
    const vanished = await websocket(gateway, gone, { autoPong: false })
    const alive = await websocket(gateway, there)
    await once(vanished, 'close')
    await expect.poll(async () => (await gateway.send('GET', '/stats')).json['komgate.sessions.active.last']).toBe(1)
    expect(alive.readyState).toBe(WebSocket.OPEN)
  })
})

describe('limits of requests', () => {
  it('the gateway rejects a large body with 413 and a large head with 431, with the name of the limit', async () => {
    const { gateway } = await start({ maxBodyBytes: 10, maxHeaderBytes: 2000 })
    const tooLarge = await sendOpen(gateway)
    expect([tooLarge.status, tooLarge.json.limit]).toEqual([413, 'body-size'])
    const { text } = await raw(gateway, (socket) =>
      socket.write(`GET /${'x'.repeat(2000)} HTTP/1.1\r\nHost: x\r\n\r\n`),
    )
    expect(text).toMatch(/^HTTP\/1.1 431 /)
    expect(text).toContain('"limit":"header-size"')
    expect([await hits(gateway, 'body-size'), await hits(gateway, 'header-size')]).toEqual([1, 1])
  })

  const head =
    'POST /kom/sessions/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n'

  it.each([
    ['head', 'GET / HTTP/1.1\r\nX: ', { httpHeadersMs: 200 }],
    ['first byte', '', { httpHeadersMs: 200 }],
    ['body', head, { httpHeadersMs: 200, httpRequestMs: 300 }],
  ])(
    'the gateway rejects a request with 408 if its %s arrives too slowly, even while it continues',
    async (_, begin, settings) => {
      const { gateway } = await start(settings)
      let drip: NodeJS.Timeout | undefined
      const { text, ms } = await raw(gateway, (socket) => {
        socket.write(begin)
        if (begin !== '') drip = setInterval(() => socket.write('x'), 20)
      })
      clearInterval(drip)
      expect(text).toMatch(/^HTTP\/1.1 408 Request Timeout\r\n/)
      expect(text).toContain('"limit":"request-time"')
      // The connection is closed a second after the response at the latest.
      expect(ms).toBeLessThan(2000)
      await expect.poll(() => hits(gateway, 'request-time')).toBe(1)
    },
  )

  it('the gateway serves several requests on one connection, and closes it after the idle timeout', async () => {
    const { gateway } = await start({ httpIdleMs: 300 })
    const { text, ms } = await raw(gateway, (socket) => {
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
      setTimeout(() => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), 200)
    })
    expect(text.match(/HTTP\/1.1 200 OK/g)).toHaveLength(2)
    expect(ms).toBeGreaterThan(450)
  })
})
