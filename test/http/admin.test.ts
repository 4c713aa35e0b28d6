import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { TestSettings } from '../support/config.ts'
import { type Handler, startFakeServer } from '../support/fake-server.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { errorReply, reply } from '../support/wire.ts'

const KEY = 'a-key-of-sixteen-letters-or-more'
const headers = { authorization: `Bearer ${KEY}` }
const WHO_AM_I = '/kom/sessions/current/who-am-i'
const LOGIN = 62

const ROUTES = [
  ['GET', '/admin/sessions'],
  ['DELETE', '/admin/sessions/0123456789ab'],
  ['GET', '/admin/sessions/0123456789ab/trace'],
  ['GET', '/admin/servers'],
  ['POST', '/admin/servers/kom/check'],
  ['GET', '/admin/figures'],
  ['GET', '/admin/settings'],
] as const

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start(handler?: Handler, settings: TestSettings = {}) {
  const server = await startFakeServer(handler)
  const gateway = await startTestGateway([{ id: 'kom', port: server.port }], { adminKey: KEY, ...settings })
  closing.push(server.close, gateway.close)
  return { server, gateway }
}

async function sessions(gateway: TestGateway) {
  const { status, json } = await gateway.send('GET', '/admin/sessions', { headers })
  expect(status).toBe(200)
  return json.sessions
}

describe('the admin API', () => {
  it.each(ROUTES)('requires the admin key for %s %s', async (method, path) => {
    const { gateway } = await start()
    for (const authorization of ['', 'Bearer', `Bearer ${KEY}x`, `Bearer ${KEY.slice(1)}`, `Basic ${KEY}`, KEY]) {
      const { status, json } = await gateway.send(method, path, { headers: { authorization } })
      expect([status, json.error_type]).toEqual([401, 'httpkom'])
    }
    expect((await gateway.send(method, path)).status).toBe(401)
    expect((await gateway.send(method, path, { headers })).status).not.toBe(401)
  })

  it('rejects keys of applications, also the key of the app *', async () => {
    const { gateway } = await start(undefined, {
      appKeys: [
        { app: '*', key: 'of-every-app' },
        { app: 'admin', key: 'of-an-app' },
      ],
    })
    for (const key of ['of-every-app', 'of-an-app']) {
      const answer = await gateway.send('GET', '/admin/sessions', { headers: { authorization: `Bearer ${key}` } })
      expect(answer.status).toBe(401)
    }
  })

  it.each(ROUTES)('answers 404 to %s %s without an admin key', async (method, path) => {
    const { gateway } = await start(undefined, { adminKey: '' })
    for (const authorization of [undefined, 'Bearer ', `Bearer ${KEY}`]) {
      const answer = await gateway.send(method, path, authorization === undefined ? {} : { headers: { authorization } })
      expect([answer.status, answer.json.error_type]).toEqual([404, 'httpkom'])
    }
  })
})

