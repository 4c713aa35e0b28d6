import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import type { TestSettings } from '../support/config.ts'
import { type FakeServer, type Handler, startFakeServer } from '../support/fake-server.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { array, errorReply, fields, h, reply } from '../support/wire.ts'

const LOOKUP = 76
const UCONF = 78
const LOGIN = 62

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start(handler?: Handler, settings: TestSettings = {}) {
  const server = await startFakeServer(handler)
  const gateway = await startTestGateway([{ id: 'kom', port: server.port }], settings)
  closing.push(server.close, gateway.close)
  return { server, gateway, id: await gateway.open() }
}

const address = (gateway: TestGateway, id?: string) =>
  `${gateway.url.replace('http', 'ws')}/websocket${id === undefined ? '' : `?Httpkom-Connection=${id}`}`

async function connect(gateway: TestGateway, id: string) {
  const socket = new WebSocket(address(gateway, id))
  await once(socket, 'open')
  const received: unknown[] = []
  socket.on('message', (data) => received.push(JSON.parse(String(data))))
  const ask = async (...messages: unknown[]) => {
    const wanted = received.length + messages.length
    for (const message of messages) socket.send(typeof message === 'string' ? message : JSON.stringify(message))
    await expect.poll(() => received.length, { interval: 5 }).toBe(wanted)
    return received.slice(-messages.length)
  }
  return { socket, ask }
}

/** Returns the status with which an upgrade is rejected. */
async function refusal(url: string, headers: Record<string, string> = {}): Promise<number> {
  const socket = new WebSocket(url, { headers })
  socket.on('error', () => undefined)
  const [, response] = await once(socket, 'unexpected-response')
  return response.statusCode
}

const received = (server: FakeServer) =>
  server.connections[0]?.received.slice(4).map(({ raw }) => raw.toString('latin1'))

