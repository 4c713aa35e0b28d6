import { pino } from 'pino'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { startGateway } from '../../src/gateway.ts'
import { startTracing } from '../../src/ops/tracing.ts'
import { configFor } from '../support/config.ts'
import { type Handler, startFakeServer } from '../support/fake-server.ts'
import { recordingSdk } from '../support/telemetry.ts'
import { errorReply, reply } from '../support/wire.ts'

const LOGIN = 62
const WANTED = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' }
const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const silent = pino({ level: 'silent' })

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

describe('startTracing', () => {
  it.each([
    [{}],
    [{ OTEL_SERVICE_NAME: 'x', OTEL_EXPORTER_OTLP_ENDPOINT: '' }],
    [{ OTEL_TRACES_EXPORTER: 'none' }],
    [{ ...WANTED, OTEL_TRACES_EXPORTER: 'none' }],
    [{ ...WANTED, OTEL_SDK_DISABLED: 'true' }],
  ])('does not load the SDK for the environment %j', async (env) => {
    const load = vi.fn()
    expect(await startTracing(env, silent, load)).toBeUndefined()
    expect(load).not.toHaveBeenCalled()
  })

  it.each([
    [WANTED],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:4318/v1/traces' }],
    [{ OTEL_TRACES_EXPORTER: 'console' }],
  ])('starts the SDK for the environment %j', async (env) => {
    const { sdk, services } = recordingSdk()
    const tracing = await startTracing(env, silent, () => Promise.resolve(sdk))
    await tracing?.close()
    expect(services).toEqual(['komgate'])
    const named = recordingSdk()
    await (await startTracing({ ...env, OTEL_SERVICE_NAME: 'mine' }, silent, async () => named.sdk))?.close()
    expect(named.services).toEqual(['mine'])
  })

  it('logs a warning if the SDK is not installed', async () => {
    const log: string[] = []
    const logger = pino({ level: 'info' }, { write: (line) => void log.push(line) })
    // The error of Node's loader, since the loader of Vitest throws a different one.
    const missing = Object.assign(new Error('not there'), { code: 'ERR_MODULE_NOT_FOUND' })
    expect(await startTracing(WANTED, logger, () => Promise.reject(missing))).toBeUndefined()
    expect(log.map((line) => JSON.parse(line).msg)).toEqual([
      'OpenTelemetry: @opentelemetry/sdk-node is not installed, no traces are exported',
    ])
  })
})

