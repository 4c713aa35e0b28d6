import { afterEach, describe, expect, it } from 'vitest'
import { listen } from '../../src/http/node/listener.ts'
import { UnreadBudget } from '../../src/http/node/unread-budget.ts'
import { DEFAULTS } from '../support/config.ts'
import { type FakeConnection, startFakeServer } from '../support/fake-server.ts'
import { startTestGateway } from '../support/gateway.ts'
import { openRaw, rawRequest, statuses, WEBSOCKET_FIELDS } from '../support/raw-http.ts'
import { reply } from '../support/wire.ts'

const ACTIVE = 82
const GARBAGE = 'this is not HTTP\r\n\r\n'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A gateway on a LysKOM server that answers user-active only when the test releases it. */
async function start(settings = {}) {
  const server = await startFakeServer(({ call }) => call === ACTIVE)
  const gateway = await startTestGateway([{ id: 'kom', port: server.port }], settings)
  closing.push(server.close, gateway.close)
  const id = await gateway.open()
  const fake = server.connections[0] as FakeConnection
  const asked = () => fake.received.filter(({ call }) => call === ACTIVE)
  const raw = await openRaw(gateway.url)
  closing.push(async () => void raw.socket.destroy())
  return {
    gateway,
    raw,
    id,
    asked,
    post: rawRequest('POST', '/kom/sessions/current/active', { 'Httpkom-Connection': id }),
    whoAmI: rawRequest('GET', '/kom/sessions/current/who-am-i', { 'Httpkom-Connection': id }),
    /** Resolves when the LysKOM server has received `n` calls of user-active. */
    reached: (n: number) => expect.poll(() => asked().length, { interval: 2 }).toBe(n),
    finish: (n: number) => fake.send(reply(asked()[n]?.ref as number)),
  }
}

/** Serves `respond` without a gateway. */
async function serve(respond: (path: string) => Response | Promise<Response>) {
  const listener = await listen(async (request) => await respond(new URL(request.url).pathname), {
    http: { ...DEFAULTS, port: 0 },
    unreadBudget: new UnreadBudget(DEFAULTS),
  })
  closing.push(() => listener.close())
  const raw = await openRaw(listener.url)
  closing.push(async () => void raw.socket.destroy())
  return raw
}

describe('pipelined requests', () => {
  it('the gateway handles them one after the other, and answers in order', async () => {
    const { raw, post, whoAmI, reached, finish, asked } = await start()
    raw.socket.write(post + post + whoAmI)
    await reached(1)
    expect(raw.text).toBe('')
    finish(0)
    await reached(2)
    expect(statuses(raw.text)).toEqual([204])
    finish(1)
    await raw.received(/"person"/)
    expect(statuses(raw.text)).toEqual([204, 204, 200])
    expect(asked()).toHaveLength(2)
  })

  it('the gateway answers all of them, however many arrive at once', async () => {
    const raw = await serve((path) => new Response(`<${path}>`))
    const paths = Array.from({ length: 3000 }, (_, i) => `/${i}`)
    raw.socket.write(paths.map((path) => rawRequest('GET', path)).join(''))
    await raw.received(/<\/2999>/)
    expect([...raw.text.matchAll(/<([^>]+)>/g)].map(([, path]) => path)).toEqual(paths)
  })

  it('the gateway reads their bodies, also when these arrive in pieces', async () => {
    const listener = await listen(async (request) => new Response(`<${(await request.text()).length}>`), {
      http: { ...DEFAULTS, port: 0 },
      unreadBudget: new UnreadBudget(DEFAULTS),
    })
    closing.push(() => listener.close())
    const raw = await openRaw(listener.url)
    const sizes = [1, 100_000, 0, 300_000, 70_000]
    raw.socket.write(
      sizes.map((size) => rawRequest('POST', '/', { 'Content-Length': `${size}` }, 'x'.repeat(size))).join(''),
    )
    await raw.received(/<70000>/)
    expect([...raw.text.matchAll(/<(\d+)>/g)].map(([, size]) => Number(size))).toEqual(sizes)
    raw.socket.destroy()
  })
})