describe('the WebSocket', () => {
  it.each([
    ['27 1', '1', ''],
    ['110 1', '1 1', ''],
    ['80', '5', ''],
    ['86 1Hx', '0 1', ' 0 { }'],
    ['86 1Hx 0 { }', '1 00000000 1 0H', ''],
  ])('rejects a request `%s` with more than 10,000 array elements', async (head, element, tail) => {
    const { gateway, server, id } = await start(({ call, ref }) => {
      if (call === 86) return reply(ref, 1)
      return [27, 80, 110].includes(call) && reply(ref)
    })
    const { ask } = await connect(gateway, id)
    const request = (n: number) => `${head} ${n} { ${`${element} `.repeat(n)}}${tail}`
    const before = received(server)?.length
    const error = { ref_no: 1, error_type: 'protocol-a', error_code: 46, error_status: '10000' }
    for (const n of [10_001, 400_000]) {
      expect(await ask({ protocol: 'a', ref_no: 1, request: request(n) })).toMatchObject([error])
    }
    expect(received(server)?.length).toBe(before)
    expect(await ask({ protocol: 'a', ref_no: 2, request: request(10_000) })).toMatchObject([
      { reply: expect.anything() },
    ])
  })

  it('echoes messages with any reference number', async () => {
    const { gateway, id } = await start()
    const { ask } = await connect(gateway, id)
    expect(await ask({ protocol: 'echo', ref_no: 1, request: 'hej å' })).toEqual([
      { protocol: 'echo', ref_no: 1, reply: 'hej å' },
    ])
    expect(await ask({ protocol: 'echo', ref_no: 'x', request: { a: [1] } })).toEqual([
      { protocol: 'echo', ref_no: 'x', reply: { a: [1] } },
    ])
  })

  it('rejects messages with too many or too deeply nested values, and stays open', async () => {
    const { gateway, id } = await start()
    const { ask } = await connect(gateway, id)
    const [many, deep] = [`[${'0,'.repeat(200_000)}0]`, '['.repeat(30_000) + ']'.repeat(30_000)]
    for (const [ref_no, request] of [
      [many, '1'],
      ['1', many],
    ]) {
      const message = `{"protocol": "echo", "ref_no": ${ref_no}, "request": ${request}}`
      expect(await ask(message)).toEqual([{ ref_no: null, error: 'The message holds more than 10000 values.' }])
    }
    for (const [message, ref_no] of [
      [`{"protocol": "echo", "ref_no": 1, "request": ${deep}}`, 1],
      [`{"protocol": "echo", "ref_no": ${deep}}`, null],
      [`{"ref_no": ${deep}}`, null],
    ]) {
      expect(await ask(message)).toEqual([{ ref_no, error: 'The message is nested too deeply.' }])
    }
    expect(await ask({ protocol: 'echo', ref_no: 2, request: 1 })).toEqual([{ protocol: 'echo', ref_no: 2, reply: 1 }])
  })

  it('accepts JSON in binary frames', async () => {
    const { gateway, id } = await start()
    const { socket } = await connect(gateway, id)
    socket.send(Buffer.from('{"protocol": "echo", "ref_no": 8, "request": "bin"}'), { binary: true })
    const [data] = await once(socket, 'message')
    expect(JSON.parse(String(data))).toEqual({ protocol: 'echo', ref_no: 8, reply: 'bin' })
  })

  it('performs Protocol A calls, and converts between latin-1 and UTF-8', async () => {
    const { server, gateway, id } = await start(({ ref, call }) =>
      call === LOOKUP ? reply(ref, array([fields(h('R\xe4ksm\xf6rg\xe5s'), '1001', 6)])) : undefined,
    )
    const { ask } = await connect(gateway, id)
    expect(
      await ask({ protocol: 'a', ref_no: 2, request: '56' }, { protocol: 'a', ref_no: 3, request: '76 4Hr\xe4ks 1 1' }),
    ).toEqual([
      { protocol: 'a', ref_no: 2, reply: '1' },
      { protocol: 'a', ref_no: 3, reply: '1 { 10HRäksmörgås 1001 6 }' },
    ])
    expect(received(server)).toEqual(['5 56', '6 76 4Hr\xe4ks 1 1'])
  })

  it('writes empty arrays as a server does, and an empty reply as an empty string', async () => {
    const { gateway, id } = await start(({ ref, call }) =>
      call === LOOKUP ? reply(ref, '0 *') : call === 82 && reply(ref),
    )
    const { ask } = await connect(gateway, id)
    const asked = [
      { protocol: 'a', ref_no: 1, request: '76 1Hx 1 1' },
      { protocol: 'a', ref_no: 2, request: '82' },
    ]
    expect(await ask(...asked)).toEqual([
      { protocol: 'a', ref_no: 1, reply: '0 *' },
      { protocol: 'a', ref_no: 2, reply: '' },
    ])
  })

  it('answers concurrent messages in the order of completion', async () => {
    const { gateway, id } = await start(({ ref, call, args }, connection) => {
      if (call !== UCONF) return false
      setTimeout(() => connection.send(reply(ref, h(`no ${args}`), '00001000', 1, 77)), 50 - 10 * Number(args))
      return true
    })
    const { ask } = await connect(gateway, id)
    const answers = await ask(...[1, 2, 3].map((no) => ({ protocol: 'a', ref_no: no, request: `78 ${no}` })))
    expect(answers.map((each) => (each as { ref_no: number }).ref_no)).toEqual([3, 2, 1])
  })

  it('answers errors of the LysKOM server with their code, status and name', async () => {
    const { gateway, id } = await start(({ ref, call }) => call === UCONF && errorReply(ref, 9, 4711))
    const { ask } = await connect(gateway, id)
    expect(await ask({ protocol: 'a', ref_no: 5, request: '78 4711' })).toEqual([
      {
        ref_no: 5,
        error: 'undefined-conference (9), status 4711',
        error_type: 'protocol-a',
        error_code: 9,
        error_status: '4711',
        error_msg: 'UndefinedConference',
      },
    ])
  })

  it.each([
    ['a second call after a line feed', '56\n7 56'],
    ['excess arguments', '56 1'],
    ['missing arguments', '78'],
    ['a negative number', '78 -1'],
    ['a string with a wrong length', '76 4711Hx 1 1'],
    ['a word in place of a number', 'hello'],
    ['an unknown call', '9999'],
    ['a character outside latin-1', '76 1H\u2603 1 1'],
    ['a time format that would confuse the other routes', '120 0'],
  ])('rejects %s without a call to the LysKOM server', async (_, request) => {
    const { server, gateway, id } = await start()
    const { ask } = await connect(gateway, id)
    expect(await ask({ protocol: 'a', ref_no: 1, request })).toEqual([
      expect.objectContaining({ ref_no: 1, error: expect.any(String) }),
    ])
    expect(received(server)).toEqual([])
  })

  it.each([
    ['{nope', null, 'The message is not JSON.'],
    ['[]', null, 'The message is not an object.'],
    ['{"ref_no": 7, "request": "x"}', 7, '"protocol" is missing or invalid.'],
    ['{"protocol": "echo", "request": "x"}', null, '"ref_no" is missing or invalid.'],
    ['{"protocol": "echo", "ref_no": 7}', 7, '"request" is missing or invalid.'],
    ['{"protocol": "b", "ref_no": 6, "request": "x"}', 6, 'Unknown protocol: b'],
    ['{"protocol": "a", "ref_no": 6, "request": 56}', 6, '"request" must be a string.'],
  ])('answers %s with an error and stays open', async (message, ref_no, error) => {
    const { gateway, id } = await start()
    const { ask } = await connect(gateway, id)
    expect(await ask(message)).toEqual([{ ref_no, error }])
    expect(await ask({ protocol: 'echo', ref_no: 1, request: 1 })).toEqual([{ protocol: 'echo', ref_no: 1, reply: 1 }])
  })

  it('shares its login with the routes, and keeps their asynchronous messages enabled', async () => {
    const { server, gateway, id } = await start(({ ref, call }) => {
      if (call === UCONF) return reply(ref, h('A Person'), '1001', '0 77')
      return call === LOGIN && reply(ref)
    })
    const { ask } = await connect(gateway, id)
    await ask({ protocol: 'a', ref_no: 1, request: '62 6 1Hx 0' }, { protocol: 'a', ref_no: 2, request: '80 1 { 15 }' })
    expect(received(server)).toEqual(['5 62 6 1Hx 0', '6 80 2 { 15 5 }'])
    expect((await gateway.send('POST', '/kom/sessions/current/working-conference', { id, json: {} })).status).toBe(400)
  })

  it('rejects a request without a live session, an upgrade or an allowed origin', async () => {
    const { gateway, id } = await start(undefined, { corsOrigins: ['https://good.example'] })
    expect(await refusal(address(gateway))).toBe(403)
    expect(await refusal(address(gateway, '00000000-0000-4000-8000-000000000000'))).toBe(403)
    expect(await refusal(address(gateway, id), { origin: 'https://evil.example' })).toBe(403)
    expect((await gateway.send('GET', '/websocket')).status).toBe(400)
    expect((await gateway.send('GET', '/kom/websocket')).status).toBe(404)
    const good = new WebSocket(address(gateway, id), { headers: { origin: 'https://good.example' } })
    await once(good, 'open')
    good.close()
  })

  it('closes with its session, while the session continues after the WebSocket closes', async () => {
    const { gateway, id } = await start()
    const first = await connect(gateway, id)
    first.socket.close()
    await once(first.socket, 'close')
    const second = await connect(gateway, id)
    const closed = once(second.socket, 'close')
    expect((await gateway.send('DELETE', '/kom/sessions/0', { id })).status).toBe(204)
    expect((await closed)[0]).toBe(1001)
  })

  it('suspends the idle timeout of its session while it is open', async () => {
    const { gateway, id } = await start(undefined, { sessionIdleMs: 100 })
    const { socket } = await connect(gateway, id)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect((await gateway.send('GET', '/kom/sessions/current/who-am-i', { id })).status).toBe(200)
    socket.close()
    const active = async () => (await gateway.send('GET', '/stats')).json['komgate.sessions.active.last']
    await expect.poll(active).toBe(0)
  })

  it('closes on a message over the size limit', async () => {
    const { gateway, id } = await start(undefined, { maxBodyBytes: 1000 })
    const { socket } = await connect(gateway, id)
    socket.send('x'.repeat(1001))
    const [code] = await once(socket, 'close')
    expect(code).toBe(1009)
  })

  it('closes when the gateway shuts down', async () => {
    const { gateway, id } = await start()
    const { socket } = await connect(gateway, id)
    const closed = once(socket, 'close')
    await gateway.close()
    expect((await closed)[0]).toBe(1001)
  })
})

it('the base path precedes every path, the location of a new text included', async () => {
  const { gateway } = await start(({ ref, call }) => (call === LOGIN ? reply(ref) : call === 86 && reply(ref, 7)), {
    basePath: '/kom/api',
  })
  const id = await gateway.open()
  expect((await gateway.send('GET', '')).status).toBe(200)
  const elsewhere = await fetch(gateway.url.replace('/kom/api', '/kom/sessions/current/who-am-i'))
  expect(elsewhere.status).toBe(404)
  await gateway.send('POST', '/kom/sessions/current/login', { id, json: { pers_no: 6, passwd: 'x' } })
  const json = { subject: 's', body: 'b', content_type: 'text/plain' }
  const made = await gateway.send('POST', '/kom/texts/', { id, json })
  expect([made.status, made.headers.get('location')]).toEqual([201, '/kom/api/kom/texts/7'])
})
