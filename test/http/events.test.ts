import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createGateway } from '../../src/gateway.ts'
import { EventStream } from '../../src/http/events/event-stream.ts'
import { sinkStreamResponse } from '../../src/http/events/server-sent-events.ts'
import { OpenWebsockets } from '../../src/http/events/websocket-limits.ts'
import { EventLog } from '../../src/sessions/event-log.ts'
import { EventReader } from '../../src/sessions/event-reader.ts'
import { configFor, type TestSettings } from '../support/config.ts'
import { EventClient, type EventClientOptions } from '../support/event-client.ts'
import { type FakeServer, type Handler, startFakeServer } from '../support/fake-server.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { nginxInstalled, startNginx } from '../support/nginx.ts'
import { openRaw, rawRequest } from '../support/raw-http.ts'
import { errorReply, h, message, reply } from '../support/wire.ts'

const LOGIN = 62
const UCONF = 78
const ACCEPT = 80
const SEND_MESSAGE = 12
const LEAVE_CONF = 8
const ACCESS_DENIED = 5
const HEARTBEAT_MS = 25_000

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  vi.useRealTimers()
  for (const close of closing.splice(0).reverse()) await close()
})

const people: Handler = ({ ref, call, args }) => {
  if (call === LOGIN) return reply(ref)
  return call === UCONF && reply(ref, h(`Name ${args}`), '10010000', 1, 77)
}

interface Setting {
  server: FakeServer
  gateway: TestGateway
  id: string
  open(query?: string, options?: EventClientOptions): Promise<EventClient>
}

async function start(settings: TestSettings = {}, handler: Handler = people): Promise<Setting> {
  const server = await startFakeServer(handler)
  const gateway = await startTestGateway([{ id: 'kom', port: server.port }], settings)
  closing.push(server.close, gateway.close)
  const id = await gateway.open()
  const open = async (query = '', options: EventClientOptions = {}) => {
    const client = await EventClient.open(`${gateway.url}/kom/sessions/current/events${query}`, { id, ...options })
    closing.push(() => client.close())
    return client
  }
  return { server, gateway, id, open }
}

/** Sends messages to the first session: a conference that it leaves, for each number. */
function leave(server: FakeServer, ...confNos: number[]): void {
  server.connections[0]?.send(...confNos.map((no) => message(LEAVE_CONF, no)))
}

const confNos = (client: EventClient) => client.events.flatMap(({ data }) => data.conf_no ?? [])

describe('the event stream', () => {
  it('has the headers of a stream, a delay for reconnecting and the position', async () => {
    const { open } = await start()
    const client = await open()
    const { status, headers } = client.response
    expect([
      status,
      headers.get('content-type'),
      headers.get('cache-control'),
      headers.get('x-accel-buffering'),
    ]).toEqual([200, 'text/event-stream; charset=utf-8', 'no-store', 'no'])
    await expect
      .poll(() => [client.retryMs, client.lastEventId])
      .toEqual([3000, expect.stringMatching(/^[0-9a-f]{12}-0$/)])
  })

  it('sends each event with id, type and data, to every stream', async () => {
    const { server, open } = await start()
    const [one, other] = [await open(), await open()]
    leave(server, 7, 8)
    for (const client of [one, other]) {
      expect(await client.first(2)).toEqual([
        { id: expect.stringMatching(/-1$/), type: 'leave-conf', data: { type: 'leave-conf', conf_no: 7 } },
        { id: expect.stringMatching(/-2$/), type: 'leave-conf', data: { type: 'leave-conf', conf_no: 8 } },
      ])
    }
  })

  it('begins with the next event', async () => {
    const { server, open } = await start()
    const before = await open()
    leave(server, 7)
    await before.first(1)
    const after = await open()
    leave(server, 8)
    await after.first(1)
    expect(confNos(after)).toEqual([8])
  })

  it('sends only the selected types', async () => {
    const { server, open } = await start()
    const client = await open('?types=send-message,read')
    leave(server, 7)
    server.connections[0]?.send(message(SEND_MESSAGE, 0, 6, h('hej')))
    expect((await client.first(1)).map(({ type }) => type)).toEqual(['send-message'])
  })

  it.each(['types=', 'types=new-text,', 'types=new-texts', 'types=async-new-text'])(
    'rejects ?%s with 400',
    async (query) => {
      const { gateway, id } = await start()
      const { status, json } = await gateway.send('GET', `/kom/sessions/current/events?${query}`, { id })
      expect([status, json.error_msg]).toEqual([400, '"types" must be types of events, separated by commas.'])
    },
  )

  it('accepts the connection id in the query', async () => {
    const { id, open } = await start()
    const client = await open(`?Httpkom-Connection=${id}`, { id: undefined })
    expect(client.response.status).toBe(200)
  })

  it('accepts a ticket, once', async () => {
    const { gateway, id, open } = await start()
    const { ticket } = (await gateway.send('POST', '/kom/sessions/current/tickets', { id })).json
    for (const status of [200, 403]) {
      expect((await open(`?ticket=${ticket}`, { id: undefined })).response.status).toBe(status)
    }
  })

  it('responds to HEAD without a body, and opens no stream', async () => {
    const { gateway, id } = await start({ maxWebsocketsPerSession: 1 })
    for (let i = 0; i < 3; i++) {
      const { status, text, headers } = await gateway.send('HEAD', '/kom/sessions/current/events', { id })
      expect([status, text, headers.get('content-type')]).toEqual([200, '', 'text/event-stream; charset=utf-8'])
    }
  })

  it('is rejected with 403 without a session', async () => {
    const { gateway, id } = await start()
    for (const unknown of [undefined, '00000000-0000-4000-8000-000000000000']) {
      const options = { headers: { accept: 'text/event-stream' }, ...(unknown && { id: unknown }) }
      expect((await gateway.send('GET', '/kom/sessions/current/events', options)).status).toBe(403)
    }
    await gateway.send('DELETE', '/kom/sessions/0', { id })
    expect((await gateway.send('GET', '/kom/sessions/current/events', { id })).status).toBe(403)
  })
})

