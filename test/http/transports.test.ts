import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import type { TestSettings } from '../support/config.ts'
import { type Answer, type SendOptions, startTestGateway, type TestGateway } from '../support/gateway.ts'

const WHO_AM_I = '/demo/sessions/current/who-am-i'
const ACTIVE = '/demo/sessions/current/active'
const CLIENT = { client: { name: 'test', version: '1.0' } }
const COOKIE = '__Host-komgate-demo'

let gateway: TestGateway
afterEach(() => gateway.close())

async function start(settings: TestSettings): Promise<void> {
  gateway = await startTestGateway([{ id: 'demo', demo: true }], settings)
}

function cookieOf(answer: Answer): string {
  return answer.headers.get('set-cookie') ?? ''
}

/** Returns the status of a request that carries its id only in a cookie. */
async function byCookie(id: string, method: string, path: string, headers: SendOptions['headers'] = {}) {
  return (await gateway.send(method, path, { headers: { cookie: `${COOKIE}=${id}`, ...headers } })).status
}

describe('a gateway without transports', () => {
  it('accepts a connection id in the header, in the query of some routes, and nowhere else', async () => {
    await start({})
    const id = await gateway.open()
    expect((await gateway.send('GET', WHO_AM_I, { headers: { authorization: `Bearer ${id}` } })).status).toBe(403)
    expect((await gateway.send('GET', `${WHO_AM_I}?_token=${id}`)).status).toBe(403)
    expect(await byCookie(id, 'GET', WHO_AM_I)).toBe(403)
    expect(cookieOf(await gateway.send('POST', '/demo/sessions/', { json: CLIENT }))).toBe('')
  })
})

describe('the transport bearer', () => {
  it('accepts the connection id as a bearer token', async () => {
    await start({ transports: ['bearer'] })
    const headers = { authorization: `Bearer ${await gateway.open()}` }
    expect((await gateway.send('GET', WHO_AM_I, { headers })).status).toBe(200)
    expect((await gateway.send('POST', ACTIVE, { headers })).status).toBe(204)
    expect((await gateway.send('POST', '/demo/sessions/', { headers, json: CLIENT })).status).toBe(409)
    expect((await gateway.send('DELETE', '/demo/sessions/0', { headers })).status).toBe(204)
    expect((await gateway.send('GET', WHO_AM_I, { headers })).status).toBe(403)
  })

  it('lets the header override the bearer token', async () => {
    await start({ transports: ['bearer'] })
    const [id, other] = [await gateway.open(), await gateway.open()]
    const { json } = await gateway.send('GET', WHO_AM_I, { id, headers: { authorization: `Bearer ${other}` } })
    expect(json.session_no).toBe((await gateway.send('GET', WHO_AM_I, { id })).json.session_no)
  })
})

describe('the transport query', () => {
  it('accepts the connection id in the query of every route, and does not log it', async () => {
    await start({ transports: ['query'] })
    const id = await gateway.open()
    expect((await gateway.send('POST', `${ACTIVE}?_token=${id}`)).status).toBe(204)
    await expect.poll(() => gateway.log.filter((line) => line.includes('/active'))).toHaveLength(1)
    expect(gateway.log.join('')).not.toContain(id)
  })
})

