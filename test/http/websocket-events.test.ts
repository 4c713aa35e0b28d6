import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { EventClient } from '../support/event-client.ts'
import { type FakeServer, type Handler, startFakeServer } from '../support/fake-server.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { h, message, reply } from '../support/wire.ts'

const LOGIN = 62
const UCONF = 78
const SEND_MESSAGE = 12
const LEAVE_CONF = 8

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const people: Handler = ({ ref, call, args }) => {
  if (call === LOGIN) return reply(ref)
  return call === UCONF && reply(ref, h(`Name ${args}`), '10010000', 1, 77)
}

// biome-ignore lint/suspicious/noExplicitAny: the expectations of a test check the type
type Received = any

interface Setting {
  server: FakeServer
  gateway: TestGateway
  id: string
}

async function start(): Promise<Setting> {
  const server = await startFakeServer(people)
  const gateway = await startTestGateway([{ id: 'kom', port: server.port }])
  closing.push(server.close, gateway.close)
  return { server, gateway, id: await gateway.open() }
}

async function connect({ gateway, id }: Setting) {
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/websocket?Httpkom-Connection=${id}`)
  const received: Received[] = []
  socket.on('message', (data) => received.push(JSON.parse(String(data))))
  const closed = once(socket, 'close')
  await once(socket, 'open')
  closing.push(async () => socket.terminate())
  const send = (protocol: string, request: unknown, ref_no: unknown = 1) =>
    socket.send(JSON.stringify({ protocol, ref_no, request }))
  /** Resolves with everything received, when there are `count` messages. */
  const first = async (count: number): Promise<Received[]> => {
    await expect.poll(() => received.length, { interval: 5 }).toBeGreaterThanOrEqual(count)
    return received
  }
  /** Sends a request and resolves with its reply. */
  const ask = async (protocol: string, request: unknown): Promise<Received> => {
    const ref_no = `ask ${Math.random()}`
    send(protocol, request, ref_no)
    const find = () => received.find((each) => each.ref_no === ref_no)
    await expect.poll(find, { interval: 5 }).toBeDefined()
    const { ref_no: _, ...answer } = find()
    return answer
  }
  return { socket, received, closed, send, first, ask }
}

/** Sends messages to the first session: a conference that it leaves, for each number. */
function leave(server: FakeServer, ...confNos: number[]): void {
  server.connections[0]?.send(...confNos.map((no) => message(LEAVE_CONF, no)))
}

const confNos = (received: Received[]): number[] => received.flatMap(({ data }) => data?.conf_no ?? [])

describe('the protocol `calls` of the WebSocket', () => {
  it('makes typed calls, with parameters and without', async () => {
    const { ask } = await connect(await start())
    expect(await ask('calls', { call: 'get-uconf-stat', params: { conference: '8' } })).toEqual({
      protocol: 'calls',
      reply: { name: 'Name 8', type: expect.objectContaining({ rd_prot: true }), highest_local_no: 1, nice: 77 },
    })
    expect(await ask('calls', { call: 'who-am-i' })).toEqual({ protocol: 'calls', reply: 1 })
    expect(await ask('calls', { call: 'login', params: { person: 6, passwd: 'x', invisible: false } })).toEqual({
      protocol: 'calls',
      reply: null,
    })
    expect((await ask('calls', { call: 'get-marks', params: {} })).error_msg).toBe('NotImplemented')
  })

  it.each([
    ['nonsense', 'Invalid body.'],
    [{}, 'Missing "call".'],
    [{ call: 'get-nothing' }, '"call" is not a call of Protocol A.'],
    [{ call: 'toString' }, '"call" is not a call of Protocol A.'],
    [{ call: 'get-text-stat' }, 'Missing "text_no".'],
    [{ call: 'get-text-stat', params: { text_no: -1 } }, '"text_no" must be a whole number from 0 to 4294967295.'],
    [
      { call: 'accept-async', params: { request_list: [15] } },
      'accept-async is not available here: asynchronous messages are events, not replies.',
    ],
  ])('rejects %j', async (request, error) => {
    const { ask } = await connect(await start())
    expect(await ask('calls', request)).toEqual({ error })
  })

  it('ends the session with the call disconnect, after its reply', async () => {
    const setting = await start()
    const { ask, closed } = await connect(setting)
    expect(await ask('calls', { call: 'disconnect', params: { session_no: 0 } })).toEqual({
      protocol: 'calls',
      reply: null,
    })
    expect((await closed)[0]).toBe(1001)
    const { status } = await setting.gateway.send('GET', '/kom/sessions/current/who-am-i', { id: setting.id })
    expect(status).toBe(403)
  })
})

describe('the protocol `events` of the WebSocket', () => {
  it('replies with the position, and then sends the events', async () => {
    const setting = await start()
    const { ask, first } = await connect(setting)
    const { reply: started } = await ask('events', {})
    expect(started).toEqual({ position: expect.stringMatching(/^[0-9a-f]{12}-0$/) })
    leave(setting.server, 7, 8)
    expect((await first(3)).slice(1)).toEqual(
      [7, 8].map((conf_no, i) => ({
        protocol: 'events',
        id: started.position.replace(/0$/, i + 1),
        event: 'leave-conf',
        data: { type: 'leave-conf', conf_no },
      })),
    )
  })

  it('sends no events before they are requested, and only the selected types', async () => {
    const setting = await start()
    const { ask, first, received } = await connect(setting)
    leave(setting.server, 7)
    await ask('echo', 1)
    await ask('events', { types: ['send-message', 'marked'] })
    leave(setting.server, 8)
    setting.server.connections[0]?.send(message(SEND_MESSAGE, 0, 6, h('hej')))
    await first(3)
    expect(received.map(({ event }) => event)).toEqual([undefined, undefined, 'send-message'])
  })

  it('replaces the events of an earlier request', async () => {
    const setting = await start()
    const { ask, first, received } = await connect(setting)
    const { reply: started } = await ask('events', {})
    leave(setting.server, 7)
    await first(2)
    await ask('events', { since: started.position })
    leave(setting.server, 8)
    await first(5)
    await ask('echo', 1)
    expect(confNos(received)).toEqual([7, 7, 8])
  })

  it('resumes where a WebSocket or a stream was cut: every event exactly once and in order', async () => {
    const setting = await start()
    const { server, gateway, id } = setting
    const opening = await connect(setting)
    let since: string = (await opening.ask('events', {})).reply.position
    opening.socket.terminate()
    const seen: number[] = []
    let sent = 0
    for (let round = 0; round < 20; round++) {
      const burst = Array.from({ length: 1 + (round % 5) }, () => ++sent)
      leave(server, ...burst)
      const missing = sent - seen.length
      const wanted = round === 19 ? missing : Math.min(missing, 1 + (round % 3))
      if (round % 2 === 0) {
        const { socket, send, first, received, closed } = await connect(setting)
        send('events', { since })
        await first(1 + wanted)
        socket.terminate()
        await closed
        const events = received.filter(({ event }) => event !== undefined)
        seen.push(...confNos(events))
        since = events.at(-1)?.id
      } else {
        const headers = { 'Last-Event-ID': since }
        const client = await EventClient.open(`${gateway.url}/kom/sessions/current/events`, { id, headers })
        await client.first(wanted)
        await client.close()
        seen.push(...confNos(client.events))
        since = client.lastEventId
      }
    }
    expect(seen).toEqual(Array.from({ length: sent }, (_, i) => i + 1))
  })

  it('begins with a reset for an unknown position', async () => {
    const setting = await start()
    for (const since of ['nonsense', '000000000000-1', 'x'.repeat(1_000_000)]) {
      const { ask, first, socket } = await connect(setting)
      expect((await ask('events', { since })).reply.position).toBe(since)
      const [, reset] = await first(2)
      expect(reset).toEqual({
        protocol: 'events',
        id: reset.data.position,
        event: 'reset',
        data: { type: 'reset', reason: 'unknown', position: expect.stringMatching(/^[0-9a-f]{12}-\d+$/) },
      })
      socket.terminate()
    }
  })

  it.each([
    [1, 'Invalid body.'],
    [{ since: 1 }, '"since" must be a position.'],
    [{ types: 'new-text' }, '"types" must be a list.'],
    [{ types: ['new-texts'] }, '"types.0" is not a type of events.'],
  ])('rejects %j', async (request, error) => {
    const { ask } = await connect(await start())
    expect(await ask('events', request)).toEqual({ error })
  })

  it('sends `closed` before the WebSocket closes with 1001', async () => {
    const setting = await start()
    for (const [end, reason] of [
      [() => setting.gateway.send('DELETE', '/kom/sessions/0', { id: setting.id }), 'deleted'],
      [async () => setting.server.connections.at(-1)?.end(), 'connection-ended'],
    ] as const) {
      const { ask, received, closed } = await connect(setting)
      await ask('events', {})
      await end()
      expect((await closed)[0]).toBe(1001)
      expect(received.at(-1)).toMatchObject({ event: 'closed', data: { type: 'closed', reason } })
      setting.id = await setting.gateway.open()
    }
  })

  it('drops a WebSocket whose client leaves more unread than the log holds', async () => {
    const setting = await start()
    const slow = await connect(setting)
    await slow.ask('events', {})
    const fast = await connect(setting)
    await fast.ask('events', {})
    slow.socket.pause()
    const text = h('x'.repeat(50_000))
    let sent = 0
    const flood = setInterval(() => {
      for (let i = 0; i < 4; i++) {
        sent++
        setting.server.connections[0]?.send(message(SEND_MESSAGE, 0, 6, text))
      }
    }, 5)
    const hits = async () => {
      const { text: metrics } = await setting.gateway.send('GET', '/metrics')
      return Number(/komgate_limit_hits_total\{limit="unread-bytes-per-connection"\} (\d+)/.exec(metrics)?.[1] ?? 0)
    }
    try {
      await expect.poll(hits, { timeout: 20_000 }).toBeGreaterThan(0)
    } finally {
      clearInterval(flood)
    }
    slow.socket.resume()
    expect((await slow.closed)[0]).toBe(1006)
    await fast.first(1 + sent)
    expect(fast.received.slice(1).map(({ event }) => event)).toEqual(Array.from({ length: sent }, () => 'send-message'))
  })
})