describe('sessions in the admin API', () => {
  it('GET lists each session with all its properties except the id', async () => {
    const { gateway } = await start(({ ref, call }) => call === LOGIN && reply(ref), {
      sessionIdleMs: 60_000,
      loginIdleMs: 90_000,
    })
    expect(await sessions(gateway)).toEqual([])
    const id = await gateway.open()
    const other = await gateway.open()
    await gateway.send('POST', '/kom/sessions/current/login', { id, json: { pers_no: 6, passwd: 'x' } })
    const list = await sessions(gateway)
    expect(list).toEqual([
      {
        handle: expect.stringMatching(/^[0-9a-f]{12}$/),
        server: 'kom',
        session_no: 1,
        pers_no: 6,
        client: 'test 1.0',
        address: '127.0.0.1',
        idle: 0,
        calls: 6,
        lease: 90,
      },
      expect.objectContaining({ session_no: 2, pers_no: null, calls: 4, lease: 60 }),
    ])
    for (const secret of [id, other]) expect(JSON.stringify(list)).not.toContain(secret)
    expect(gateway.log.join('')).toContain(list[0].handle)
  })

  it('DELETE ends a session by its handle, and sends disconnect to the LysKOM server', async () => {
    const { server, gateway } = await start()
    const id = await gateway.open()
    const other = await gateway.open()
    const [{ handle }] = await sessions(gateway)
    expect((await gateway.send('DELETE', `/admin/sessions/${handle}`, { headers })).status).toBe(204)
    expect(server.connections[0]?.received.at(-1)?.raw.toString()).toMatch(/^\d+ 55 0$/)
    expect((await gateway.send('GET', WHO_AM_I, { id })).status).toBe(403)
    expect((await gateway.send('GET', WHO_AM_I, { id: other })).status).toBe(200)
    const again = await gateway.send('DELETE', `/admin/sessions/${handle}`, { headers })
    expect([again.status, again.json.error_msg]).toEqual([404, 'There is no such session.'])
    expect(gateway.log.map((line) => JSON.parse(line)).find(({ msg }) => msg === 'session closed')).toMatchObject({
      session: handle,
      reason: 'admin',
    })
  })
})