describe('a resumed event stream', () => {
  it('replays every later event exactly once and in order, wherever the stream was cut', async () => {
    const { server, open } = await start()
    const first = await open()
    await expect.poll(() => first.lastEventId).not.toBe('')
    let { lastEventId } = first
    await first.close()
    const seen: number[] = []
    let sent = 0
    for (let round = 0; round < 30; round++) {
      const burst = Array.from({ length: round % 7 }, () => ++sent)
      if (burst.length > 0) leave(server, ...burst)
      const client = await open('', { headers: { 'Last-Event-ID': lastEventId } })
      const more = Array.from({ length: round % 3 }, () => ++sent)
      if (more.length > 0) leave(server, ...more)
      if (round % 4 === 0) await client.first(Math.min(sent - seen.length, 1))
      else if (round % 4 === 1) await client.first(sent - seen.length)
      await client.close()
      seen.push(...confNos(client))
      if (client.lastEventId !== '') lastEventId = client.lastEventId
    }
    const last = await open(`?last_event_id=${lastEventId}`)
    leave(server, ++sent)
    await last.first(sent - seen.length)
    expect([...seen, ...confNos(last)]).toEqual(Array.from({ length: sent }, (_, i) => i + 1))
  })

  it('goes on from the header rather than from the query, and from `position`', async () => {
    const { server, open } = await start()
    const first = await open()
    leave(server, 7, 8, 9)
    const [one, two] = (await first.first(3)).map(({ id }) => id)
    const resumed = await open(`?last_event_id=${one}`, { headers: { 'Last-Event-ID': two as string } })
    expect((await resumed.first(1)).map(({ data }) => data.conf_no)).toEqual([9])
    const started = await open(`?position=${one}`)
    expect((await started.first(2)).map(({ data }) => data.conf_no)).toEqual([8, 9])
    const both = await open(`?position=${one}&last_event_id=${two}`, { headers: { 'Last-Event-ID': '' } })
    expect((await both.first(1)).map(({ data }) => data.conf_no)).toEqual([9])
  })

  it('begins with a reset for a position of another session, of the future and for nonsense', async () => {
    const { server, gateway, open } = await start()
    const client = await open()
    leave(server, 7)
    const known = (await client.first(1))[0]?.id ?? ''
    const other = await open('', { id: await gateway.open() })
    await expect.poll(() => other.lastEventId).not.toBe('')
    for (const since of [
      other.lastEventId,
      known.replace(/1$/, '1000'),
      'nonsense',
      `${known}\u00e5`,
      'x'.repeat(4000),
    ]) {
      const resumed = await open('', { headers: { 'Last-Event-ID': since } })
      server.connections[0]?.send(message(LEAVE_CONF, 8))
      expect((await resumed.first(2)).map(({ data }) => data)).toEqual([
        { type: 'reset', reason: 'unknown', position: resumed.events[0]?.id },
        { type: 'leave-conf', conf_no: 8 },
      ])
      await resumed.close()
    }
  })

  it('is rejected with 431 if the position has 10 MB', async () => {
    const { gateway, id } = await start()
    const { socket, closed } = await openRaw(gateway.url)
    const fields = { 'Httpkom-Connection': id, 'Last-Event-ID': '9'.repeat(10_000_000) }
    socket.write(rawRequest('GET', '/kom/sessions/current/events', fields))
    expect(await closed()).toMatch(/^HTTP\/1\.1 431 /)
  })

  it('begins with a reset if the log has dropped events', async () => {
    const { server, open } = await start()
    const first = await open()
    await expect.poll(() => first.lastEventId).not.toBe('')
    await first.close()
    const last = await open()
    leave(server, ...Array.from({ length: 1001 }, (_, i) => i + 1))
    await expect.poll(() => last.lastEventId).toMatch(/-1001$/)
    const resumed = await open('', { headers: { 'Last-Event-ID': first.lastEventId } })
    expect((await resumed.first(1))[0]?.data).toEqual({
      type: 'reset',
      reason: 'expired',
      position: last.lastEventId,
    })
  })
})

