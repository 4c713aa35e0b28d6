import { request } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import type { TestSettings } from '../support/config.ts'
import { type Handler, startFakeServer } from '../support/fake-server.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { metric, parseMetrics, type Sample } from '../support/prometheus.ts'
import { errorReply } from '../support/wire.ts'

const GET_TIME = 35
const LOGIN = 62
const USER_ACTIVE = 82
/** The calls made to open a session. */
const HANDSHAKE_CALLS = 4
const CLIENT = { client: { name: 'x', version: '1' } }
const WHO_AM_I = '/kom/sessions/current/who-am-i'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start(handler?: Handler, settings: TestSettings = {}) {
  const server = await startFakeServer(handler)
  const gateway = await startTestGateway(
    [
      { id: 'kom', port: server.port },
      { id: 'down', port: 1 },
    ],
    settings,
  )
  closing.push(server.close, gateway.close)
  return { server, gateway }
}

async function metricsOf(gateway: TestGateway): Promise<Sample[]> {
  const { status, headers, text } = await gateway.send('GET', '/metrics')
  expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
  return parseMetrics(text)
}

describe('session metrics', () => {
  it('counts open and opened sessions by server, and closed sessions by server and reason', async () => {
    const { server, gateway } = await start()
    await gateway.open()
    const id = await gateway.open()
    await gateway.open()
    await gateway.send('DELETE', '/kom/sessions/0', { id })
    server.connections[2]?.end()
    const open = async () => metric(await metricsOf(gateway), 'komgate_sessions_open', { server: 'kom' })
    await expect.poll(open).toBe(1)
    const metrics = await metricsOf(gateway)
    const of = (name: string, labels: Record<string, string>) => metric(metrics, `komgate_sessions_${name}`, labels)
    expect(of('opened_total', { server: 'kom' })).toBe(3)
    expect(of('closed_total', { server: 'kom', reason: 'deleted' })).toBe(1)
    expect(of('closed_total', { server: 'kom', reason: 'connection-ended' })).toBe(1)
    expect(of('open', { server: 'down' })).toBe(0)
  })

  it('counts sessions that fail to open by error code, and reports whether a server is up if known', async () => {
    const { gateway } = await start()
    const up = async (server: string) => metric(await metricsOf(gateway), 'komgate_server_up', { server })
    expect([await up('kom'), await up('down')]).toEqual([undefined, undefined])
    await gateway.open()
    await gateway.send('POST', '/down/sessions/', { json: CLIENT })
    const failed = { server: 'down', code: 'unreachable' }
    expect(metric(await metricsOf(gateway), 'komgate_sessions_failed_total', failed)).toBe(1)
    expect([await up('kom'), await up('down')]).toEqual([1, 0])
  })
})

