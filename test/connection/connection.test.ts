import { afterEach, describe, expect, it } from 'vitest'
import { connect } from '../../src/connection/connect.ts'
import type { Connection } from '../../src/connection/connection.ts'
import type { ConnectionError } from '../../src/connection/errors.ts'
import { DEFAULT_CONNECTION_SETTINGS } from '../../src/connection/settings.ts'
import type { AsyncMessage } from '../../src/protocol/messages.ts'
import { connectTo } from '../support/connection.ts'
import {
  type FakeConnection,
  type FakeRequest,
  type FakeServer,
  type Handler,
  startFakeServer,
} from '../support/fake-server.ts'
import { errorReply, h, message, reply, time, wire } from '../support/wire.ts'

const WHO_AM_I = 56
const GET_TIME = 35
const GET_TEXT = 25
const LOGIN = 62

const servers: FakeServer[] = []
const connections: Connection[] = []

afterEach(async () => {
  for (const connection of connections.splice(0)) await connection.close()
  for (const server of servers.splice(0)) await server.close()
})

async function serve(...args: Parameters<typeof startFakeServer>): Promise<FakeServer> {
  const server = await startFakeServer(...args)
  servers.push(server)
  return server
}

async function open(port: number, ...rest: [Parameters<typeof connectTo>[1]?, Parameters<typeof connectTo>[2]?]) {
  const connection = await connectTo(port, ...rest)
  connections.push(connection)
  return connection
}

/** Passes requests for `call` after the handshake to `handler`. All other requests get the default replies. */
function on(call: number, handler: Handler): Handler {
  return (request, connection) =>
    request.call === call && connection.received.length > 4 ? handler(request, connection) : undefined
}

const text = (connection: Connection, no = 1) => connection.call('get-text', { text: no, startChar: 0, endChar: 9 })
const failure = (promise: Promise<unknown>): Promise<ConnectionError> =>
  promise.then(
    () => Promise.reject(new Error('the promise was fulfilled')),
    (error: ConnectionError) => error,
  )

describe('connect', () => {
  it('sends the client name and all handshake calls in one round trip, before the greeting arrives', async () => {
    const server = await serve(() => true, { greeting: 'stall' })
    const opening = open(server.port, { connectTimeoutMs: 100 })
    await expect(opening).rejects.toMatchObject({ code: 'connect-timeout' })
    const [connection] = server.connections
    expect(connection?.hello).toBe('A17Hkomgate%192.0.2.7')
    expect(connection?.received.map(({ raw }) => raw.toString('latin1'))).toEqual([
      '1 120 1',
      '2 69 4Htest 3H1.0',
      '3 80 0 { }',
      '4 56',
    ])
  })

  it('reads the session number and requests the asynchronous messages it accepts', async () => {
    const server = await serve()
    const connection = await open(server.port, {}, ['async-new-name', 'async-new-text'])
    expect(connection.sessionNo).toBe(1)
    expect(server.connections[0]?.received[2]?.raw.toString()).toBe('3 80 2 { 5 15 }')
  })

  it('accepts a server without UTC times and without some asynchronous messages', async () => {
    const server = await serve(({ ref, call }) =>
      call === 120 ? errorReply(ref, 2) : call === 80 ? errorReply(ref, 50, 22) : undefined,
    )
    expect((await open(server.port)).dead).toBeUndefined()
  })

  it("rejects with the server's error when the server refuses the client name, and closes the connection", async () => {
    const server = await serve(({ ref, call }) => (call === 69 ? errorReply(ref, 5, 60) : undefined))
    await expect(open(server.port)).rejects.toMatchObject({ errorName: 'string-too-long', errorStatus: 60 })
    await server.connections[0]?.closed
  })

  it.each([
    ['has no connections left', 'refuse', 'server-full'],
    ['allows no logins', Buffer.from('%% No logins allowed.\n'), 'connect-refused'],
    ['sends another greeting', Buffer.from('220 smtp ready\n'), 'not-lyskom'],
    ['sends an endless greeting', Buffer.alloc(40_000_000, 'x'), 'not-lyskom'],
  ] as const)('rejects when the server %s', async (_, greeting, code) => {
    const server = await serve(() => undefined, { greeting })
    await expect(open(server.port)).rejects.toMatchObject({ code })
    await server.connections[0]?.closed
  })

  it('rejects when no server listens', async () => {
    const server = await startFakeServer()
    await server.close()
    await expect(open(server.port)).rejects.toMatchObject({ code: 'unreachable' })
  })

  it('rejects when the server closes the connection instead of replying', async () => {
    const server = await serve(({ call }, connection) => {
      if (call === WHO_AM_I) connection.reset()
      return true
    })
    await expect(open(server.port)).rejects.toMatchObject({ code: 'unreachable' })
  })
})

