import { once } from 'node:events'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { connect as connectSocket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import type { TestSettings } from '../support/config.ts'
import { type FakeConnection, type FakeServer, startFakeServer } from '../support/fake-server.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { reply } from '../support/wire.ts'

const USER_ACTIVE = 82
const LOGIN = 62
const ACTIVE = '/kom/sessions/current/active'
const WHO_AM_I = '/kom/sessions/current/who-am-i'
const OWN = '/kom/sessions/0'
const ADMIN_KEY = 'a-key-of-sixteen-letters-or-more'
const GRACE_MS = 2000

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A gateway with one session, on a LysKOM server that answers user-active only when the test releases it. */
async function start(settings: TestSettings = {}) {
  const server = await startFakeServer(({ ref, call }) => call === USER_ACTIVE || (call === LOGIN && reply(ref)))
  const gateway = await startTestGateway([{ id: 'kom', port: server.port }], settings)
  closing.push(server.close, gateway.close)
  const id = await gateway.open()
  const stage = new Stage(server, gateway, id)
  return { server, gateway, id, stage }
}

/** Requests on one session, each on a separate connection, and their statuses in the order of their arrival. */
class Stage {
  readonly statuses: string[] = []
  readonly #server: FakeServer
  readonly #gateway: TestGateway
  readonly #id: string

  constructor(server: FakeServer, gateway: TestGateway, id: string) {
    this.#server = server
    this.#gateway = gateway
    this.#id = id
  }

  get fake(): FakeConnection {
    return this.#server.connections[0] as FakeConnection
  }

  send(method: string, path: string, headers: Record<string, string> = {}): Promise<void> {
    return this.begin(method, path, headers).then(async (sent) => {
      const [response] = (await once(sent, 'response')) as [IncomingMessage]
      this.statuses.push(`${method} ${response.statusCode}`)
      response.resume()
      await once(response, 'end')
    })
  }

  async begin(method: string, path: string, headers: Record<string, string> = {}): Promise<ClientRequest> {
    const all = { 'httpkom-connection': this.#id, 'content-type': 'application/json', ...headers }
    const sent = httpRequest(this.#gateway.url + path, { method, agent: false, headers: all })
    sent.on('error', () => undefined)
    sent.end()
    return sent
  }

  /** Sends `count` POST requests that the LysKOM server leaves waiting. */
  async wait(count: number): Promise<Promise<void>[]> {
    const before = this.#waiting.length
    const all = Array.from({ length: count }, () => this.send('POST', ACTIVE))
    await expect.poll(() => this.#waiting.length, { interval: 5 }).toBe(before + count)
    return all
  }

  /** Lets the LysKOM server answer the waiting calls. */
  release(): void {
    for (const { ref } of this.#waiting) this.fake.send(reply(ref))
  }

  get #waiting() {
    return this.fake.received.filter(({ call }) => call === USER_ACTIVE)
  }

  /** Starts requests, and resolves when all of them have arrived at the gateway. */
  async arrive(start: () => Promise<unknown>[]): Promise<Promise<unknown>[]> {
    const before = await this.#received()
    const all = start()
    // Each poll of the counter is a request itself.
    for (let looks = 1; (await this.#received()) < before + looks + all.length; looks++);
    return all
  }

  async #received(): Promise<number> {
    const { json } = await this.#gateway.send('GET', '/stats')
    return json['komgate.http.requests.received.last']
  }
}

describe('DELETE of the own session', () => {
  it('answers earlier requests first, then itself, and rejects later requests with 403', async () => {
    const { stage } = await start()
    const before = await stage.wait(20)
    const deleted = await stage.arrive(() => [stage.send('DELETE', OWN)])
    const later = await stage.arrive(() => [1, 2, 3].map(() => stage.send('GET', WHO_AM_I)))
    stage.release()
    await Promise.all([...before, ...deleted, ...later])
    expect(stage.statuses).toEqual([...Array(20).fill('POST 204'), 'DELETE 204', ...Array(3).fill('GET 403')])
    await stage.fake.closed
  })

  it('rejects requests that take longer than 2 s, and later requests, only after its own 204', async () => {
    const { stage } = await start()
    const before = await stage.wait(5)
    const started = performance.now()
    const deleted = await stage.arrive(() => [stage.send('DELETE', OWN)])
    const again = await stage.arrive(() => [stage.send('DELETE', OWN)])
    const later = await stage.arrive(() => [stage.send('GET', WHO_AM_I)])
    await Promise.all(deleted)
    const ms = performance.now() - started
    await Promise.all([...before, ...again, ...later])
    expect(stage.statuses[0]).toBe('DELETE 204')
    expect(stage.statuses.slice(1)).toEqual(expect.arrayContaining(['DELETE 403', 'GET 403', 'POST 403']))
    expect(stage.statuses).toHaveLength(8)
    expect(ms).toBeGreaterThan(GRACE_MS - 10)
    expect(ms).toBeLessThan(GRACE_MS + 1000)
    await stage.fake.closed
  })

  it('answers immediately without other requests in flight, after it has ended the LysKOM session', async () => {
    const { stage } = await start()
    await stage.send('DELETE', OWN)
    expect(stage.fake.received.at(-1)?.call).toBe(55)
    await stage.send('GET', WHO_AM_I)
    expect(stage.statuses).toEqual(['DELETE 204', 'GET 403'])
  })

  it('keeps the order of pipelined requests on one connection', async () => {
    const { gateway, id, stage } = await start()
    const { hostname, port } = new URL(gateway.url)
    const socket = connectSocket(Number(port), hostname)
    const line = (text: string) => `${text} HTTP/1.1\r\nHost: x\r\nHttpkom-Connection: ${id}\r\n\r\n`
    socket.write(line(`GET ${WHO_AM_I}`) + line(`DELETE ${OWN}`) + line(`GET ${WHO_AM_I}`))
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk
    })
    await expect
      .poll(() => [...text.matchAll(/HTTP\/1.1 (\d+)/g)].map(([, status]) => status))
      .toEqual(['200', '204', '403'])
    socket.destroy()
    await stage.fake.closed
  })

  it('rejects waiting requests with 403 immediately if the LysKOM connection is lost', async () => {
    const { stage } = await start()
    const before = await stage.wait(3)
    const deleted = await stage.arrive(() => [stage.send('DELETE', OWN)])
    const started = performance.now()
    stage.fake.reset()
    await Promise.all([...before, ...deleted])
    expect(performance.now() - started).toBeLessThan(1000)
    expect(stage.statuses).toEqual(['POST 403', 'POST 403', 'POST 403', 'DELETE 204'])
  })

  it('ends the session also if its client disconnects before the 204', async () => {
    const { stage } = await start()
    const before = await stage.wait(1)
    const [deleted] = await stage.arrive(() => [stage.begin('DELETE', OWN)])
    ;((await deleted) as ClientRequest).destroy()
    stage.release()
    await Promise.all(before)
    await stage.fake.closed
    await stage.send('GET', WHO_AM_I)
    expect(stage.statuses).toEqual(['POST 204', 'GET 403'])
  })

  it('answers earlier WebSocket messages', async () => {
    const { gateway, id, stage } = await start()
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/websocket?Httpkom-Connection=${id}`)
    await once(socket, 'open')
    const received: unknown[] = []
    socket.on('message', (data) => received.push(JSON.parse(String(data))))
    const closed = once(socket, 'close')
    socket.send(JSON.stringify({ protocol: 'a', ref_no: 1, request: `${USER_ACTIVE}` }))
    await expect.poll(() => stage.fake.received.at(-1)?.call).toBe(USER_ACTIVE)
    const deleted = await stage.arrive(() => [stage.send('DELETE', OWN)])
    socket.send(JSON.stringify({ protocol: 'echo', ref_no: 2, request: 'too late' }))
    stage.release()
    await Promise.all(deleted)
    const [code] = await closed
    expect([code, received]).toEqual([1001, [{ protocol: 'a', ref_no: 1, reply: '' }]])
  })

  it('rejects a later WebSocket only after its own 204', async () => {
    const { gateway, id, stage } = await start()
    const before = await stage.wait(1)
    const deleted = await stage.arrive(() => [stage.send('DELETE', OWN)])
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/websocket?Httpkom-Connection=${id}`)
    socket.on('error', () => undefined)
    const refused = await stage.arrive(() => [
      once(socket, 'unexpected-response').then(([, { statusCode }]) => stage.statuses.push(`WebSocket ${statusCode}`)),
    ])
    stage.release()
    await Promise.all([...before, ...deleted, ...refused])
    expect(stage.statuses).toEqual(['POST 204', 'DELETE 204', 'WebSocket 403'])
  })
})

describe('ending a session that has requests in flight', () => {
  const login = async (gateway: TestGateway, id: string) =>
    await gateway.send('POST', '/kom/sessions/current/login', { id, json: { pers_no: 7, passwd: 'x' } })

  it('DELETE /mine answers them, then itself, and rejects later requests with 403', async () => {
    const { gateway, id, stage } = await start()
    await login(gateway, id)
    const before = await stage.wait(3)
    const deleted = await stage.arrive(() => [stage.send('DELETE', '/kom/sessions/mine')])
    const later = await stage.arrive(() => [stage.send('GET', WHO_AM_I)])
    stage.release()
    await Promise.all([...before, ...deleted, ...later])
    expect(stage.statuses).toEqual([...Array(3).fill('POST 204'), 'DELETE 200', 'GET 403'])
  })

  it('DELETE /mine/<handle> of the own session answers them, then itself, and rejects later requests with 403', async () => {
    const { gateway, id, stage } = await start({ adminKey: ADMIN_KEY })
    await login(gateway, id)
    const { json } = await gateway.send('GET', '/admin/sessions', { headers: { authorization: `Bearer ${ADMIN_KEY}` } })
    const before = await stage.wait(3)
    const deleted = await stage.arrive(() => [stage.send('DELETE', `/kom/sessions/mine/${json.sessions[0].handle}`)])
    stage.release()
    await Promise.all([...before, ...deleted])
    await stage.send('GET', WHO_AM_I)
    expect(stage.statuses).toEqual([...Array(3).fill('POST 204'), 'DELETE 204', 'GET 403'])
  })

  it('DELETE /admin/sessions/<handle> answers them, then itself, and rejects later requests with 403', async () => {
    const { gateway, stage } = await start({ adminKey: ADMIN_KEY })
    const headers = { authorization: `Bearer ${ADMIN_KEY}` }
    const { json } = await gateway.send('GET', '/admin/sessions', { headers })
    const before = await stage.wait(3)
    const deleted = await stage.arrive(() => [
      stage.send('DELETE', `/admin/sessions/${json.sessions[0].handle}`, headers),
    ])
    const later = await stage.arrive(() => [stage.send('GET', WHO_AM_I)])
    stage.release()
    await Promise.all([...before, ...deleted, ...later])
    expect(stage.statuses).toEqual([...Array(3).fill('POST 204'), 'DELETE 204', 'GET 403'])
  })

  it('the end of its record answers them, and rejects later requests with 403', async () => {
    const { gateway, id, stage } = await start({ compat: ['rest-sessions'] })
    const before = await stage.wait(3)
    const kill = await gateway.send('DELETE', `/kom/kill/${id}`)
    expect(kill.json).toEqual({ kill: 1 })
    const later = await stage.arrive(() => [stage.send('GET', WHO_AM_I)])
    stage.release()
    await Promise.all([...before, ...later])
    expect(stage.statuses).toEqual([...Array(3).fill('POST 204'), 'GET 403'])
  })
})
