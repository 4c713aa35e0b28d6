import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TestSettings } from '../support/config.ts'
import { type Handler, startFakeServer } from '../support/fake-server.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { errorReply, h, reply, time } from '../support/wire.ts'

const GET_TEXT = 25
const QUERY_READ_TEXTS = 107
const LOGIN_OLD = 0
const SET_PASSWD = 8
const LOGIN = 62
const INVALID_PASSWORD = 4
const WHO_AM_I = '/sessions/current/who-am-i'
/** Demo Reader */
const READER = 6

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A session on one of the LysKOM servers of a gateway. */
class Client {
  readonly #gateway: TestGateway
  readonly #server: string
  readonly id: string

  constructor(gateway: TestGateway, server: string, id: string) {
    this.#gateway = gateway
    this.#server = server
    this.id = id
  }

  send(method: string, path: string, json?: unknown, headers: Record<string, string> = {}) {
    const options = { id: this.id, headers, ...(json !== undefined && { json }) }
    return this.#gateway.send(method, `/${this.#server}${path}`, options)
  }

  /** Makes a call. Resolves with the status and the body. */
  async call(name: string, params?: unknown): Promise<[status: number, json: unknown]> {
    const { status, json } = await this.send('POST', `/calls/${name}`, params)
    return [status, json]
  }

  async person(): Promise<unknown> {
    return (await this.send('GET', WHO_AM_I)).json.person
  }
}

const gatewayError = (message: string) => ({ error_type: 'httpkom', error_msg: message })
const komError = (code: number, name: string, status = 0) => ({
  error_type: 'protocol-a',
  error_code: code,
  error_status: String(status),
  error_msg: name,
})
const NO_REPLY = [200, { reply: null }]