describe('Connection.call', () => {
  it('matches replies to calls in any order', async () => {
    const held: FakeRequest[] = []
    const server = await serve(
      on(GET_TEXT, (request, connection) => {
        held.push(request)
        if (held.length === 5)
          for (const { ref, args } of held.reverse()) connection.send(reply(ref, h(args.subarray(0, 1))))
        return true
      }),
    )
    const connection = await open(server.port)
    const texts = await Promise.all([1, 2, 3, 4, 5].map((no) => text(connection, no)))
    expect(texts.map(String)).toEqual(['1', '2', '3', '4', '5'])
  })

  it("rejects with the server's error and its status", async () => {
    const server = await serve(on(GET_TEXT, ({ ref }) => errorReply(ref, 14, 4711)))
    const connection = await open(server.port)
    await expect(text(connection)).rejects.toMatchObject({
      errorName: 'no-such-text',
      errorCode: 14,
      errorStatus: 4711,
    })
  })

  it('rejects only the call whose reply is unreadable', async () => {
    const server = await serve(on(GET_TEXT, ({ ref }) => reply(ref, 'nonsense')))
    const connection = await open(server.port)
    await expect(text(connection)).rejects.toMatchObject({ name: 'ProtocolError', code: 'unreadable' })
    await expect(connection.call('who-am-i')).resolves.toBe(1)
  })

  it('rejects parameters that cannot be written with an error that names the field, and sends nothing', async () => {
    const server = await serve()
    const connection = await open(server.port)
    const bad = connection.call('login', { person: -1, passwd: 'x', invisible: false })
    await expect(bad).rejects.toMatchObject({ code: 'unwritable', message: expect.stringMatching(/^person: /) })
    await connection.call('who-am-i')
    expect(server.connections[0]?.received.map(({ call }) => call)).toEqual([120, 69, 80, WHO_AM_I, WHO_AM_I])
  })

  it('sends 20 calls at a time, in the order in which they were made', async () => {
    const held: FakeRequest[] = []
    let most = 0
    const server = await serve(
      on(GET_TEXT, (request) => {
        held.push(request)
        most = Math.max(most, held.length)
        return true
      }),
    )
    const connection = await open(server.port)
    const order: number[] = []
    const make = (no: number) =>
      connection.call('get-text', { text: no, startChar: 0, endChar: 9 }).then(() => order.push(no))
    const numbers = Array.from({ length: 35 }, (_, i) => i)
    const calls = numbers.map(make)
    const [fake] = server.connections as [FakeConnection]
    const inFlight = () => held.length
    await expect.poll(inFlight).toBe(20)
    while (order.length < calls.length) {
      const done = order.length
      const next = held.shift() as FakeRequest
      fake.send(reply(next.ref, h('x')))
      await expect.poll(() => order.length, { interval: 2 }).toBe(done + 1)
    }
    await Promise.all(calls)
    expect(most).toBe(20)
    expect(order).toEqual(numbers)
  })

  it('sends an exclusive call after the calls before it, and later calls after it', async () => {
    const seen: string[] = []
    const server = await serve((request, connection) => {
      if (connection.received.length <= 4) return undefined
      seen.push(`${request.call} begins`)
      setTimeout(() => {
        seen.push(`${request.call} ends`)
        connection.send(request.call === GET_TEXT ? reply(request.ref, h('x')) : reply(request.ref))
      }, 20)
      return true
    })
    const connection = await open(server.port)
    const before = text(connection)
    const login = connection.call('login', { person: 5, passwd: 'x', invisible: false }, { exclusive: true })
    const behind = text(connection)
    await Promise.all([before, login, behind])
    expect(seen).toEqual([
      `${GET_TEXT} begins`,
      `${GET_TEXT} ends`,
      `${LOGIN} begins`,
      `${LOGIN} ends`,
      `${GET_TEXT} begins`,
      `${GET_TEXT} ends`,
    ])
  })

  it('runs one exclusive call at a time', async () => {
    let running = 0
    let most = 0
    const server = await serve(
      on(LOGIN, ({ ref }, connection) => {
        most = Math.max(most, ++running)
        setTimeout(() => {
          running--
          connection.send(reply(ref))
        }, 10)
        return true
      }),
    )
    const connection = await open(server.port)
    const login = () => connection.call('login', { person: 5, passwd: 'x', invisible: false }, { exclusive: true })
    await Promise.all([login(), login(), login(), connection.call('who-am-i')])
    expect(most).toBe(1)
  })

  it('closes the connection after an exclusive call without a reply, since the logged-in person is unknown', async () => {
    const server = await serve(on(LOGIN, () => true))
    const connection = await open(server.port, { callTimeoutMs: 50 })
    const login = connection.call('login', { person: 5, passwd: 'x', invisible: false }, { exclusive: true })
    expect((await failure(login)).code).toBe('call-timeout')
    expect(connection.dead?.code).toBe('connection-silent')
  })

  it('keeps a call in the in-flight window until the server replies, even after its deadline', async () => {
    const held: FakeRequest[] = []
    const server = await serve(
      on(GET_TEXT, (request) => {
        held.push(request)
        return true
      }),
    )
    const connection = await open(server.port, { callTimeoutMs: 300 })
    const late = await Promise.all(Array.from({ length: 20 }, () => failure(text(connection))))
    expect(new Set(late.map((error) => error.code))).toEqual(new Set(['call-timeout']))
    const next = text(connection)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(held).toHaveLength(20)
    const [fake] = server.connections as [FakeConnection]
    fake.send(reply((held[0] as FakeRequest).ref, h('late')))
    await expect.poll(() => held.length, { interval: 2 }).toBe(21)
    fake.send(reply((held[20] as FakeRequest).ref, h('x')))
    expect(String(await next)).toBe('x')
  })

  it('limits the bytes of waiting calls', async () => {
    const server = await serve(on(86, () => true))
    const connection = await open(server.port)
    const large = { text: Buffer.alloc(30_000_000, 'x'), miscInfo: [], auxItems: [] }
    const waiting = [1, 2].map(() => failure(connection.call('create-text', large)))
    await expect(connection.call('create-text', large)).rejects.toMatchObject({ code: 'too-many-calls' })
    await expect(connection.call('who-am-i')).resolves.toBe(1)
    await connection.close()
    expect((await Promise.all(waiting)).map((error) => error.code)).toEqual(['connection-closed', 'connection-closed'])
  })

  it('limits the number of waiting calls', async () => {
    const server = await serve(on(GET_TEXT, () => true))
    const connection = await open(server.port)
    const waiting = Array.from({ length: 4096 }, () => failure(text(connection)))
    await expect(text(connection)).rejects.toMatchObject({ code: 'too-many-calls' })
    await connection.close()
    expect(new Set((await Promise.all(waiting)).map((error) => error.code))).toEqual(new Set(['connection-closed']))
  })

  it('times calls out one by one, ignores a late reply and keeps the connection', async () => {
    const server = await serve(
      on(GET_TEXT, ({ ref }, connection) => {
        setTimeout(() => connection.send(reply(ref, h('late'))), 700)
        return true
      }),
    )
    const connection = await open(server.port, { callTimeoutMs: 400 })
    await expect(text(connection)).rejects.toMatchObject({ code: 'call-timeout' })
    await expect(connection.call('who-am-i')).resolves.toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect(connection.dead).toBeUndefined()
  })

  it('never sends a call that times out in the queue', async () => {
    const server = await serve(on(GET_TEXT, () => true))
    const connection = await open(server.port, { callTimeoutMs: 50 })
    const codes = await Promise.all(Array.from({ length: 30 }, () => failure(text(connection))))
    expect(new Set(codes.map((error) => error.code))).toEqual(new Set(['call-timeout']))
    const sent = server.connections[0]?.received.filter(({ call }) => call === GET_TEXT)
    expect(sent?.length).toBeLessThanOrEqual(20)
  })
})