describe('LysKOM call metrics', () => {
  it('measures the duration of calls by name in cumulative buckets', async () => {
    const { gateway } = await start(async ({ call }) => {
      if (call === GET_TIME) await new Promise((resolve) => setTimeout(resolve, 60))
      return false
    })
    const id = await gateway.open()
    await gateway.send('GET', WHO_AM_I, { id })
    const metrics = await metricsOf(gateway)
    const name = 'komgate_lyskom_call_duration_seconds'
    expect(metric(metrics, `${name}_count`, { call: 'who-am-i' })).toBe(2)
    expect(metric(metrics, `${name}_bucket`, { call: 'who-am-i', le: '+Inf' })).toBe(2)
    expect(metric(metrics, `${name}_count`, { call: 'login' })).toBeUndefined()
    const buckets = metrics.filter((each) => each.name === `${name}_bucket` && each.labels.call === 'who-am-i')
    expect(buckets.map(({ labels }) => labels.le)).toEqual([
      ...['0.0005', '0.001', '0.0025', '0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '10'],
      '+Inf',
    ])
    const values = buckets.map(({ value }) => value)
    expect(values).toEqual([...values].sort((a, b) => a - b))
  })

  it('counts a slow call in the bucket of its duration', async () => {
    const { gateway } = await start(async ({ call }) => {
      if (call === LOGIN) await new Promise((resolve) => setTimeout(resolve, 60))
      return false
    })
    const id = await gateway.open()
    await gateway.send('POST', '/kom/sessions/current/login', { id, json: { pers_no: 6, passwd: 'x' } })
    const metrics = await metricsOf(gateway)
    const bucket = (le: string) => metric(metrics, 'komgate_lyskom_call_duration_seconds_bucket', { call: 'login', le })
    expect([bucket('0.05'), bucket('5')]).toEqual([0, 1])
    const sum = metric(metrics, 'komgate_lyskom_call_duration_seconds_sum', { call: 'login' })
    expect(sum).toBeGreaterThan(0.055)
    expect(sum).toBeLessThan(5)
  })

  it('counts error replies by error name, and unknown error codes as unknown-error', async () => {
    const { gateway } = await start(({ ref, call }) => {
      if (call === LOGIN) return errorReply(ref, 4, 6)
      return call === USER_ACTIVE ? errorReply(ref, 4711) : false
    })
    const id = await gateway.open()
    await gateway.send('POST', '/kom/sessions/current/login', { id, json: { pers_no: 6, passwd: 'x' } })
    await gateway.send('POST', '/kom/sessions/current/active', { id })
    const metrics = await metricsOf(gateway)
    expect(metric(metrics, 'komgate_lyskom_errors_total', { error: 'invalid-password' })).toBe(1)
    expect(metric(metrics, 'komgate_lyskom_errors_total', { error: 'unknown-error' })).toBe(1)
  })

  it('counts each call without a reply once by its error code, even if a reply arrives late', async () => {
    const { server, gateway } = await start(({ call }) => call === USER_ACTIVE, { callTimeoutMs: 100 })
    const id = await gateway.open()
    const { status } = await gateway.send('POST', '/kom/sessions/current/active', { id })
    expect(status).toBe(504)
    const [fake] = server.connections
    fake?.send(`=${fake.received.at(-1)?.ref}\n`)
    await gateway.send('GET', WHO_AM_I, { id })
    const metrics = await metricsOf(gateway)
    expect(metric(metrics, 'komgate_lyskom_unanswered_calls_total', { code: 'call-timeout' })).toBe(1)
    expect(metric(metrics, 'komgate_lyskom_call_duration_seconds_count', { call: 'user-active' })).toBe(1)

    const other = await gateway.open()
    const waiting = gateway.send('POST', '/kom/sessions/current/active', { id: other })
    await expect.poll(() => server.connections[1]?.received.at(-1)?.call).toBe(USER_ACTIVE)
    server.connections[1]?.end()
    expect((await waiting).status).toBe(403)
    const after = await metricsOf(gateway)
    expect(metric(after, 'komgate_lyskom_unanswered_calls_total', { code: 'connection-ended' })).toBe(1)
    expect(metric(after, 'komgate_lyskom_unanswered_calls_total', { code: 'call-timeout' })).toBe(1)
  })

  it('counts bytes and messages from and to LysKOM servers', async () => {
    const { server, gateway } = await start()
    const id = await gateway.open()
    const value = async (name: string) => metric(await metricsOf(gateway), `komgate_lyskom_${name}_total`) as number
    const before = { received: await value('received_bytes'), sent: await value('sent_bytes') }
    const message = ':2 9 6 1\n'
    server.connections[0]?.send(message)
    await expect.poll(() => value('messages')).toBe(1)
    expect((await value('received_bytes')) - before.received).toBe(message.length)
    await gateway.send('GET', WHO_AM_I, { id })
    expect((await value('sent_bytes')) - before.sent).toBe('5 56\n'.length)
  })
})

describe('HTTP metrics', () => {
  it('counts and measures requests by route pattern, method and status', async () => {
    const { gateway } = await start()
    const id = await gateway.open()
    await gateway.send('GET', WHO_AM_I, { id })
    await gateway.send('GET', `${WHO_AM_I}/`, { id })
    await gateway.send('GET', WHO_AM_I)
    await gateway.send('HEAD', WHO_AM_I, { id })
    await gateway.send('GET', '/kom/texts/1')
    await gateway.send('GET', '/kom/texts/2')
    const metrics = await metricsOf(gateway)
    const count = (route: string, method: string, status: string) =>
      metric(metrics, 'komgate_http_requests_total', { route, method, status })
    const whoAmI = '/:server/sessions/current/who-am-i'
    expect(count(whoAmI, 'GET', '200')).toBe(2)
    expect(count(whoAmI, 'GET', '403')).toBe(1)
    expect(count(whoAmI, 'HEAD', '200')).toBe(1)
    expect(count('/:server/texts/:text_no', 'GET', '403')).toBe(2)
    expect(count('/:server/sessions', 'POST', '201')).toBe(1)
    const labels = { route: whoAmI, method: 'GET' }
    expect(metric(metrics, 'komgate_http_request_duration_seconds_count', labels)).toBe(3)
    expect(metric(metrics, 'komgate_http_request_duration_seconds_sum', labels)).toBeGreaterThan(0)
  })

  it('labels requests without a route and unknown methods as other', async () => {
    const { gateway } = await start()
    const id = await gateway.open()
    const odd = [
      ...Array.from({ length: 30 }, (_, i) => ['GET', `/nowhere-${i}/%00/${'x'.repeat(i)}`]),
      ...Array.from({ length: 30 }, (_, i) => ['GET', `/server-${i}/sessions/current/who-am-i`]),
      ...Array.from({ length: 30 }, (_, i) => ['GET', `/kom/texts/${i}${'9'.repeat(i)}`]),
      ...['PROPFIND', 'MKCOL', 'REPORT', 'LOCK', 'SEARCH'].map((method) => [method, '/kom/texts/1']),
      ['OPTIONS', '/kom/sessions/'],
      ['DELETE', '/stats'],
      ['GET', `/kom/sessions/${id}`],
      ['GET', '/__proto__/constructor'],
    ] as const
    for (const [method, path] of odd) await send(gateway, method as string, path as string)
    const metrics = await metricsOf(gateway)
    const requests = metrics.filter(({ name }) => name === 'komgate_http_requests_total')
    expect(new Set(requests.map(({ labels }) => labels.route))).toEqual(
      new Set(['/:server/sessions', '/:server/texts/:text_no', 'other']),
    )
    expect(new Set(requests.map(({ labels }) => labels.method))).toEqual(
      new Set(['GET', 'POST', 'DELETE', 'OPTIONS', 'other']),
    )
    const other = requests.filter(({ labels }) => labels.method === 'other')
    expect(other.map(({ labels, value }) => [labels.route, labels.status, value])).toEqual([['other', '405', 5]])
    for (const { labels } of metrics) expect(JSON.stringify(labels)).not.toMatch(/nowhere|server-\d|proto|999/)
  })
})

it('GET /stats returns sums of the metrics', async () => {
  const { server, gateway } = await start(({ ref, call }) => {
    if (call === LOGIN) return errorReply(ref, 4, 6)
    return call === USER_ACTIVE
  })
  const first = await gateway.open()
  await gateway.open()
  const waiting = gateway.send('POST', '/kom/sessions/current/active', { id: await gateway.open() })
  await expect.poll(() => server.connections[2]?.received.at(-1)?.call).toBe(USER_ACTIVE)
  // The reply to the login arrives after the message.
  server.connections[0]?.send(':2 9 6 1\n')
  await gateway.send('POST', '/kom/sessions/current/login', { id: first, json: { pers_no: 6, passwd: 'x' } })
  server.connections[1]?.end()
  await expect.poll(() => gateway.log.join('')).toContain('"reason":"connection-ended"')
  await gateway.send('DELETE', '/kom/sessions/0', { id: first })
  const { json } = await gateway.send('GET', '/stats')
  const handshakes = 3 * HANDSHAKE_CALLS
  expect(Object.entries(json)).toEqual([
    ['komgate.http.requests.received.last', 7],
    ['komgate.http.responses.sent.201.last', 3],
    ['komgate.http.responses.sent.204.last', 1],
    ['komgate.http.responses.sent.401.last', 1],
    ['komgate.sessions.active.last', 1],
    ['komgate.sessions.opened.last', 3],
    ['komgate.sessions.closed.connection-ended.last', 1],
    ['komgate.sessions.closed.deleted.last', 1],
    ['komgate.connections.responses.received.ok.last', handshakes],
    ['komgate.connections.responses.received.error.last', 1],
    ['komgate.connections.responses.received.async.last', 1],
  ])
  server.connections[2]?.end()
  expect((await waiting).status).toBe(403)
})

it('GET /metrics reports hits of all limits by name, starting at 0', async () => {
  const { gateway } = await start(undefined, { maxSessionsPerAddress: 1 })
  const hits = async () => {
    const metrics = await metricsOf(gateway)
    return metrics.filter(({ name }) => name === 'komgate_limit_hits_total').filter(({ value }) => value > 0)
  }
  expect(await hits()).toEqual([])
  await gateway.open()
  await gateway.send('POST', '/kom/sessions/', { json: CLIENT })
  expect((await hits()).map(({ labels, value }) => [labels.limit, value])).toEqual([['sessions-per-address', 1]])
  expect(metric(await metricsOf(gateway), 'komgate_limit_hits_total', { limit: 'body-size' })).toBe(0)
})

it('GET /metrics reports process metrics, and the event-loop delay from the second scrape on', async () => {
  const { gateway } = await start()
  const names = (metrics: Sample[]) => new Set(metrics.map(({ name }) => name))
  const first = await metricsOf(gateway)
  expect(names(first)).toContain('process_cpu_seconds_total')
  expect(metric(first, 'process_resident_memory_bytes')).toBeGreaterThan(1e6)
  expect(metric(first, 'nodejs_heap_size_used_bytes')).toBeGreaterThan(1e6)
  await new Promise((resolve) => setTimeout(resolve, 100))
  const until = performance.now() + 150
  while (performance.now() < until);
  await new Promise((resolve) => setTimeout(resolve, 100))
  const lag = (metrics: Sample[], name: string) => metric(metrics, `nodejs_eventloop_lag_${name}_seconds`) as number
  const second = await metricsOf(gateway)
  expect(lag(second, 'max')).toBeGreaterThan(0.1)
  expect(lag(second, 'p50')).toBeLessThan(lag(second, 'max'))
})

it('GET /metrics reports the metrics of each of two gateways in one process separately', async () => {
  const [{ gateway: one }, { gateway: other }] = [await start(), await start()]
  await one.open()
  const opened = async (gateway: TestGateway) =>
    metric(await metricsOf(gateway), 'komgate_sessions_opened_total', { server: 'kom' })
  expect([await opened(one), await opened(other)]).toEqual([1, 0])
})

// Ten digits, since shorter numbers can occur by chance in the digits of durations.
const PERSON = 1_987_654_321
const ERROR_CODE = 1_876_543_219

it('GET /metrics exposes no connection id, handle, person, address, client name or text of a LysKOM server', async () => {
  const { gateway } = await start(({ ref, call }) => call === USER_ACTIVE && errorReply(ref, ERROR_CODE, 815))
  const made = await gateway.send('POST', '/kom/sessions/', { json: { client: { name: 'Gulliver', version: '99' } } })
  const id = made.json.connection_id as string
  await gateway.send('POST', '/kom/sessions/current/login', { id, json: { pers_no: PERSON, passwd: 'Lilliput' } })
  await gateway.send('POST', '/kom/sessions/current/active', { id })
  await gateway.send('GET', `/kom/sessions/${id}`, { id })
  const { text } = await gateway.send('GET', '/metrics', { id })
  const [, handle] = /"session":"([0-9a-f]{12})"/.exec(gateway.log.join('')) ?? []
  for (const secret of [
    id,
    handle as string,
    String(PERSON),
    'Lilliput',
    'Gulliver',
    '127.0.0.1',
    String(ERROR_CODE),
  ]) {
    expect(text).not.toContain(secret)
  }
})

/** Sends a request that `fetch` cannot send; resolves with the status. */
function send(gateway: TestGateway, method: string, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(gateway.url, { method, path }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode as number))
    })
    sent.on('error', reject).end()
  })
}