describe('GET /admin/sessions/<handle>/trace', () => {
  it('streams the traffic of one session without its contents', async () => {
    const { server, gateway } = await start(({ ref, call, args }) => {
      if (call === LOGIN) return args.toString().includes('Lilliput') ? reply(ref) : errorReply(ref, 4, 6)
      return call === 25 && reply(ref, '21HThe secret of the text')
    })
    const id = await gateway.open()
    const other = await gateway.open()
    const trace = await follow(gateway)
    const login = (passwd: string) =>
      gateway.send('POST', '/kom/sessions/current/login', { id, json: { pers_no: 6, passwd } })
    await login('Brobdingnag')
    await login('Lilliput')
    await gateway.send('GET', WHO_AM_I, { id: other })
    server.connections[0]?.send(':2 9 6 1\n:1 4711 3\n')
    await gateway.send('GET', '/kom/texts/1', { id })
    await gateway.send('DELETE', '/kom/sessions/0', { id })
    await trace.ended

    const seen = trace.events.map(({ direction, kind, name }) => `${direction} ${kind} ${name}`)
    expect(seen.slice(0, 4)).toEqual(['out call login', 'in error login', 'out call login', 'in reply login'])
    expect(seen).toContain('in message async-login')
    expect(seen).toContain('in message unknown')
    expect(seen).toContain('out call get-text')
    expect(seen.at(-1)).toBe('out call disconnect')
    expect(seen).not.toContain('out call who-am-i')
    const [call, error] = trace.events
    // The length of the call would reveal the length of the password.
    expect(call).toEqual({ direction: 'out', kind: 'call', name: 'login', ref_no: 5 })
    expect(error).toEqual({
      direction: 'in',
      kind: 'error',
      name: 'login',
      ref_no: 5,
      error: 'invalid-password',
      bytes: '%5 4 6\n'.length,
      ms: expect.any(Number),
    })
    expect(trace.text()).toContain('event: end\ndata: {"reason":"connection-closed"}')
    for (const secret of ['Brobdingnag', 'Lilliput', 'secret', id, other]) expect(trace.text()).not.toContain(secret)
  })

  it('answers 404 for an unknown session, and streams every event after the request', async () => {
    const { server, gateway } = await start()
    const none = await gateway.send('GET', '/admin/sessions/0123456789ab/trace', { headers })
    expect([none.status, none.json.error_type]).toEqual([404, 'httpkom'])
    await gateway.open()
    const trace = await follow(gateway)
    expect(trace.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect([trace.headers.get('cache-control'), trace.headers.get('x-accel-buffering')]).toEqual(['no-store', 'no'])
    server.connections[0]?.end()
    await trace.ended
    expect(trace.events).toEqual([])
    expect(trace.text()).toContain('{"reason":"connection-ended"}')
  })

  it('frees its slot when the client disconnects, and takes none for HEAD', async () => {
    const { gateway } = await start()
    await gateway.open()
    // More than the limit of concurrent traces, one after the other.
    for (let i = 0; i < 10; i++) (await follow(gateway)).leave()
    const [{ handle }] = await sessions(gateway)
    const path = `/admin/sessions/${handle}/trace`
    for (let i = 0; i < 10; i++) expect((await gateway.send('HEAD', path, { headers })).status).toBe(200)
    const traces = await Promise.all(Array.from({ length: 8 }, () => follow(gateway)))
    const tooMany = await gateway.send('GET', path, { headers })
    expect([tooMany.status, tooMany.json.error_msg]).toEqual([503, 'No more than 8 traces can run at the same time.'])
    traces[0]?.leave()
    await expect.poll(() => follow(gateway).then(() => true)).toBe(true)
  })

  it.each(['websocket', 'h2c', 'nothing-known'])(
    'takes no slot for a request with Upgrade: %s that disconnects',
    async (upgrade) => {
      const { gateway } = await start()
      await gateway.open()
      const [{ handle }] = await sessions(gateway)
      const { hostname, port } = new URL(gateway.url)
      for (let n = 0; n < 10; n++) {
        const socket = connect(Number(port), hostname)
        const upgrading = `Connection: Upgrade\r\nUpgrade: ${upgrade}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${'A'.repeat(22)}==\r\n`
        const head = `Host: x\r\nAuthorization: Bearer ${KEY}\r\n${upgrading}\r\n`
        socket.write(`GET /admin/sessions/${handle}/trace HTTP/1.1\r\n${head}`)
        await once(socket, 'data')
        socket.destroy()
      }
      const traced = () =>
        follow(gateway).then(
          ({ leave }) => leave() ?? true,
          () => false,
        )
      await expect.poll(traced).toBe(true)
    },
  )

  it('ends at shutdown without delaying it', async () => {
    const { gateway } = await start()
    await gateway.open()
    const trace = await follow(gateway)
    const started = performance.now()
    await gateway.close()
    await trace.ended
    expect(performance.now() - started).toBeLessThan(5000)
    expect(trace.text()).toContain('{"reason":"shutdown"}')
  })

  it('buffers a bounded number of events for a client that reads nothing', async () => {
    const { gateway } = await start()
    const id = await gateway.open()
    const [{ handle }] = await sessions(gateway)
    const abort = new AbortController()
    const response = await fetch(`${gateway.url}/admin/sessions/${handle}/trace`, { headers, signal: abort.signal })
    expect(response.status).toBe(200)
    for (let i = 0; i < 50; i++) {
      await Promise.all(Array.from({ length: 20 }, () => gateway.send('GET', WHO_AM_I, { id })))
    }
    abort.abort()
    expect((await gateway.send('GET', WHO_AM_I, { id })).status).toBe(200)
  })
})

interface Traced {
  direction: string
  kind: string
  name: string
}

/** Traces the first session. */
async function follow(gateway: TestGateway) {
  const [{ handle }] = await sessions(gateway)
  const abort = new AbortController()
  const response = await fetch(`${gateway.url}/admin/sessions/${handle}/trace`, { headers, signal: abort.signal })
  expect(response.status).toBe(200)
  let text = ''
  const events: Traced[] = []
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder()
    for await (const chunk of response.body as ReadableStream<Uint8Array>) text += decoder.decode(chunk)
  }
  const ended = read()
    .catch(() => undefined)
    .then(() => {
      for (const [, data] of text.matchAll(/^data: (\{"direction".*)$/gm)) events.push(JSON.parse(data as string))
    })
  // The trace misses no event after its first comment.
  await expect.poll(() => text).toMatch(/^:/)
  return { headers: response.headers, events, ended, text: () => text, leave: () => abort.abort() }
}