describe('Connection while a call waits', () => {
  /** Replies in several packets, and sends each only after the client has sent bytes, as Nagle's algorithm does. */
  const inPackets =
    (packets: (ref: number) => Buffer[]): Handler =>
    ({ ref }, connection) => {
      const rest = packets(ref)
      const next = (): void => {
        const packet = rest.shift()
        if (packet === undefined) return
        connection.send(packet)
        connection.socket.once('data', next)
      }
      next()
      return true
    }

  it.each([
    ['an asynchronous message precedes the reply', (ref: number) => [message(9, 5, 2), reply(ref, h('x'))]],
    ['the reply arrives in two parts', (ref: number) => [wire('=', ref, ' 1'), wire('Hx\n')]],
    [
      'the reply arrives in many parts',
      (ref: number) => [...wire('=', ref, ' 1Hx\n')].map((byte) => Buffer.from([byte])),
    ],
  ])('sends an acknowledgement immediately and makes no further call when %s', async (_, packets) => {
    const server = await serve(on(GET_TEXT, inPackets(packets)))
    const connection = await open(server.port)
    expect(String(await text(connection))).toBe('x')
    expect(server.connections[0]?.received.map(({ call }) => call)).toEqual([120, 69, 80, WHO_AM_I, GET_TEXT])
  })

  it('sends no acknowledgement when no call waits', async () => {
    const server = await serve(on(GET_TEXT, ({ ref }) => reply(ref, h('x'))))
    const connection = await open(server.port)
    await text(connection)
    const [fake] = server.connections as [FakeConnection]
    const before = fake.socket.bytesRead
    fake.send(message(9, 5, 2))
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(fake.socket.bytesRead).toBe(before)
  })
})