async function start(handler?: Handler) {
  const { sdk, spans } = recordingSdk()
  const tracing = await startTracing(WANTED, silent, () => Promise.resolve(sdk))
  if (tracing === undefined) throw new Error('no tracing')
  const server = await startFakeServer(handler)
  const servers = [{ id: 'kom', name: 'KOM', demo: false, host: '127.0.0.1', port: server.port }]
  const gateway = await startGateway({ ...configFor(servers), logger: silent, tracing })
  closing.push(tracing.close, server.close, gateway.close)
  const send = async (method: string, path: string, { id = '', headers = {}, body = undefined as unknown } = {}) => {
    const response = await fetch(gateway.url + path, {
      method,
      headers: {
        ...(id !== '' && { 'httpkom-connection': id }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    return { status: response.status, text: await response.text() }
  }
  const { text } = await send('POST', '/kom/sessions/', { body: { client: { name: 'x', version: '1' } } })
  return { spans, send, id: (JSON.parse(text) as { connection_id: string }).connection_id, server }
}

describe('the span of a request', () => {
  it('is named by its route and has a child span for each call', async () => {
    const { spans, send, id } = await start()
    await send('GET', '/kom/sessions/current/who-am-i', { id })
    const byName = new Map(spans.map((span) => [span.name, span]))
    const opening = byName.get('POST /:server/sessions')
    expect(opening).toMatchObject({
      kind: 'SERVER',
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/:server/sessions',
        'http.response.status_code': 201,
      },
      parentId: undefined,
      isError: false,
    })
    const below = spans.filter(({ parentId }) => parentId === opening?.spanId)
    expect(below.map(({ name }) => name).toSorted((a, b) => a.localeCompare(b))).toEqual([
      'accept-async',
      'set-client-version',
      'set-connection-time-format',
      'who-am-i',
    ])
    for (const { kind, traceId } of below) expect([kind, traceId]).toEqual(['CLIENT', opening?.traceId])
    const asked = byName.get('GET /:server/sessions/current/who-am-i')
    expect(asked?.traceId).not.toBe(opening?.traceId)
    expect(spans.filter(({ parentId }) => parentId === asked?.spanId)).toHaveLength(1)
  })

  it('is a child of the span in the traceparent header', async () => {
    const { spans, send } = await start()
    await send('GET', '/stats', { headers: { traceparent: `00-${TRACE}-${SPAN}-01` } })
    await send('GET', '/stats', { headers: { traceparent: 'nonsense' } })
    const [first, second] = spans.filter(({ name }) => name === 'GET /stats')
    expect([first?.traceId, first?.parentId]).toEqual([TRACE, SPAN])
    expect(second?.parentId).toBeUndefined()
  })

  it('is a child of the span of its batch', async () => {
    const { spans, send, id } = await start()
    const requests = [{ id: 'a', method: 'GET', url: '/sessions/current/who-am-i' }]
    await send('POST', '/kom/batch', { id, body: { requests } })
    const of = (name: string) => spans.find((span) => span.name === name)
    const batch = of('POST /:server/batch')
    expect(batch?.parentId).toBeUndefined()
    const within = of('GET /:server/sessions/current/who-am-i')
    expect([within?.parentId, within?.traceId]).toEqual([batch?.spanId, batch?.traceId])
    expect(spans.filter(({ parentId }) => parentId === within?.spanId).map(({ name }) => name)).toEqual(['who-am-i'])
  })

  it('has the status of a failed request, and its child span the error of the call', async () => {
    const { spans, send, id, server } = await start(({ ref, call }) => {
      if (call === 82) return true
      return call === LOGIN ? errorReply(ref, 4, 6) : call === 94 && reply(ref, 'nonsense')
    })
    await send('POST', '/kom/sessions/current/login', { id, body: { pers_no: 6, passwd: 'Lilliput' } })
    await send('GET', '/kom/server/info', { id })
    const waiting = send('POST', '/kom/sessions/current/active', { id })
    await expect.poll(() => server.connections[0]?.received.at(-1)?.call).toBe(82)
    server.connections[0]?.end()
    await waiting
    const of = (name: string) => spans.find((span) => span.name === name)
    expect(of('login')).toMatchObject({ isError: true, attributes: { 'error.type': 'invalid-password' } })
    expect(of('POST /:server/sessions/current/login')).toMatchObject({
      isError: false,
      attributes: { 'http.response.status_code': 401 },
    })
    expect(of('get-info')).toMatchObject({ isError: true, attributes: { 'error.type': 'unreadable' } })
    expect(of('GET /:server/server/info')).toMatchObject({ isError: true })
    expect(of('user-active')).toMatchObject({ isError: true, attributes: { 'error.type': 'connection-ended' } })
  })

  it('contains no id, person, path or password', async () => {
    // Ten digits, since shorter numbers can occur by chance in the ids and times of spans.
    const [person, text] = ['1987654321', '1876543219']
    const { spans, send, id } = await start(({ ref, call }) => call === LOGIN && reply(ref))
    await send('POST', '/kom/sessions/current/login', { id, body: { pers_no: person, passwd: 'Lilliput' } })
    await send('GET', `/kom/sessions/${id}`, { id })
    await send('GET', `/kom/texts/${text}?Httpkom-Connection=${id}`)
    await send('GET', '/nowhere/at-all')
    expect(spans.some(({ name }) => name === 'GET')).toBe(true)
    const all = JSON.stringify(spans)
    for (const secret of [id, person, 'Lilliput', text, 'nowhere']) expect(all).not.toContain(secret)
  })
})