describe('a typed call on the demo server', () => {
  let gateway: TestGateway
  let client: Client
  const open = async () => new Client(gateway, 'demo', await gateway.open())
  const logIn = (as: Client, person = READER) => as.call('login', { person, passwd: 'demo', invisible: false })

  beforeEach(async () => {
    gateway = await startTestGateway([{ id: 'demo', demo: true }])
    closing.push(() => gateway.close())
    client = await open()
  })

  it('without parameters takes no body, an empty body of any type, and {}', async () => {
    const { session_no } = (await client.send('GET', WHO_AM_I)).json
    const answer = [200, { reply: session_no }]
    expect(await client.call('who-am-i')).toEqual(answer)
    expect(await client.call('who-am-i', {})).toEqual(answer)
    const typed = await client.send('POST', '/calls/who-am-i/', undefined, { 'content-type': 'application/json' })
    expect([typed.status, typed.json]).toEqual(answer)
  })

  it('takes parameters and returns the reply in snake_case', async () => {
    await logIn(client)
    expect(await client.call('get-uconf-stat', { conference: '8' })).toEqual([
      200,
      {
        reply: {
          name: 'Welcome (to) komgate',
          type: {
            rd_prot: false,
            original: true,
            secret: false,
            letterbox: false,
            allow_anonymous: false,
            forbid_secret: false,
            reserved2: false,
            reserved3: false,
          },
          highest_local_no: expect.any(Number),
          nice: 77,
        },
      },
    ])
  })

  it('creates a text with recipients and bytes, and returns its status and content', async () => {
    await logIn(client)
    const create = { misc_info: [{ kind: 'recpt', value: 9 }], aux_items: [] }
    const latin1 = await client.call('create-text', { ...create, text: { latin1: 'räv' } })
    const [status, { reply: textNo }] = latin1 as [number, { reply: number }]
    expect(status).toBe(200)
    const all = { start_char: 0, end_char: 99 }
    expect(await client.call('get-text', { text: textNo, ...all })).toEqual([200, { reply: { latin1: 'räv' } }])
    expect(await client.call('get-text-stat', { text_no: textNo })).toMatchObject([
      200,
      { reply: { author: READER, no_of_chars: 3, misc_info: [{ kind: 'recpt', value: 9 }, { kind: 'loc_no' }] } },
    ])
    const [, utf8] = (await client.call('create-text', { ...create, text: 'räv ☃' })) as [number, { reply: number }]
    expect(await client.call('get-text', { text: utf8.reply, ...all })).toEqual([200, { reply: 'räv ☃' }])
    expect(await client.call('add-recipient', { text_no: textNo, conf_no: 8, recpt_type: 'cc_recpt' })).toEqual(
      NO_REPLY,
    )
  })

  it('returns an array as a list, or as its length if the server omits the elements', async () => {
    await logIn(client)
    expect(await client.call('mark-as-read', { conference: 8, text: [1, '2'] })).toEqual(NO_REPLY)
    const read = (want_read_ranges: boolean) =>
      client.call('query-read-texts', { person: READER, conference: 8, want_read_ranges, max_ranges: 0 })
    expect(await read(true)).toMatchObject([200, { reply: { read_ranges: [{ first_read: 1, last_read: 2 }] } }])
    expect(await read(false)).toMatchObject([200, { reply: { read_ranges: { omitted: 1 } } }])
  })

  it('logs in and out for the whole session', async () => {
    expect(await logIn(client)).toEqual(NO_REPLY)
    expect(await client.person()).toEqual({ pers_no: READER, pers_name: 'Demo Reader' })
    expect(await client.call('logout')).toEqual(NO_REPLY)
    expect(await client.person()).toBeNull()
    expect(await client.call('login-old', { person: READER, passwd: 'demo' })).toEqual(NO_REPLY)
    expect(await client.person()).toEqual({ pers_no: READER, pers_name: 'Demo Reader' })
  })

  it.each([
    ['0', () => 0],
    ['its number', (own: number) => own],
  ])('disconnect of the own session by %s ends it like DELETE /sessions/0', async (_, number) => {
    const { session_no } = (await client.send('GET', WHO_AM_I)).json
    expect(await client.call('disconnect', { session_no: number(session_no) })).toEqual(NO_REPLY)
    const after = await client.send('GET', WHO_AM_I)
    expect([after.status, after.json]).toEqual([403, gatewayError('There is no such session.')])
    const ended = gateway.log.filter((line) => line.includes('deleted'))
    expect(ended).toHaveLength(1)
  })

  it('disconnect of the own session deletes the cookie', async () => {
    const withCookies = await startTestGateway([{ id: 'demo', demo: true }], { transports: ['cookie'] })
    closing.push(() => withCookies.close())
    const openHere = async () => new Client(withCookies, 'demo', await withCookies.open())
    const deleted = await (await openHere()).send('DELETE', '/sessions/0')
    const called = await (await openHere()).send('POST', '/calls/disconnect', { session_no: 0 })
    expect(called.headers.get('set-cookie')).toMatch(/^__Host-komgate-demo=; Max-Age=0/)
    expect(called.headers.get('set-cookie')).toBe(deleted.headers.get('set-cookie'))
  })

  it('disconnect of another session of the person ends that one', async () => {
    const other = await open()
    await logIn(client)
    await logIn(other)
    const { session_no } = (await other.send('GET', WHO_AM_I)).json
    expect(await client.call('disconnect', { session_no })).toEqual(NO_REPLY)
    await expect.poll(async () => (await other.send('GET', WHO_AM_I)).status).toBe(403)
    expect(await client.person()).toMatchObject({ pers_no: READER })
  })

  it('rejects what would change the session behind its back', async () => {
    expect(await client.call('set-connection-time-format', { use_utc: false })).toEqual([
      400,
      komError(52, 'FeatureDisabled'),
    ])
    expect(await client.call('accept-async', { request_list: [15] })).toEqual([
      400,
      gatewayError('accept-async is not available here: asynchronous messages are events, not replies.'),
    ])
    const [, { reply: accepted }] = (await client.call('query-async')) as [number, { reply: number[] }]
    expect(accepted).toEqual([5])
  })

  it.each(['get-nothing', 'getTime', 'constructor', '__proto__', '90'])(
    'rejects the unknown call %s with 404',
    async (name) => {
      expect(await client.call(name, {})).toEqual([404, gatewayError('Not found.')])
    },
  )

  it('rejects other methods with 405 and requests without a session with 403', async () => {
    const got = await client.send('GET', '/calls/who-am-i')
    expect([got.status, got.headers.get('allow')]).toEqual([405, 'POST, OPTIONS'])
    const anonymous = await gateway.send('POST', '/demo/calls/who-am-i')
    expect([anonymous.status, anonymous.json]).toEqual([403, gatewayError('Missing Httpkom-Connection.')])
    const inQuery = await gateway.send('POST', `/demo/calls/who-am-i?Httpkom-Connection=${client.id}`)
    expect(inQuery.status).toBe(403)
  })

  it('returns LoginFirst with 401 and other errors of the LysKOM server with 400', async () => {
    expect(await client.call('get-marks')).toEqual([401, komError(6, 'LoginFirst')])
    const wrong = { person: READER, passwd: 'wrong', invisible: false }
    expect(await client.call('login', wrong)).toEqual([400, komError(INVALID_PASSWORD, 'InvalidPassword', READER)])
    await logIn(client)
    expect(await client.call('get-text-stat', { text_no: 4711 })).toEqual([400, komError(14, 'NoSuchText', 4711)])
  })

  it.each<[name: string, params: unknown, message: string]>([
    ['get-text-stat', undefined, 'Missing "text_no".'],
    ['get-text-stat', { text_no: 1.5 }, '"text_no" must be a whole number from 0 to 4294967295.'],
    ['who-am-i', { text_no: 1 }, 'Unknown "text_no".'],
    ['who-am-i', [], 'The value must be an object.'],
    ['who-am-i', 'x', 'The value must be an object.'],
    [
      'create-text',
      { text: '', misc_info: [{ kind: 'recpt', value: {} }], aux_items: [] },
      '"misc_info.0.value" must be a whole number from 0 to 65535.',
    ],
    ['change-name', { conference: 6, new_name: '☃' }, '"new_name" holds characters outside ISO 8859-1.'],
    [
      'get-last-text',
      { before: '2026-02-30T00:00:00Z' },
      '"before" must be a time in UTC to the second, 2026-01-07T09:45:00Z for example.',
    ],
  ])('rejects %s with %j with a 400 that names the field', async (name, params, message) => {
    expect(await client.call(name, params)).toEqual([400, gatewayError(message)])
  })

  it('rejects a body that is not JSON with 400', async () => {
    const send = (body: string, type: string) =>
      gateway.send('POST', '/demo/calls/who-am-i', { id: client.id, body, headers: { 'content-type': type } })
    for (const [body, type, message] of [
      ['{}', 'text/plain', 'Invalid body.'],
      ['{', 'application/json', 'The body is not JSON in UTF-8.'],
      ['{"x": 1e999}', 'application/json', '"x" holds a number that is too large.'],
    ] as const) {
      const { status, json } = await send(body, type)
      expect([status, json]).toEqual([400, gatewayError(message)])
    }
  })
})

