import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import type { TestSettings } from '../support/config.ts'
import { type Handler, startFakeServer } from '../support/fake-server.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { errorReply, h, reply } from '../support/wire.ts'

const LOGIN_OLD = 0
const LOGIN = 62
const SET_PASSWD = 8
const UCONF = 78
const LOOKUP = 76
const INVALID_PASSWORD = 4
const CLIENT = { client: { name: 'x', version: '1' } }

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A server on which every person's password is `right`. The name of person 6 is `x`. */
const people: Handler = ({ ref, call, args }) => {
  const text = args.toString('latin1')
  if (call === UCONF) return reply(ref, h('x'), '10010000', 1, 77)
  if (call === LOOKUP) return reply(ref, 1, '{', h('x'), '1001', 6, '}')
  if (call !== LOGIN && call !== LOGIN_OLD && call !== SET_PASSWD) return false
  return text.includes('5Hright') ? reply(ref) : errorReply(ref, INVALID_PASSWORD, Number(text.split(' ')[0]))
}

async function start(settings: TestSettings = {}) {
  const server = await startFakeServer(people)
  const trusted = { trustedProxies: ['127.0.0.1'], ...settings }
  const gateway = await startTestGateway([{ id: 'kom', port: server.port }], trusted)
  closing.push(server.close, gateway.close)
  /** Returns how often the server has checked a password. */
  const asked = () =>
    server.connections
      .flatMap(({ received }) => received)
      .filter(({ call }) => call === LOGIN || call === LOGIN_OLD || call === SET_PASSWD).length
  return { server, gateway, asked }
}

/** Opens a session from an address. */
async function openFrom(gateway: TestGateway, address: string): Promise<string> {
  const headers = { 'x-forwarded-for': address }
  return (await gateway.send('POST', '/kom/sessions/', { json: CLIENT, headers })).json.connection_id
}

function logIn(gateway: TestGateway, id: string, passwd: string, who: object = { pers_no: 6 }) {
  return gateway.send('POST', '/kom/sessions/current/login', { id, json: { ...who, passwd } })
}

/** Tries to log in from an address, on a new session. Returns the response. */
async function tryFrom(gateway: TestGateway, address: string, passwd: string) {
  const id = await openFrom(gateway, address)
  const answer = await logIn(gateway, id, passwd)
  await gateway.send('DELETE', '/kom/sessions/0', { id })
  return answer
}