describe('the end of an event stream', () => {
  it('follows the event `closed` when the client closes the session', async () => {
    const { gateway, id, open } = await start()
    const client = await open()
    const since = performance.now()
    expect((await gateway.send('DELETE', '/kom/sessions/0', { id })).status).toBe(204)
    await client.ended
    expect(client.events).toEqual([
      { id: client.lastEventId, type: 'closed', data: { type: 'closed', reason: 'deleted' } },
    ])
    // An open stream does not delay the end of its session.
    expect(performance.now() - since).toBeLessThan(1500)
  })

  it('follows the event `closed` when the server closes the connection', async () => {
    const { server, open } = await start()
    const client = await open()
    server.connections[0]?.end()
    await client.ended
    expect(client.events.map(({ data }) => data)).toEqual([{ type: 'closed', reason: 'connection-ended' }])
  })

  it('follows the event `closed` when the gateway shuts down, which does not wait for the stream', async () => {
    const { gateway, open } = await start({ shutdownTimeoutMs: 20_000 })
    const client = await open()
    const since = performance.now()
    await gateway.close()
    expect(performance.now() - since).toBeLessThan(5000)
    await client.ended
    expect(client.events.map(({ data }) => data)).toEqual([{ type: 'closed', reason: 'shutdown' }])
  })

  it('leaves a session open that was created for the stream', async () => {
    const { server, gateway } = await start({ autoCreate: true, maxWebsocketsPerSession: 1 })
    const url = `${gateway.url}/kom/sessions/current/events`
    const stream = await EventClient.open(url)
    const id = stream.response.headers.get('httpkom-connection') ?? ''
    await expect.poll(() => stream.lastEventId).not.toBe('')
    await stream.close()
    let resumed = stream
    // The limit admits another stream when the gateway has noticed the end of the first one.
    await expect
      .poll(async () => {
        resumed = await EventClient.open(`${url}?last_event_id=${stream.lastEventId}`, { id })
        return resumed.response.status
      })
      .toBe(200)
    closing.push(() => resumed.close())
    server.connections[1]?.send(message(LEAVE_CONF, 9))
    expect((await resumed.first(1))[0]?.type).toBe('leave-conf')
  })

  it('is noticed when the client disconnects: the idle timeout of the session begins', async () => {
    const { gateway, id, open } = await start({ sessionIdleMs: 300 })
    const client = await open()
    await sleep(1000)
    expect((await gateway.send('GET', '/kom/sessions/current/who-am-i', { id })).status).toBe(200)
    await client.close()
    await expect.poll(() => gateway.log.some((line) => line.includes('"reason":"idle"')), { timeout: 5000 }).toBe(true)
  })
})

