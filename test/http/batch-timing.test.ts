import { once } from 'node:events'
import { connect } from 'node:net'
import { pino } from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import type { TestSettings } from '../support/config.ts'
import { type FakeServer, type Handler, startFakeServer } from '../support/fake-server.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { requestBytes } from '../support/http-connection.ts'
import { metric, parseMetrics } from '../support/prometheus.ts'
import { type RoundServer, startRoundServer } from '../support/rounds.ts'
import { array, fields, h, reply, time } from '../support/wire.ts'

const ACTIVE = '/sessions/current/active'
const USER_ACTIVE = 82

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const active = (id: string, more: object = {}) => ({ id, method: 'POST', url: ACTIVE, ...more })

/** A LysKOM server that answers user-active when the test says so. */
class HeldServer {
  server!: FakeServer
  #held: (() => void)[] = []

  readonly handle: Handler = ({ ref, call }, connection) => {
    if (call !== USER_ACTIVE) return undefined
    this.#held.push(() => connection.send(reply(ref)))
    return true
  }

  /** The number of calls so far. */
  get calls(): number {
    return this.server.connections.flatMap(({ received }) => received).filter(({ call }) => call === USER_ACTIVE).length
  }

  /** Resolves when the server has received `n` calls in all. */
  async received(n: number): Promise<void> {
    await expect.poll(() => this.calls, { interval: 5 }).toBe(n)
  }

  /** Answers the oldest held call. */
  answer(): void {
    this.#held.shift()?.()
  }
}

async function start(settings: TestSettings = {}) {
  const held = new HeldServer()
  held.server = await startFakeServer(held.handle)
  closing.push(held.server.close)
  const gateway = await startTestGateway([{ id: 'kom', port: held.server.port }], settings)
  closing.push(gateway.close)
  const id = await gateway.open()
  const send = (requests: object[], headers: Record<string, string> = {}) =>
    gateway.send('POST', '/kom/batch', { id, json: { requests }, headers })
  return { held, gateway, id, send }
}

/** Resolves when the gateway has handled what was sent to it before. */
async function settle(gateway: TestGateway): Promise<void> {
  for (let i = 0; i < 3; i++) await gateway.send('GET', '/')
}

const LEVELS = pino.levels.values

const logged = (gateway: TestGateway) =>
  gateway.log.map((line) => JSON.parse(line)).filter((line) => line.msg === 'request' && line.path !== '/kom/sessions')

describe('a batch', () => {
  it('sends requests concurrently, and those that depend on others as soon as they are answered', async () => {
    const { held, send } = await start()
    const answer = send([active('a'), active('b', { depends_on: ['a'] }), active('c')])
    await held.received(2)
    held.answer()
    // `c` is still unanswered.
    await held.received(3)
    held.answer()
    held.answer()
    expect((await answer).json.responses.map(({ status }: { status: number }) => status)).toEqual([204, 204, 204])
  })

  it('counts each request once, as if it was sent alone, and logs it as a detail with an id of its own', async () => {
    const { held, gateway, send } = await start()
    const answer = send(
      [active('a'), active('b'), active('c', { depends_on: ['d'] }), { ...active('d'), url: '/nosuch' }],
      {
        'x-request-id': 'batch-1',
      },
    )
    await held.received(2)
    held.answer()
    held.answer()
    expect((await answer).headers.get('x-request-id')).toBe('batch-1')
    await expect.poll(() => logged(gateway)).toHaveLength(4)
    const lines = logged(gateway).map(({ level, method, path, status, requestId, session }) => ({
      ...{ level, method, path, status, requestId },
      hasSession: session !== undefined,
    }))
    const line = (n: number | undefined, path: string, status: number, hasSession = true) => ({
      level: n === undefined ? LEVELS.info : LEVELS.debug,
      ...{ method: 'POST', path: `/kom${path}`, status, hasSession },
      requestId: n === undefined ? 'batch-1' : `batch-1.${n}`,
    })
    // The request that was not sent is neither logged nor counted.
    expect(lines).toEqual([
      line(4, '/nosuch', 404, false),
      line(1, ACTIVE, 204),
      line(2, ACTIVE, 204),
      line(undefined, '/batch', 200),
    ])
    const { text } = await gateway.send('GET', '/metrics')
    const samples = parseMetrics(text)
    const count = (route: string, status: string) =>
      metric(samples, 'komgate_http_requests_total', { route, status, method: 'POST' })
    expect(count('/:server/sessions/current/active', '204')).toBe(2)
    expect(count('/:server/batch', '200')).toBe(1)
    expect(count('other', '404')).toBe(1)
    // Opening the session, the batch, three of its requests, and this request.
    expect(metric(samples, 'komgate_http_requests_received_total')).toBe(6)
  })

  it('delays the end of its session as long as each of its requests does', async () => {
    const { held, gateway, id, send } = await start()
    const batch = send([active('a'), active('b', { depends_on: ['a'] })])
    await held.received(1)
    let hasEnded = false
    const end = gateway.send('DELETE', '/kom/sessions/0', { id }).then((answer) => {
      hasEnded = true
      return answer
    })
    await settle(gateway)
    expect(hasEnded).toBe(false)
    const startedAt = performance.now()
    held.answer()
    expect((await end).status).toBe(204)
    expect((await batch).json.responses.map(({ status }: { status: number }) => status)).toEqual([204, 403])
    // A session waits at most 2 s for requests in flight.
    expect(performance.now() - startedAt).toBeLessThan(1000)
    expect(held.calls).toBe(1)
  })

  it('counts as in flight no longer than its requests: the end of the session waits for later requests', async () => {
    const { held, gateway, id, send } = await start()
    await send([{ id: 'a', method: 'GET', url: '/nosuch' }])
    const later = gateway.send('POST', `/kom${ACTIVE}`, { id })
    await held.received(1)
    const end = gateway.send('DELETE', '/kom/sessions/0', { id })
    await settle(gateway)
    held.answer()
    expect([(await later).status, (await end).status]).toEqual([204, 204])
  })

  it.each(['application/json', 'application/x-ndjson'])(
    'sends no further requests after the client has disconnected, with %s',
    async (accept) => {
      const { held, gateway, id } = await start()
      const { hostname, port } = new URL(gateway.url)
      const socket = connect(Number(port), hostname)
      const requests = [active('a'), active('b', { depends_on: ['a'] })]
      socket.write(
        requestBytes({ method: 'POST', path: '/kom/batch', id, json: { requests }, headers: { Accept: accept } }),
      )
      await held.received(1)
      socket.resetAndDestroy()
      await once(socket, 'close')
      await settle(gateway)
      held.answer()
      await expect.poll(() => logged(gateway).map(({ path }) => path)).toContain(`/kom${ACTIVE}`)
      // A later request on the session is answered, so a request of the batch would have been sent before it.
      const later = gateway.send('POST', `/kom${ACTIVE}`, { id })
      await held.received(2)
      held.answer()
      expect((await later).status).toBe(204)
      expect(held.calls).toBe(2)
    },
  )
})