async function websocket(gateway: TestGateway, id: string) {
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/websocket?Httpkom-Connection=${id}`)
  await once(socket, 'open')
  return async (request: string) => {
    socket.send(JSON.stringify({ protocol: 'a', ref_no: 1, request }))
    const [data] = await once(socket, 'message')
    return JSON.parse(String(data))
  }
}

async function hits(gateway: TestGateway, limit: string): Promise<number> {
  const { text } = await gateway.send('GET', '/metrics')
  return Number(new RegExp(`^komgate_limit_hits_total\\{limit="${limit}"\\} (\\d+)$`, 'm').exec(text)?.[1])
}

describe('limits on guessing passwords', () => {
  it('wrong passwords from many /64 of a /48 delay logins from it, except from the network of the person', async () => {
    const { gateway, asked } = await start({ freeLoginFailures: 2 })
    const home = '2001:db8:1:ffff::1'
    expect((await tryFrom(gateway, home, 'right')).status).toBe(201)
    for (let i = 0; i < 16; i++) {
      expect((await tryFrom(gateway, `2001:db8:1:${i.toString(16)}00::1`, 'wrong')).status).toBe(401)
    }
    const { status, headers, json } = await tryFrom(gateway, '2001:db8:1:aaaa::1', 'right')
    expect(asked()).toBe(17)
    expect([status, headers.get('retry-after'), json]).toEqual([
      429,
      '1',
      {
        error_type: 'httpkom',
        error_msg: 'Too many logins of this person have failed; wait before the next one.',
        limit: 'login-failures',
      },
    ])
    expect(await hits(gateway, 'login-failures')).toBe(1)
    expect((await tryFrom(gateway, home, 'wrong')).status).toBe(401)
    expect((await tryFrom(gateway, home, 'right')).status).toBe(201)
    expect((await tryFrom(gateway, '2001:db8:2:1::1', 'right')).status).toBe(201)
  })

  it('wrong passwords from many networks delay logins, but each network gets an attempt after its delay', async () => {
    const { gateway, asked } = await start({ freeLoginFailuresPerPerson: 10, maxLoginDelayMs: 1000 })
    for (let i = 0; i < 11; i++) await tryFrom(gateway, `198.51.${i}.1`, 'wrong')
    expect(asked()).toBe(10)
    const id = await openFrom(gateway, '203.0.113.1')
    const refused = await logIn(gateway, id, 'right')
    expect([refused.status, refused.headers.get('retry-after'), refused.json.limit]).toEqual([
      429,
      '1',
      'login-failures',
    ])
    await expect
      .poll(async () => {
        await tryFrom(gateway, '198.51.200.1', 'wrong')
        return (await logIn(gateway, id, 'right')).status
      })
      .toBe(201)
    expect((await logIn(gateway, await openFrom(gateway, '203.0.113.1'), 'right')).status).toBe(201)
  })

  it('at the same time gets no more tries than one after the other', async () => {
    const { gateway, asked } = await start({ freeLoginFailures: 3 })
    const ids = await Promise.all(Array.from({ length: 40 }, () => openFrom(gateway, '192.0.2.1')))
    const answers = await Promise.all(ids.map((id) => logIn(gateway, id, 'wrong')))
    expect(asked()).toBe(3)
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(3)
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused).toHaveLength(37)
    for (const { json, headers } of refused) {
      expect([json.limit, headers.get('retry-after')]).toEqual(['login-failures', '1'])
    }
  })

  it.each([
    ['by number', { pers_no: 6 }],
    ['by name', { pers_name: 'x' }],
  ])('does not include concurrent logins %s with the right password', async (_, who) => {
    const { gateway, asked } = await start({ freeLoginFailures: 3 })
    const ids = await Promise.all(Array.from({ length: 40 }, () => openFrom(gateway, '192.0.2.1')))
    const answers = await Promise.all(ids.map((id) => logIn(gateway, id, 'right', who)))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(40)
    expect(asked()).toBe(40)
    expect(await hits(gateway, 'login-failures')).toBe(0)
  })

  it('all calls that check a password share one limit', async () => {
    const { gateway, asked } = await start({ freeLoginFailures: 6 })
    const [id, other] = [await openFrom(gateway, '192.0.2.1'), await openFrom(gateway, '192.0.2.1')]
    const ask = await websocket(gateway, other)
    expect((await logIn(gateway, id, 'wrong')).status).toBe(401)
    expect((await logIn(gateway, id, 'wrong', { pers_name: 'x' })).status).toBe(401)
    expect(await ask('62 6 5Hwrong 0')).toMatchObject({ error_code: INVALID_PASSWORD })
    expect(await ask('0 6 5Hwrong')).toMatchObject({ error_code: INVALID_PASSWORD })
    expect((await logIn(gateway, id, 'right')).status).toBe(201)

    const change = (old_pwd: string, persNo = 6) =>
      gateway.send('POST', `/kom/persons/${persNo}/set-passwd`, { id, json: { old_pwd, new_pwd: 'new' } })
    for (let i = 0; i < 5; i++) expect((await change('wrong', 6 + i)).status).toBe(400)
    expect((await logIn(gateway, other, 'wrong')).status).toBe(401)
    const before = asked()
    const refused = [
      await change('right'),
      await logIn(gateway, other, 'right'),
      await logIn(gateway, other, 'right', { pers_name: 'x' }),
    ]
    expect(refused.map(({ status, json }) => [status, json.limit])).toEqual(Array(3).fill([429, 'login-failures']))
    for (const request of ['62 6 5Hright 0', '0 6 5Hright']) {
      expect(await ask(request)).toMatchObject({ limit: 'login-failures', retry_after: 1 })
    }
    expect(asked()).toBe(before)
    // lyskomd reads 65542 as 6.
    await ask('62 65542 5Hright 0')
    expect((await logIn(gateway, other, 'right', { pers_no: 65_542 })).status).toBe(400)
    expect(asked()).toBe(before)
  })

  it('all server ids of one LysKOM server share one limit', async () => {
    const server = await startFakeServer(people)
    const ids = ['kom', 'twin'].map((id) => ({ id, port: server.port }))
    const gateway = await startTestGateway(ids, { freeLoginFailures: 1 })
    closing.push(server.close, gateway.close)
    const statuses: number[] = []
    for (const { id } of ids) {
      const json = { pers_no: 6, passwd: 'wrong' }
      const made = await gateway.open(id)
      statuses.push((await gateway.send('POST', `/${id}/sessions/current/login`, { id: made, json })).status)
    }
    expect(statuses).toEqual([401, 429])
  })

  it('set-passwd on the WebSocket has the same limit', async () => {
    const { gateway, asked } = await start({ freeLoginFailures: 1 })
    const id = await openFrom(gateway, '192.0.2.1')
    const ask = await websocket(gateway, id)
    expect(await ask('62 6 5Hright 0')).toMatchObject({ reply: '' })
    expect(await ask('8 6 5Hwrong 3Hnew')).toMatchObject({ error_code: INVALID_PASSWORD })
    expect(await ask('8 6 5Hright 3Hnew')).toMatchObject({ limit: 'login-failures' })
    expect(asked()).toBe(2)
  })
})

describe('limits on guessing keys', () => {
  const ADMIN_KEY = 'the-admin-key-0123456789'
  const APP_KEY = 'the-app-key'
  const settings: TestSettings = {
    freeLoginFailures: 3,
    adminKey: ADMIN_KEY,
    compat: ['rest-sessions', 'sessman', 'microapp'],
    apps: [{ id: 'forum', name: 'forum' }],
    appKeys: [{ app: '*', key: APP_KEY }],
  }
  const routes: [string, string, string][] = [
    ['of the administrator', '/admin/sessions', ADMIN_KEY],
    ['of an application in rest-sessions', '/forum/soapp?dt=600', APP_KEY],
    ['of an application in sessman', '/sessman/new?user=x', APP_KEY],
    ['of an application in the microapp', '/expire_session.cgi?service=forum&user_id=x', APP_KEY],
  ]

  it.each(routes)('wrong keys %s delay further keys', async (_, path, right) => {
    const { gateway } = await start(settings)
    const ask = (key: string, address = '192.0.2.1') =>
      gateway.send('GET', path, { headers: { authorization: `Bearer ${key}`, 'x-forwarded-for': address } })
    expect((await ask(right)).status).toBe(200)
    expect((await gateway.send('GET', path, { headers: { 'x-forwarded-for': '192.0.2.1' } })).status).toBe(401)
    for (let i = 0; i < 3; i++) expect((await ask(`wrong-${i}`)).status).toBe(401)
    const refused = await ask('wrong-3')
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1'])
    expect(refused.text).toContain('Too many wrong keys')
    expect(refused.text).not.toContain('wrong-3')
    expect((await ask(right)).status).toBe(200)
    for (let i = 0; i < 3; i++) expect((await ask('wrong', '192.0.2.2')).status).toBe(401)
    expect((await ask(right, '192.0.2.2')).status).toBe(429)
    expect((await ask(right, '192.0.2.3')).status).toBe(200)
    expect(await hits(gateway, 'key-failures')).toBe(2)
  })

  it.each(routes)(
    'wrong keys %s from a /48 delay keys from it, except from networks that have sent the right key',
    async (_, path, right) => {
      const { gateway } = await start(settings)
      const ask = async (key: string, address: string) =>
        (await gateway.send('GET', path, { headers: { authorization: `Bearer ${key}`, 'x-forwarded-for': address } }))
          .status
      expect(await ask(right, '2001:db8:1:ffff::1')).toBe(200)
      for (let i = 0; i < 24; i++) expect(await ask('wrong', `2001:db8:1:${i.toString(16)}00::1`)).toBe(401)
      expect(await ask(right, '2001:db8:1:aaaa::1')).toBe(429)
      expect(await ask(right, '2001:db8:1:ffff::1')).toBe(200)
    },
  )

  it('wrong keys of several applications count together', async () => {
    const { gateway } = await start(settings)
    const headers = { authorization: 'Bearer wrong', 'x-forwarded-for': '192.0.2.1' }
    const statuses: number[] = []
    for (const path of ['/forum/soapp', '/other/soapp', '/third/soapp', '/fourth/soapp', '/sessman/new?user=x']) {
      statuses.push((await gateway.send('GET', path, { headers })).status)
    }
    expect(statuses).toEqual([401, 401, 401, 429, 429])
  })
})