describe('Connection messages', () => {
  it('emits asynchronous messages as typed events and skips unknown and unreadable ones', async () => {
    const server = await serve()
    const connection = await open(server.port)
    const got: AsyncMessage[] = []
    connection.on('message', (each) => got.push(each))
    server.connections[0]?.send(
      message(99, 1, h('=1 2\n:2 9 5 2\n')),
      wire(':2 9 what\n'),
      message(5, 119, h('Old'), h('N\xe5w')),
    )
    await expect
      .poll(() => got)
      .toEqual([{ name: 'async-new-name', params: { confNo: 119, oldName: 'Old', newName: 'Nåw' } }])
    await expect(connection.call('who-am-i')).resolves.toBe(1)
  })
})

describe('Connection failures', () => {
  /**
   * Makes five calls, of which `fail` handles the last. Checks that each is rejected once with `code`, that the
   * connection is closed with the same error and that later calls are rejected.
   */
  const expectFailure = async (fail: Handler, code: string, settings = {}) => {
    let waiting = 0
    const server = await serve((request, connection) =>
      request.call === GET_TEXT ? ++waiting < 5 || fail(request, connection) : undefined,
    )
    const connection = await open(server.port, settings)
    const closes: string[] = []
    connection.on('close', (reason) => closes.push(reason.code))
    const settled: string[] = []
    const calls = [1, 2, 3, 4, 5].map(async (no) => settled.push((await failure(text(connection, no))).code))
    await Promise.all(calls)
    expect(settled).toEqual(Array(5).fill(code))
    expect(closes).toEqual([code])
    expect(connection.dead?.code).toBe(code)
    await expect(connection.call('who-am-i')).rejects.toBe(connection.dead)
    await connection.close()
    expect(closes).toEqual([code])
    return connection
  }
  const sendBytes =
    (bytes: Buffer): Handler =>
    (_, connection) => {
      connection.send(bytes)
      return true
    }

  it('rejects all waiting calls when the server closes the connection', async () => {
    await expectFailure((_, connection) => {
      connection.end()
      return true
    }, 'connection-ended')
  })

  it('rejects all waiting calls when the server resets the connection', async () => {
    await expectFailure((_, connection) => {
      connection.reset()
      return true
    }, 'connection-reset')
  })

  it('rejects all waiting calls when the server sends a refusal with %%', async () => {
    const connection = await expectFailure(sendBytes(wire('%% LysKOM protocol error.\n')), 'connection-rejected')
    expect(connection.dead?.message).toContain('LysKOM protocol error.')
  })

  it('rejects all waiting calls when the server sends %% without a line feed and closes the connection', async () => {
    await expectFailure((_, connection) => {
      connection.send('%%Insane token length.')
      connection.end()
      return true
    }, 'connection-rejected')
  })

  it.each([
    ['bytes that are no message', wire('what?\n')],
    ['a reply to a call that was never made', reply(4711)],
    ['a reply to a call that has been answered', reply(1)],
    ['an error reply without its status', wire('%5 14\n')],
    ['the announcement of a string of 2 GB', wire('=5 2147483647Hx')],
    ['an endless message', Buffer.alloc(40_000_000, 'x')],
  ])('rejects all waiting calls when the server sends %s', async (_, bytes) => {
    await expectFailure(sendBytes(bytes), 'connection-unreadable')
  })

  it('rejects a waiting call when the server does not reply to a keepalive call', async () => {
    let asked = 0
    const server = await serve(({ call }) => {
      if (call !== GET_TIME) return call === GET_TEXT
      asked++
      return true
    })
    const connection = await open(server.port, { keepaliveMs: 40, keepaliveTimeoutMs: 40 })
    expect((await failure(text(connection))).code).toBe('connection-silent')
    expect(asked).toBe(1)
  })

  it('stays open and sends one keepalive call per interval while the server replies', async () => {
    const server = await serve()
    const connection = await open(server.port, { keepaliveMs: 100, keepaliveTimeoutMs: 100 })
    const start = performance.now()
    const asked = () => server.connections[0]?.received.filter(({ call }) => call === GET_TIME).length ?? 0
    await expect.poll(asked, { interval: 5, timeout: 5000 }).toBe(4)
    // A keepalive is sent one beat early; a beat is a quarter of the interval.
    expect(performance.now() - start).toBeGreaterThan(4 * 75)
    expect(connection.dead).toBeUndefined()
  })

  it('stays open when the event loop was blocked and the reply has not been read yet', async () => {
    const server = await serve(({ ref, call }, connection) => {
      if (call !== GET_TIME) return false
      connection.send(reply(ref, time(new Date())))
      const start = performance.now()
      while (performance.now() - start < 100);
      return true
    })
    const connection = await open(server.port, { keepaliveMs: 40, keepaliveTimeoutMs: 40 })
    const asked = () => server.connections[0]?.received.filter(({ call }) => call === GET_TIME).length
    await expect.poll(asked, { interval: 5 }).toBe(3)
    expect(connection.dead).toBeUndefined()
  })

  it('closes the connection when a call never gets a reply although the server sends data', async () => {
    const server = await serve((request) => request.call === GET_TEXT)
    const connection = await open(server.port, { callTimeoutMs: 40, keepaliveMs: 10, keepaliveTimeoutMs: 1000 })
    expect((await failure(text(connection))).code).toBe('call-timeout')
    await expect.poll(() => connection.dead?.code).toBe('connection-silent')
  })
})