describe('the limits on event streams', () => {
  it('reject one more than the WebSockets and streams that a session may have', async () => {
    const { gateway, id, open } = await start({ maxWebsocketsPerSession: 2 })
    const [first] = [await open(), await open()]
    const { status, json, headers } = await gateway.send('GET', '/kom/sessions/current/events', { id })
    expect([status, json.limit, headers.get('retry-after')]).toEqual([503, 'websockets-per-session', '5'])
    await first?.close()
    await expect.poll(async () => (await open()).response.status).toBe(200)
  })

  it('hold for streams that are opened concurrently', async () => {
    const { gateway, id } = await start({ maxWebsocketsPerSession: 2 })
    const clients = await Promise.all(
      Array.from({ length: 6 }, () => EventClient.open(`${gateway.url}/kom/sessions/current/events`, { id })),
    )
    closing.push(() => Promise.all(clients.map((client) => client.close())))
    let ended = 0
    for (const client of clients) void client.ended.then(() => ended++)
    await expect.poll(() => ended).toBe(4)
  })

  it('are an empty stream for a request that accepts nothing but a stream', async () => {
    const { gateway, id, open } = await start({ maxWebsocketsPerSession: 1 })
    await open()
    for (const [accept, status] of [
      ['text/event-stream', 200],
      ['text/event-stream, application/json', 503],
    ] as const) {
      const refused = await gateway.send('GET', '/kom/sessions/current/events', { id, headers: { accept } })
      expect([accept, refused.status]).toEqual([accept, status])
      if (status === 200) expect(refused.text).toBe('retry: 5000\n\n')
    }
  })

  it('are an error for one that the LysKOM server refuses', async () => {
    const { gateway, id } = await start({}, ({ ref, call }, { received }) =>
      call === ACCEPT && received.length > 4 ? errorReply(ref, ACCESS_DENIED) : undefined,
    )
    const refused = await gateway.send('GET', '/kom/sessions/current/events', {
      id,
      headers: { accept: 'text/event-stream' },
    })
    expect(refused.status).toBe(400)
  })

  it('are an empty stream if the LysKOM server does not answer in time', async () => {
    const { gateway, id } = await start({ callTimeoutMs: 300 }, ({ call }, { received }) =>
      call === ACCEPT && received.length > 4 ? true : undefined,
    )
    const send = (accept: string) => gateway.send('GET', '/kom/sessions/current/events', { id, headers: { accept } })
    const [stream, any] = await Promise.all([send('text/event-stream'), send('*/*')])
    expect([stream.status, stream.text, any.status]).toEqual([200, 'retry: 3000\n\n', 504])
  })

  it('disconnect a client that leaves more unread than the log holds, and count it', async () => {
    const { server, gateway, id, open } = await start()
    const { socket, closed } = await openRaw(gateway.url)
    socket.pause()
    socket.write(rawRequest('GET', '/kom/sessions/current/events', { 'Httpkom-Connection': id }))
    const reading = await open()
    const text = h('x'.repeat(50_000))
    let sent = 0
    const flood = setInterval(() => {
      for (let i = 0; i < 4; i++) {
        sent++
        server.connections[0]?.send(message(SEND_MESSAGE, 0, 6, text))
      }
    }, 5)
    const hits = async () => {
      const { text: metrics } = await gateway.send('GET', '/metrics')
      return Number(/komgate_limit_hits_total\{limit="unread-bytes-per-connection"\} (\d+)/.exec(metrics)?.[1] ?? 0)
    }
    try {
      await expect.poll(hits, { timeout: 20_000 }).toBe(1)
    } finally {
      clearInterval(flood)
    }
    socket.resume()
    await closed()
    await reading.first(sent)
    expect(reading.events.map(({ type }) => type)).toEqual(reading.events.map(() => 'send-message'))
  })
})

describe('a login on a session with an event stream', () => {
  it('begins a new epoch with the person', async () => {
    const { server, gateway, id, open } = await start({}, (request, connection) => {
      if (request.call !== LOGIN) return people(request, connection)
      connection.send(reply(request.ref), message(LEAVE_CONF, 9))
      return true
    })
    const client = await open()
    leave(server, 7)
    await client.first(1)
    await gateway.send('POST', '/kom/sessions/current/login', { id, json: { pers_no: 6, passwd: 'x' } })
    const [before, person, after] = await client.first(3)
    expect([person?.data, after?.data]).toEqual([
      { type: 'person', pers_no: 6 },
      { type: 'leave-conf', conf_no: 9 },
    ])
    expect(before?.id.split('-')[0]).not.toBe(person?.id.split('-')[0])
    const resumed = await open(`?last_event_id=${before?.id}`)
    expect((await resumed.first(2)).map(({ type }) => type)).toEqual(['person', 'leave-conf'])
  })
})

