import { afterEach, describe, expect, it } from 'vitest'
import type { TestSettings } from '../support/config.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { metric, parseMetrics } from '../support/prometheus.ts'
import { openRaw, rawRequest, statuses } from '../support/raw-http.ts'

const MEGABYTE = 2 ** 20
const COOKIE = '__Host-komgate-demo'
const NDJSON = { Accept: 'application/x-ndjson' }
const JSON_TYPE = { 'Content-Type': 'application/json' }

let gateway: TestGateway
afterEach(() => gateway.close())

async function start(settings: TestSettings = {}): Promise<void> {
  gateway = await startTestGateway([{ id: 'demo', demo: true }], settings)
}

/** Opens a session, logs in and creates a text of 130 kB. */
async function openWithText(): Promise<{ id: string; textNo: number }> {
  const id = await gateway.open()
  await gateway.send('POST', '/demo/sessions/current/login', { id, json: { pers_no: 6, passwd: 'demo' } })
  const text = { subject: 's', body: 'x'.repeat(130_000), content_type: 'text/x-kom-basic', recipient_list: [] }
  const { json } = await gateway.send('POST', '/demo/texts/', { id, json: text })
  return { id, textNo: json.text_no }
}

const whoAmI = { requests: [{ id: 'a', method: 'GET', url: '/sessions/current/who-am-i' }] }
const many = (textNo: number, n: number) => ({
  requests: Array.from({ length: n }, (_, i) => ({ id: String(i), method: 'GET', url: `/texts/${textNo}/body` })),
})

const samples = async () => parseMetrics((await gateway.send('GET', '/metrics')).text)
const hits = async (limit: string) => metric(await samples(), 'komgate_limit_hits_total', { limit })
const unread = async () => metric(await samples(), 'komgate_http_unread_bytes')

describe('the memory of the responses of a batch', () => {
  it.each([
    ['JSON', {}],
    ['lines', NDJSON],
  ])('counts as unread until it is sent, as %s', async (_, accept) => {
    await start({ maxUnreadBytesPerAddress: 2 * MEGABYTE })
    const { id, textNo } = await openWithText()
    const client = await openRaw(gateway.url)
    client.socket.pause()
    const body = JSON.stringify(many(textNo, 100))
    const fields = { 'Httpkom-Connection': id, ...JSON_TYPE, ...accept }
    client.socket.write(rawRequest('POST', '/demo/batch', fields, body))
    await expect.poll(() => hits('unread-bytes-per-address')).toBeGreaterThan(0)
    client.socket.resume()
    await client.closed()
    await expect.poll(unread).toBe(0)
    expect((await gateway.send('GET', `/demo/texts/${textNo}`, { id })).status).toBe(200)
  })

  it('is released when a client reads the lines, and when it disconnects', async () => {
    await start({ maxUnreadBytesPerAddress: 20 * MEGABYTE })
    const { id, textNo } = await openWithText()
    const answer = await gateway.send('POST', '/demo/batch', { id, json: many(textNo, 100), headers: NDJSON })
    const lines = answer.text.trimEnd().split('\n')
    expect(new Set(lines.map((line) => JSON.parse(line).id)).size).toBe(100)
    await expect.poll(unread).toBe(0)

    const client = await openRaw(gateway.url)
    client.socket.pause()
    const fields = { 'Httpkom-Connection': id, ...JSON_TYPE, ...NDJSON }
    client.socket.write(rawRequest('POST', '/demo/batch', fields, JSON.stringify(many(textNo, 100))))
    await expect.poll(unread).toBeGreaterThan(MEGABYTE)
    client.socket.destroy()
    await expect.poll(unread).toBe(0)
    expect(await hits('unread-bytes-per-address')).toBe(0)
  })
})

describe('a batch', () => {
  it('is answered in order with pipelined requests', async () => {
    await start()
    const id = await gateway.open()
    const client = await openRaw(gateway.url)
    const fields = { 'Httpkom-Connection': id, ...JSON_TYPE }
    const batch = rawRequest('POST', '/demo/batch', { ...fields, ...NDJSON }, JSON.stringify(whoAmI))
    const last = rawRequest('GET', '/nosuch', { Connection: 'close' })
    client.socket.write(batch + rawRequest('GET', '/demo/server/info', fields) + batch + last)
    expect(statuses(await client.closed())).toEqual([200, 200, 200, 404])
  })

  it('runs on the session of a cookie, from pages of allowed origins only', async () => {
    await start({ transports: ['cookie'], corsOrigins: ['https://kom.example'] })
    const headers = { cookie: `${COOKIE}=${await gateway.open()}` }
    const send = (origin: string) =>
      gateway.send('POST', '/demo/batch', { json: whoAmI, headers: { ...headers, origin } })
    const allowed = await send('https://kom.example')
    expect(allowed.json.responses).toMatchObject([{ status: 200, body: { session_no: 1 } }])
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://kom.example')
    expect((await send('https://evil.example')).status).toBe(403)
  })

  it('runs on a session that is opened automatically', async () => {
    await start({ autoCreate: true })
    const answer = await gateway.send('POST', '/demo/batch', { json: whoAmI })
    expect(answer.json.responses).toMatchObject([{ status: 200, body: { session_no: 1 } }])
    const id = answer.headers.get('httpkom-connection') ?? ''
    const alone = await gateway.send('GET', '/demo/sessions/current/who-am-i', { id })
    expect(alone.json.session_no).toBe(1)
  })

  it('is below the base path, and its urls are not', async () => {
    await start({ basePath: '/httpkom' })
    const id = await gateway.open()
    const { json } = await gateway.send('POST', '/demo/batch', { id, json: whoAmI })
    expect(json.responses).toMatchObject([{ status: 200 }])
  })

  it('goes on with 403 when one of its requests ends the session by a call', async () => {
    await start()
    const id = await gateway.open()
    const requests = [
      ...whoAmI.requests,
      { id: 'b', method: 'DELETE', url: '/sessions/mine', depends_on: ['a'] },
      { id: 'c', method: 'POST', url: '/calls/disconnect', body: { session_no: 0 }, depends_on: ['a'] },
      { id: 'd', method: 'GET', url: '/texts/1', depends_on: ['c'] },
    ]
    const { json } = await gateway.send('POST', '/demo/batch', { id, json: { requests } })
    expect(json.responses.map(({ status }: { status: number }) => status)).toEqual([200, 401, 200, 403])
  })
})