it.each([0, 1, 500, 999])(
  'Connection detects a silent server within both keepalive times, with heartbeats %d ms late',
  async (phase) => {
    const server = await serve()
    const { keepaliveMs, keepaliveTimeoutMs } = DEFAULT_CONNECTION_SETTINGS
    const BEAT_MS = 1000
    const connection = await open(server.port)
    const silentSince = performance.now()
    let now = silentSince + phase
    for (; connection.dead === undefined; now += BEAT_MS) connection.beat(now, now + BEAT_MS)
    const found = now - BEAT_MS - silentSince
    expect(connection.dead.code).toBe('connection-silent')
    expect(found).toBeLessThanOrEqual(keepaliveMs + keepaliveTimeoutMs)
    expect(found).toBeGreaterThan(keepaliveMs + keepaliveTimeoutMs - 3 * BEAT_MS)
  },
)

it('Connection leaves the heartbeat when it is closed', async () => {
  const server = await serve()
  const members = new Set<unknown>()
  const heartbeat = {
    add: (member: unknown) => members.add(member),
    remove: (member: unknown) => members.delete(member),
  }
  const connection = await connect({
    host: '127.0.0.1',
    port: server.port,
    context: {
      settings: DEFAULT_CONNECTION_SETTINGS,
      heartbeat: heartbeat as never,
    },
    user: 'komgate',
    clientHost: 'x',
    client: { name: 'x', version: '1' },
    accept: [],
  })
  expect(members).toEqual(new Set([connection]))
  await connection.close()
  expect(members.size).toBe(0)
})

describe('Connection.close', () => {
  it('disconnects, rejects the waiting calls, and resolves when the connection is closed', async () => {
    const server = await serve(on(GET_TEXT, () => true))
    const connection = await open(server.port)
    const waiting = failure(text(connection))
    await new Promise((resolve) => setTimeout(resolve, 10))
    await Promise.all([connection.close(), connection.close()])
    expect((await waiting).code).toBe('connection-closed')
    expect(server.connections[0]?.received.at(-1)?.raw.toString()).toMatch(/^\d+ 55 0$/)
    await server.connections[0]?.closed
    await expect(connection.call('who-am-i')).rejects.toMatchObject({ code: 'connection-closed' })
  })

  it('waits a second at most for a server that does not close the connection', async () => {
    const server = await serve(({ call }) => call === 55)
    const connection = await open(server.port)
    await connection.close()
    expect(connection.dead?.code).toBe('connection-closed')
    await server.connections[0]?.closed
  })
})