describe('an invalid pipelined request', () => {
  it('the gateway answers 400 after the responses to earlier requests', async () => {
    const { raw, post, reached, finish } = await start()
    raw.socket.write(post + post + GARBAGE)
    await reached(1)
    raw.socket.write(GARBAGE)
    expect(raw.text).toBe('')
    finish(0)
    await reached(2)
    finish(1)
    const text = await raw.closed()
    expect(statuses(text)).toEqual([204, 204, 400])
    expect(text).toContain('"error_msg":"The request is not HTTP."')
  })

  it.each([
    [
      'a body that breaks its encoding',
      `${rawRequest('POST', '/kom/sessions/', { 'Transfer-Encoding': 'chunked' })}zz\r\n`,
      400,
      {},
    ],
    ['a head over the limit', rawRequest('GET', `/${'x'.repeat(3000)}`), 431, { maxHeaderBytes: 2000 }],
    ['a head that comes too slowly', 'GET / HTTP/1.1\r\nX:', 408, { httpHeadersMs: 100 }],
    [
      'a body that comes too slowly',
      rawRequest('POST', '/kom/sessions/', { 'Content-Length': '9' }),
      408,
      { httpHeadersMs: 50, httpRequestMs: 100 },
    ],
  ])('the gateway rejects %s after the response to the earlier request', async (_, broken, status, settings) => {
    const { raw, post, reached, finish, gateway } = await start(settings)
    raw.socket.write(post + broken)
    await reached(1)
    if (status === 408) {
      await expect
        .poll(async () => (await gateway.send('GET', '/metrics')).text, { interval: 20 })
        .toMatch(/limit="request-time"\} 1/)
    }
    expect(raw.text).toBe('')
    finish(0)
    expect(statuses(await raw.closed())).toEqual([204, status])
  })

  it('the gateway answers 400 immediately if there is no earlier request', async () => {
    const { raw } = await start()
    raw.socket.write(GARBAGE)
    expect(statuses(await raw.closed())).toEqual([400])
  })
})

describe('a pipelined upgrade', () => {
  it('the gateway opens a WebSocket after the responses to earlier requests', async () => {
    const { raw, post, id, reached, finish } = await start()
    raw.socket.write(post + post + rawRequest('GET', `/websocket?Httpkom-Connection=${id}`, WEBSOCKET_FIELDS))
    await reached(1)
    expect(raw.text).toBe('')
    finish(0)
    await reached(2)
    expect(statuses(raw.text)).toEqual([204])
    finish(1)
    await raw.received(/ 101 /)
    expect(statuses(raw.text)).toEqual([204, 204, 101])
  })

  it('the gateway rejects an upgrade after the responses to earlier requests', async () => {
    const { raw, post, reached, finish } = await start()
    raw.socket.write(post + rawRequest('GET', '/websocket', WEBSOCKET_FIELDS))
    await reached(1)
    finish(0)
    const text = await raw.closed()
    expect(statuses(text)).toEqual([204, 403])
    expect(text).toContain('"error_msg":"There is no such session."')
  })

  it('the gateway ignores an upgrade without losing bytes of an earlier large response or of later requests', async () => {
    const pieces = 40
    const large = () => {
      let left = pieces
      return new ReadableStream({
        pull(controller) {
          if (left-- > 0) controller.enqueue(new Uint8Array(100_000).fill(0x61))
          else controller.close()
        },
      })
    }
    const raw = await serve((path) => new Response(path === '/large' ? large() : `<${path}>`))
    const h2c = { Connection: 'Upgrade', Upgrade: 'h2c' }
    raw.socket.write(
      rawRequest('GET', '/large') +
        rawRequest('GET', '/a', h2c) +
        rawRequest('GET', '/b', h2c) +
        rawRequest('GET', '/c'),
    )
    await raw.received(/<\/c>/)
    expect(raw.text.match(/a{20000,}/g)?.join('').length).toBeGreaterThan(0)
    expect(raw.text.replaceAll(/[^a]/g, '').length).toBeGreaterThan(pieces * 100_000)
    expect([...raw.text.matchAll(/<([^>]+)>/g)].map(([, path]) => path)).toEqual(['/a', '/b', '/c'])
  })
})
