import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const BODY = '/demo/texts/30/body'
const WHO_AM_I = '/demo/sessions/current/who-am-i'

let gateway: TestGateway
let id: string
beforeAll(async () => {
  gateway = await startTestGateway(
    [
      { id: 'demo', demo: true },
      { id: 'other', demo: true },
    ],
    { transports: ['cookie', 'query'] },
  )
  id = await logIn()
})
afterAll(() => gateway.close())

async function logIn(): Promise<string> {
  const session = await gateway.open()
  await gateway.send('POST', '/demo/sessions/current/login', { id: session, json: { pers_no: 6, passwd: 'demo' } })
  return session
}

async function ticketOf(session: string): Promise<string> {
  return (await gateway.send('POST', '/demo/sessions/current/tickets', { id: session })).json.ticket
}

const status = async (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  (await gateway.send(method, path, { headers })).status

/** Opens a WebSocket. Resolves with the number of its session, or with the status of the response that rejects it. */
async function websocket(query: string): Promise<string> {
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/websocket?${query}`)
  const outcome = await Promise.race([
    once(socket, 'open').then(() => undefined),
    once(socket, 'unexpected-response').then(([, { statusCode }]) => `rejected: ${statusCode}`),
  ])
  if (outcome !== undefined) return outcome
  socket.send(JSON.stringify({ protocol: 'a', ref_no: 1, request: '56' }))
  const [reply] = await once(socket, 'message')
  socket.close()
  return JSON.parse(String(reply)).reply
}

describe('POST /S/sessions/current/tickets', () => {
  it('creates a ticket, which caches may not store', async () => {
    const { status: made, json, headers } = await gateway.send('POST', '/demo/sessions/current/tickets', { id })
    expect([made, json]).toEqual([201, { ticket: expect.stringMatching(/^[\w-]{43}$/), expires_in: 30 }])
    expect(headers.get('cache-control')).toBe('no-store')
  })

  it('needs a session', async () => {
    expect(await status('/demo/sessions/current/tickets', {}, 'POST')).toBe(403)
    expect(await status(`/demo/sessions/current/tickets?ticket=${await ticketOf(id)}`, {}, 'POST')).toBe(403)
  })

  it('answers 503 with the limit and Retry-After for the 101st unused ticket', async () => {
    const session = await gateway.open()
    for (let i = 0; i < 100; i++) await ticketOf(session)
    const refused = await gateway.send('POST', '/demo/sessions/current/tickets', { id: session })
    expect([refused.status, refused.json.limit]).toEqual([503, 'tickets-per-session'])
    const retryAfter = Number(refused.headers.get('retry-after'))
    expect(retryAfter).toBeGreaterThan(20)
    expect(retryAfter).toBeLessThanOrEqual(30)
    expect((await gateway.send('GET', '/metrics')).text).toContain(
      'komgate_limit_hits_total{limit="tickets-per-session"} 1\n',
    )
  })
})

describe('a ticket', () => {
  it('opens the body of a text once', async () => {
    const ticket = await ticketOf(id)
    const shown = await gateway.send('GET', `${BODY}?ticket=${ticket}`)
    expect(shown.text).toBe((await gateway.send('GET', BODY, { id })).text)
    expect(shown.status).toBe(200)
    const again = await gateway.send('GET', `${BODY}?ticket=${ticket}`)
    expect([again.status, again.json]).toEqual([
      403,
      { error_type: 'httpkom', error_msg: 'The ticket is unknown, used or expired, or its session has ended.' },
    ])
  })

  it('opens a WebSocket once', async () => {
    const ticket = await ticketOf(id)
    const { session_no } = (await gateway.send('GET', WHO_AM_I, { id })).json
    expect(await websocket(`ticket=${ticket}`)).toBe(String(session_no))
    expect(await websocket(`ticket=${ticket}`)).toBe('rejected: 403')
    expect(await websocket('')).toBe('rejected: 403')
  })

  it('is rejected on another server, and after its session has ended', async () => {
    expect(await status(`/other/texts/30/body?ticket=${await ticketOf(id)}`)).toBe(403)
    const session = await logIn()
    const ticket = await ticketOf(session)
    await gateway.send('DELETE', '/demo/sessions/0', { id: session })
    expect(await status(`${BODY}?ticket=${ticket}`)).toBe(403)
  })

  it.each(['', 'x', 'A'.repeat(43)])('is rejected if it is unknown: %j', async (ticket) => {
    expect(await status(`${BODY}?ticket=${ticket}`)).toBe(403)
    expect(await websocket(`ticket=${ticket}`)).toBe('rejected: 403')
  })

  it('does not work on other routes', async () => {
    const ticket = await ticketOf(id)
    expect(await status(`/demo/texts/30?ticket=${ticket}`)).toBe(403)
    expect(await status(`${WHO_AM_I}?ticket=${ticket}`)).toBe(403)
    expect(await status(`/demo/sessions/0?ticket=${ticket}`, {}, 'DELETE')).toBe(403)
    expect(await status(`${BODY}?ticket=${ticket}`)).toBe(200)
  })

  it('gives no more access than its session has', async () => {
    const anonymous = await gateway.open()
    expect(await status(`${BODY}?ticket=${await ticketOf(anonymous)}`)).toBe(401)
  })

  it('is not used by a request that carries the connection id too', async () => {
    const ticket = await ticketOf(id)
    expect(await status(`${BODY}?ticket=${ticket}`, { 'httpkom-connection': id })).toBe(200)
    expect(await status(`${BODY}?ticket=${ticket}&Httpkom-Connection=${id}`)).toBe(200)
    expect(await status(`${BODY}?ticket=${ticket}&_token=${id}`)).toBe(200)
    expect(await status(`${BODY}?ticket=${ticket}`, { 'httpkom-connection': 'x' })).toBe(403)
    expect(await status(`${BODY}?ticket=${ticket}`)).toBe(200)
  })

  it('overrides a cookie, which browsers add to every request', async () => {
    const cookie = { cookie: `__Host-komgate-demo=${id}` }
    expect(await status(BODY, cookie)).toBe(200)
    expect(await status(`${BODY}?ticket=x`, cookie)).toBe(403)
    const anonymous = { cookie: `__Host-komgate-demo=${await gateway.open()}` }
    expect(await status(`${BODY}?ticket=${await ticketOf(id)}`, anonymous)).toBe(200)
  })

  it('may be made in a batch', async () => {
    const requests = [{ id: 'a', method: 'POST', url: '/sessions/current/tickets' }]
    const { json } = await gateway.send('POST', '/demo/batch', { id, json: { requests } })
    expect(await status(`${BODY}?ticket=${json.responses[0].body.ticket}`)).toBe(200)
  })
})