describe('a batch with Accept: application/x-ndjson', () => {
  it('sends each response in a line as soon as it is ready', async () => {
    const { held, gateway, id } = await start()
    const requests = [
      active('slow'),
      { id: 'fast', method: 'GET', url: '/nosuch' },
      active('last', { depends_on: ['slow'] }),
    ]
    const response = await fetch(`${gateway.url}/kom/batch`, {
      method: 'POST',
      headers: {
        'Httpkom-Connection': id,
        'Content-Type': 'application/json',
        Accept: 'application/x-ndjson, application/json;q=0.5',
      },
      body: JSON.stringify({ requests }),
    })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/x-ndjson'])
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    const line = async () => JSON.parse(Buffer.from((await reader.read()).value ?? []).toString())
    const error = { error_type: 'httpkom', error_msg: 'Not found.' }
    const headers = { 'Content-Type': 'application/json' }
    expect(await line()).toEqual({ id: 'fast', status: 404, headers, body: error })
    await held.received(1)
    held.answer()
    expect(await line()).toEqual({ id: 'slow', status: 204, headers: {}, body: null })
    await held.received(2)
    held.answer()
    expect(await line()).toMatchObject({ id: 'last', status: 204 })
    expect((await reader.read()).done).toBe(true)
  })

  it('returns an invalid batch as an ordinary error', async () => {
    const { send } = await start()
    const { status, headers } = await send([], { Accept: 'application/x-ndjson' })
    expect([status, headers.get('content-type')]).toEqual([400, 'application/json'])
  })
})

describe('the round trips of a batch', () => {
  const then = time(new Date('2026-01-02T03:04:05Z'))

  async function startRounds(): Promise<{ rounds: RoundServer; gateway: TestGateway; id: string }> {
    const rounds = await startRoundServer(({ ref, call, args }) => {
      switch (call) {
        case 62:
        case 82:
          return reply(ref)
        case 78:
          return reply(ref, h(`conference ${args}`), '00000000', 10, 77)
        case 90:
          return reply(ref, then, 400, 1, 10, 0, array([fields(0, 100), fields(6, 1)]), '0 *')
        default:
          return undefined
      }
    })
    closing.push(rounds.server.close)
    const gateway = await startTestGateway([{ id: 'kom', port: rounds.server.port }])
    closing.push(gateway.close)
    const id = await gateway.open()
    await gateway.send('POST', '/kom/sessions/current/login', { id, json: { pers_no: 6, passwd: 'x' } })
    return { rounds, gateway, id }
  }

  const stat = (n: number) => ({ id: String(n), method: 'GET', url: `/textstats/${n}` })

  it.each([
    ['no more than those of its deepest request', 2, [stat(1), stat(2), stat(3), stat(4), active('a')]],
    [
      'those of the deepest chain',
      4,
      [stat(1), active('a'), active('b', { depends_on: ['1'] }), active('c', { depends_on: ['b'] })],
    ],
  ])('are %s', async (_, depth, requests) => {
    const { rounds, gateway, id } = await startRounds()
    const { result, rounds: counted } = await rounds.count(() =>
      gateway.send('POST', '/kom/batch', { id, json: { requests } }),
    )
    for (const { status } of result.json.responses) expect(status).toBeLessThan(300)
    expect(counted).toBe(depth)
  })
})