describe('the transport cookie', () => {
  it('issues a cookie that scripts and other hosts cannot read', async () => {
    await start({ transports: ['cookie'] })
    const made = await gateway.send('POST', '/demo/sessions/', { json: CLIENT })
    expect(cookieOf(made)).toBe(`${COOKIE}=${made.json.connection_id}; Path=/; HttpOnly; Secure; SameSite=Lax`)
    expect(await byCookie(made.json.connection_id, 'GET', WHO_AM_I)).toBe(200)
    expect(await byCookie(made.json.connection_id, 'POST', ACTIVE)).toBe(204)
  })

  it('sets Partitioned and SameSite as configured', async () => {
    await start({ transports: ['cookie'], cookiePartitioned: true, cookieSameSite: 'none' })
    const made = await gateway.send('POST', '/demo/sessions/', { json: CLIENT })
    expect(cookieOf(made)).toMatch(/; Path=\/; HttpOnly; Secure; SameSite=None; Partitioned$/)
  })

  it('deletes the cookie in the browser when the session is deleted', async () => {
    await start({ transports: ['cookie'] })
    const id = await gateway.open()
    const headers = { cookie: `${COOKIE}=${id}` }
    const deleted = await gateway.send('DELETE', '/demo/sessions/0', { headers })
    expect(deleted.status).toBe(204)
    expect(cookieOf(deleted)).toMatch(new RegExp(`^${COOKIE}=; Max-Age=0; Path=/`))
  })

  it('does not reject a new session because of a cookie of an ended session', async () => {
    await start({ transports: ['cookie'] })
    const id = await gateway.open()
    const headers = { cookie: `${COOKIE}=${id}` }
    expect((await gateway.send('POST', '/demo/sessions/', { json: CLIENT, headers })).status).toBe(409)
    await gateway.send('DELETE', '/demo/sessions/0', { id })
    expect((await gateway.send('POST', '/demo/sessions/', { json: CLIENT, headers })).status).toBe(201)
  })

  it('rejects unsafe requests from pages of other origins with 403', async () => {
    await start({ transports: ['cookie'] })
    const id = await gateway.open()
    const host = new URL(gateway.url).host
    const attempts: [Record<string, string>, number][] = [
      [{ origin: 'https://evil.example' }, 403],
      [{ origin: 'null' }, 403],
      [{ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, 403],
      [{ 'sec-fetch-site': 'cross-site' }, 403],
      [{ 'sec-fetch-site': 'same-site' }, 403],
      [{ origin: `https://${host}` }, 204],
      [{ 'sec-fetch-site': 'same-origin' }, 204],
      [{ 'sec-fetch-site': 'none' }, 204],
      [{}, 204],
    ]
    for (const [headers, status] of attempts) {
      expect(await byCookie(id, 'POST', ACTIVE, headers), JSON.stringify(headers)).toBe(status)
    }
    expect(await byCookie(id, 'GET', WHO_AM_I, { origin: 'https://evil.example' })).toBe(200)
  })

  it('accepts requests from pages of listed origins, with credentials', async () => {
    await start({ transports: ['cookie'], corsOrigins: ['https://kom.example'] })
    const id = await gateway.open()
    const headers = { cookie: `${COOKIE}=${id}`, origin: 'https://kom.example', 'sec-fetch-site': 'cross-site' }
    const answer = await gateway.send('POST', ACTIVE, { headers })
    expect(answer.status).toBe(204)
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://kom.example')
    expect(answer.headers.get('access-control-allow-credentials')).toBe('true')
    expect(await byCookie(id, 'POST', ACTIVE, { origin: 'https://other.example' })).toBe(403)
  })

  it('uses the first of several cookies that has a live session', async () => {
    await start({ transports: ['cookie'] })
    const [dead, id] = [await gateway.open(), await gateway.open()]
    await gateway.send('DELETE', '/demo/sessions/0', { id: dead })
    const cookie = (...ids: string[]) => ids.map((each) => `${COOKIE}=${each}`).join('; ')
    for (const value of [cookie(dead, id), cookie('%zz', id), cookie(id, dead)]) {
      expect((await gateway.send('GET', WHO_AM_I, { headers: { cookie: value } })).status, value).toBe(200)
      const opening = { json: CLIENT, headers: { cookie: value } }
      expect((await gateway.send('POST', '/demo/sessions/', opening)).status, value).toBe(409)
    }
    expect((await gateway.send('GET', WHO_AM_I, { headers: { cookie: cookie(dead, 'x') } })).status).toBe(403)
  })

  it('opens a WebSocket despite the cookie of a dead session on another server', async () => {
    gateway = await startTestGateway(
      [
        { id: 'demo', demo: true },
        { id: 'other', demo: true },
      ],
      { transports: ['cookie'] },
    )
    const [dead, id] = [await gateway.open('other'), await gateway.open('demo')]
    await gateway.send('DELETE', '/other/sessions/0', { id: dead })
    const headers = { cookie: `__Host-komgate-other=${dead}; ${COOKIE}=${id}` }
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/websocket`, { headers })
    await once(socket, 'open')
    socket.terminate()
  })

  it('uses a separate cookie for each server', async () => {
    await start({ transports: ['cookie'] })
    const id = await gateway.open()
    const headers = { cookie: `__Host-komgate-other=${id}` }
    expect((await gateway.send('GET', WHO_AM_I, { headers })).status).toBe(403)
  })
})

describe('the body of a text', () => {
  const login = async () => {
    const id = await gateway.open()
    const person = await gateway.send('POST', '/demo/persons/', { id, json: { name: 'Vary', passwd: 'x' } })
    const json = { pers_no: person.json.pers_no, passwd: 'x' }
    expect((await gateway.send('POST', '/demo/sessions/current/login', { id, json })).status).toBe(201)
    return id
  }

  it.each([
    [[], 'Httpkom-Connection'],
    [['query'], 'Httpkom-Connection'],
    [['bearer'], 'Httpkom-Connection, Authorization'],
    [['cookie'], 'Httpkom-Connection, Cookie'],
    [['cookie', 'bearer', 'query'], 'Httpkom-Connection, Authorization, Cookie'],
  ] as const)('varies on every header that may carry the id with the transports %j', async (transports, vary) => {
    await start({ transports: [...transports] })
    const id = await login()
    const first = await gateway.send('GET', '/demo/texts/9/body', { id })
    expect([first.status, first.headers.get('vary')]).toEqual([200, vary])
    const headers = { 'if-none-match': first.headers.get('etag') ?? '' }
    const second = await gateway.send('GET', '/demo/texts/9/body', { id, headers })
    expect([second.status, second.headers.get('vary'), second.headers.get('cache-control')]).toEqual([
      304,
      vary,
      'private, no-cache',
    ])
  })
})

describe('autoCreate', () => {
  it('opens a session for a request without an id', async () => {
    await start({ autoCreate: true, transports: ['cookie'] })
    const answer = await gateway.send('GET', WHO_AM_I)
    const id = answer.headers.get('httpkom-connection') as string
    expect(answer).toMatchObject({ status: 200, json: { person: null } })
    expect(cookieOf(answer)).toContain(`${COOKIE}=${id};`)
    expect((await gateway.send('GET', WHO_AM_I, { id })).json).toEqual(answer.json)
  })

  it('sends no-store with each response that holds a new id', async () => {
    await start({ autoCreate: true })
    for (const path of [WHO_AM_I, '/demo/texts/9/body', '/demo/texts/0/body']) {
      const { headers } = await gateway.send('GET', path)
      expect([headers.get('httpkom-connection')?.length, headers.get('cache-control')]).toEqual([36, 'no-store'])
    }
  })

  it('opens no session for a request with an invalid or empty id: 403', async () => {
    await start({ autoCreate: true })
    expect((await gateway.send('GET', WHO_AM_I, { id: '00000000-0000-4000-8000-000000000000' })).status).toBe(403)
    expect((await gateway.send('GET', WHO_AM_I, { id: '' })).status).toBe(403)
  })
})