describe.skipIf(!nginxInstalled())('an event stream through nginx', () => {
  it('is not buffered, and ends in the gateway when the client disconnects', async () => {
    const server = await startFakeServer(people)
    const settings = { basePath: '/kom', maxWebsocketsPerSession: 1, trustedProxies: ['127.0.0.1'] }
    const gateway = await startTestGateway([{ id: 'kom', port: server.port }], settings)
    const nginx = await startNginx(Number(new URL(gateway.url).port))
    closing.push(server.close, gateway.close, () => nginx.close())
    const id = await gateway.open()
    const url = `${nginx.url}/kom/kom/sessions/current/events`
    const client = await EventClient.open(url, { id })
    for (const confNo of [7, 8]) {
      leave(server, confNo)
      expect((await client.first(confNo - 6)).at(-1)?.data).toEqual({ type: 'leave-conf', conf_no: confNo })
    }
    await client.close()
    await expect
      .poll(async () => {
        const next = await EventClient.open(url, { id })
        await next.close()
        return next.response.status
      })
      .toBe(200)
  })
})

describe('an event stream without Node', () => {
  it('is the body of the response', async () => {
    const server = await startFakeServer(people)
    const gateway = await createGateway(configFor([{ id: 'kom', port: server.port }]))
    closing.push(server.close, gateway.close)
    const opened = await gateway.fetch(
      new Request('http://localhost/kom/sessions/', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"client": {"name": "test", "version": "1.0"}}',
      }),
    )
    const id = opened.headers.get('httpkom-connection') as string
    const headers = { 'httpkom-connection': id }
    const { body } = await gateway.fetch(new Request('http://localhost/kom/sessions/current/events', { headers }))
    const reader = (body as ReadableStream<Uint8Array>).getReader()
    const read = async () => Buffer.from((await reader.read()).value ?? []).toString()
    expect(await read()).toMatch(/^retry: 3000\n\nid: [0-9a-f]{12}-0\n\n$/)
    server.connections[0]?.send(message(LEAVE_CONF, 7))
    expect(await read()).toMatch(
      /^id: [0-9a-f]{12}-1\nevent: leave-conf\ndata: \{"type":"leave-conf","conf_no":7\}\n\n$/,
    )
    await reader.cancel()
  })
})

describe('EventStream', () => {
  function startStream({ types, since }: { types?: string[]; since?: string } = {}) {
    const log = new EventLog()
    const reader = new EventReader(log, { types: types && new Set(types), since })
    let open = 0
    const session = { beginStream: () => open++, endStream: () => open-- } as never
    const websockets = new OpenWebsockets({ maxWebsocketsPerSession: 1, maxWebsocketMessagesPerSecond: 1 })
    let late = 0
    const { body } = sinkStreamResponse(
      undefined,
      (sink) =>
        new EventStream(sink, {
          ...{ session, log, reader, websockets, isNew: since === undefined },
          onLate: () => late++,
        }),
    )
    const stream = (body as ReadableStream<Uint8Array>).getReader()
    const read = async () => Buffer.from((await stream.read()).value ?? []).toString()
    return { log, stream, read, isOpen: () => open > 0, late: () => late }
  }

  /** Other timers may be of gateways in this process. */
  function useFakeIntervals(): void {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  }

  it('sends a heartbeat every 25 s, with the position if events of other types have passed', async () => {
    useFakeIntervals()
    const { log, read, stream, isOpen } = startStream({ types: ['a'] })
    await read()
    const heartbeat = read()
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS)
    expect(await heartbeat).toBe(':\n\n')
    const next = read()
    log.append('b', '{}')
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS)
    expect(await next).toMatch(/^:\n\nid: [0-9a-f]{12}-1\n\n$/)
    await stream.cancel()
    expect([isOpen(), vi.getTimerCount()]).toEqual([false, 0])
  })

  it('does nothing before it is read and after the client has disconnected', async () => {
    useFakeIntervals()
    const { read, isOpen, stream } = startStream()
    expect([isOpen(), vi.getTimerCount()]).toEqual([false, 0])
    await read()
    expect([isOpen(), vi.getTimerCount()]).toEqual([true, 1])
    await stream.cancel()
    expect([isOpen(), vi.getTimerCount()]).toEqual([false, 0])
  })

  it('reports a client that leaves more than 1 MB unread, and no other', async () => {
    const { log, read, late, stream } = startStream()
    await read()
    const data = JSON.stringify({ text: 'x'.repeat(300_000) })
    for (let i = 0; i < 3; i++) log.append('a', data)
    expect(late()).toBe(0)
    log.append('a', data)
    expect(late()).toBe(1)
    await stream.cancel()
  })

  it('does not send a position before a reset', async () => {
    const { read, stream } = startStream({ since: 'nonsense' })
    expect(await read()).toBe('retry: 3000\n\n')
    expect(await read()).toMatch(/^id: \S+\nevent: reset\ndata: /)
    await stream.cancel()
  })
})