describe('a typed call on a fake server', () => {
  /** A server on which every person's password is `right`, a text of 9 MB and a long list of read ranges. */
  const people: Handler = ({ ref, call, args }) => {
    if (call === GET_TEXT) return reply(ref, h(Buffer.alloc(9_000_000, 'x')))
    if (call === QUERY_READ_TEXTS) {
      const ranges = Array.from({ length: 300_000 }, (_, i) => `${3 * i + 1} ${3 * i + 2}`)
      return reply(
        ref,
        0,
        time(new Date(0)),
        1,
        100,
        `300000 { ${ranges.join(' ')} }`,
        6,
        time(new Date(0)),
        '00000000',
      )
    }
    if (call !== LOGIN && call !== LOGIN_OLD && call !== SET_PASSWD) return false
    return args.includes('5Hright') ? reply(ref) : errorReply(ref, INVALID_PASSWORD, READER)
  }

  async function start(settings: TestSettings) {
    const server = await startFakeServer(people)
    const gateway = await startTestGateway([{ id: 'kom', port: server.port }], settings)
    closing.push(server.close, gateway.close)
    const open = async () => new Client(gateway, 'kom', await gateway.open())
    const passwords = () =>
      server.connections
        .flatMap(({ received }) => received)
        .filter(({ call }) => call === LOGIN || call === LOGIN_OLD || call === SET_PASSWD).length
    return { client: await open(), other: await open(), passwords }
  }

  it('has the limit on failed logins of the other routes', async () => {
    const { client, other, passwords } = await start({ freeLoginFailures: 2 })
    const login = (passwd: string) => client.call('login', { person: READER, passwd, invisible: true })
    const set = (old_pwd: string) => other.call('set-passwd', { person: READER, old_pwd, new_pwd: 'new' })
    expect(await other.call('login', { person: READER, passwd: 'right', invisible: true })).toEqual(NO_REPLY)
    expect(await login('wrong')).toEqual([400, komError(INVALID_PASSWORD, 'InvalidPassword', READER)])
    expect(await set('wrong')).toEqual([400, komError(INVALID_PASSWORD, 'InvalidPassword', READER)])
    const before = passwords()
    const limited = [429, expect.objectContaining({ limit: 'login-failures' })]
    expect(await login('right')).toEqual(limited)
    expect(await set('right')).toEqual(limited)
    expect(await client.call('login-old', { person: READER, passwd: 'right' })).toEqual(limited)
    expect(passwords()).toBe(before)
  })

  it.each([
    ['a text', 'get-text', { text: 1, start_char: 0, end_char: 99_999_999 }],
    ['a list', 'query-read-texts', { person: 6, conference: 1, want_read_ranges: true, max_ranges: 0 }],
  ])('answers 504 for %s that is too long for JSON', async (_, name, params) => {
    const { client } = await start({})
    const answer = await client.call(name, params)
    expect(answer).toMatchObject([504, { limit: 'reply-size', error_msg: expect.stringMatching(/json-string/) }])
    expect(await client.call('who-am-i')).toMatchObject([200, {}])
  })
})
