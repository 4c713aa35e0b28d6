import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { sessmanApi } from '../../src/compat/sessman.ts'
import { openBackend } from '../../src/store/open.ts'
import { type CompatApp, startCompatApi, unavailable, withoutLists } from '../support/compat-app.ts'
import type { DatabaseServer } from '../support/database-server.ts'
import { ferretdbInstalled, startFerretdb } from '../support/ferretdb.ts'

const KEY = 'key-of-sessman'
const KEYS = [
  { app: 'sessman', key: KEY },
  { app: 'mywebapp', key: 'key-of-mywebapp' },
]
const DAY_SECONDS = 24 * 60 * 60

let api: CompatApp
beforeEach(() => {
  api = startCompatApi(sessmanApi, { path: '/sessman', keys: KEYS })
})

/**
 * The browser client of sessman's documentation: every request is a POST, arguments in the query, data in
 * `text/javascript`.
 */
class BrowserSession {
  readonly #key: string | undefined
  id: string | undefined
  data: unknown

  constructor(data: unknown, key: string | undefined) {
    this.#key = key
    this.data = data
  }

  static async create(user: string, data: unknown = {}, key: string | undefined = KEY): Promise<BrowserSession> {
    const session = new BrowserSession(data, key)
    const made = await session.#post('new', `user=${user}`)
    if (made?.session_id && made.data) Object.assign(session, { id: made.session_id, data: made.data })
    return session
  }

  /** Returns whether the session accepted the data unchanged. */
  async update(): Promise<boolean> {
    const updated = await this.#post('update', `session_id=${this.id}`)
    if (updated?.data) this.data = updated.data
    return updated?.data !== undefined
  }

  async #post(command: string, query: string) {
    const { status, text } = await api.send('POST', `/sessman/${command}?${query}`, {
      ...(this.#key !== undefined && { key: this.#key }),
      headers: { 'content-type': 'text/javascript' },
      body: JSON.stringify({ data: this.data }),
    })
    return status === 200 ? JSON.parse(text) : undefined
  }
}

const get = (id: string | undefined) => api.send('GET', `/sessman/get?session_id=${id}`)
const send = (method: string, path: string, body?: unknown, key: string | undefined = KEY) =>
  api.send(method, `/sessman/${path}`, { key, ...(body !== undefined && { body: JSON.stringify(body) }) })

describe('the JavaScript class of sessman', describeClass)

// sessman keeps its sessions in MongoDB.
describe.skipIf(!ferretdbInstalled())('the JavaScript class of sessman, on MongoDB', () => {
  let server: DatabaseServer
  beforeAll(async () => {
    server = await startFerretdb()
  }, 60_000)
  beforeEach(async () => {
    api = startCompatApi(sessmanApi, { path: '/sessman', keys: KEYS, backend: await openBackend(server.url) })
  })
  afterEach(() => api.store.close())
  afterAll(() => server?.close())
  describeClass()
})

function describeClass(): void {
  it('creates a session that holds its data', async () => {
    const session = await BrowserSession.create('nicci', { cart: [], seen: { a: null } })
    expect(session.id).toMatch(/^[a-zA-Z0-9]{32}$/)
    expect((await get(session.id)).json).toEqual({ session_id: session.id, data: { cart: [], seen: { a: null } } })
  })

  it('creates a session without data', async () => {
    const session = await BrowserSession.create('nicci')
    expect(session.data).toEqual({})
    expect((await get(session.id)).json).toEqual({ session_id: session.id, data: {} })
  })

  it('replaces the data as a whole, which restarts the time to live', async () => {
    const session = await BrowserSession.create('nicci', { a: 1, b: 2 })
    api.pass(DAY_SECONDS)
    session.data = { b: 3 }
    expect(await session.update()).toBe(true)
    api.pass(DAY_SECONDS)
    expect((await get(session.id)).json.data).toEqual({ b: 3 })
    api.pass(1)
    expect(await session.update()).toBe(false)
    const gone = await get(session.id)
    expect([gone.status, gone.json]).toEqual([404, { error: 'There is no such session.' }])
  })

  it('creates no session with a wrong key', async () => {
    expect((await BrowserSession.create('nicci', {}, 'wrong')).id).toBeUndefined()
    expect((await BrowserSession.create('nicci', {}, 'key-of-mywebapp')).id).toBeUndefined()
  })
}

describe('sessman', () => {
  it('does not extend a session on get', async () => {
    const { id } = await BrowserSession.create('nicci')
    api.pass(DAY_SECONDS)
    expect((await get(id)).status).toBe(200)
    api.pass(1)
    expect((await get(id)).status).toBe(404)
  })

  it('accepts user or userid, session_id or sessionid, in the body or the query, with GET and POST', async () => {
    for (const [method, path, body] of [
      ['GET', 'new?user=nicci&data=hello', undefined],
      ['POST', 'new?userid=nicci', { data: 'hello' }],
      ['POST', 'new', { user: 'nicci', data: 'hello' }],
      ['POST', 'new', { userid: 17, data: 'hello', more: 'ignored' }],
    ] as const) {
      const { json } = await send(method, path, body)
      const id = json.session_id
      expect((await send('GET', `get?sessionid=${id}`)).json).toEqual({ session_id: id, data: 'hello' })
      expect((await send('POST', 'get', { session_id: id })).json.data).toBe('hello')
      expect((await send('POST', 'update', { sessionid: id, data: [1, 2] })).json.data).toEqual([1, 2])
      expect((await send('GET', `update?session_id=${id}&data=bye`)).json).toEqual({ session_id: id, data: 'bye' })
    }
  })

  it('prefers arguments in the query to those in the body', async () => {
    const { json } = await send('POST', 'new?data=query', { user: 'nicci', data: 'body' })
    expect(json.data).toBe('query')
    const wrong = await send('POST', 'get?session_id=another', { session_id: json.session_id })
    expect(wrong.status).toBe(404)
  })

  it('accepts JSON of any content type, and a user of any name', async () => {
    for (const type of ['text/javascript', 'application/json', 'text/plain', 'application/x-www-form-urlencoded']) {
      const body = JSON.stringify({ user: 'å:b c', data: { type } })
      const { json } = await api.send('POST', '/sessman/new', { key: KEY, body, headers: { 'content-type': type } })
      expect(json.data).toEqual({ type })
    }
    expect((await send('GET', `new?user=${encodeURIComponent('å:b/c')}`)).status).toBe(200)
  })

  it.each([
    ['an object with JavaScript property names', '{"__proto__":{"a":1},"constructor":null}'],
    ['a list', '[[],{},null,0.1,"😀\\u0000"]'],
    ['a string', '"x"'],
    ['a number', '0'],
    ['false', 'false'],
    ['null', 'null'],
  ])('keeps %s unchanged', async (_, data) => {
    const options = { key: KEY, body: `{"user":"nicci","data":${data}}` }
    const made = await api.send('POST', '/sessman/new', options)
    expect(made.text).toMatch(/^\{"session_id":"\w{32}","data":/)
    expect(made.text.endsWith(`"data":${data}}`)).toBe(true)
    expect((await get(made.json.session_id)).text).toBe(made.text)
    const updated = await api.send('POST', `/sessman/update?session_id=${made.json.session_id}`, options)
    expect(updated.text).toBe(made.text)
  })

  it.each([
    ['POST', 'new', {}, 'Missing user.'],
    ['GET', 'new', undefined, 'Missing user.'],
    ['GET', 'new?user=', undefined, 'user must be 1 to 128 characters, and no control characters.'],
    ['GET', 'new?user=%00', undefined, 'user must be 1 to 128 characters, and no control characters.'],
    ['GET', 'new?user=%ff', undefined, 'user is not UTF-8 in percent-encoding.'],
    ['GET', 'new?user=a&user=b', undefined, 'user is given twice.'],
    ['POST', 'new', { user: 'a'.repeat(129) }, 'user must be 1 to 128 characters, and no control characters.'],
    ['POST', 'new', { user: '\ud800' }, 'The body holds a lone surrogate.'],
    ['POST', 'new', { user: { name: 'nicci' } }, 'user must be a string.'],
    ['POST', 'new', { user: null }, 'Missing user.'],
    ['POST', 'new', [{ user: 'nicci' }], 'The body must be an object.'],
    ['POST', 'new?user=nicci', null, 'The body must be an object.'],
    ['POST', 'get', {}, 'Missing session_id.'],
    ['POST', 'get', { session_id: ['x'] }, 'session_id must be a string.'],
    ['POST', 'update', { data: {} }, 'Missing session_id.'],
    ['POST', 'update', { session_id: 'x' }, 'Missing data.'],
    ['GET', 'nosuch', undefined, 'nosuch is not a valid endpoint'],
    ['POST', 'delete/x', undefined, 'delete/x is not a valid endpoint'],
    ['GET', '%3Cb%3E', undefined, '<b> is not a valid endpoint'],
    ['GET', '%ff', undefined, '%ff is not a valid endpoint'],
    ['GET', '', undefined, ' is not a valid endpoint'],
    ['GET', '__proto__', undefined, '__proto__ is not a valid endpoint'],
  ])('rejects %s %s %j with 400', async (method, path, body, error) => {
    const { status, json } = await send(method, path, body)
    expect([status, json]).toEqual([400, { error }])
    expect(api.reported).toEqual([])
  })

  it('rejects a body that is not JSON or that JSON cannot represent again', async () => {
    const deep = (levels: number) => `{"user":"nicci","data":${'['.repeat(levels)}${']'.repeat(levels)}}`
    for (const [body, error] of [
      ['user=nicci', 'The body is not JSON.'],
      ['{"user":', 'The body is not JSON.'],
      [Buffer.from('{"user":"\xe5"}', 'latin1'), 'The body is not UTF-8.'],
      ['{"user":"n","data":1e999}', 'The body holds a number that is too large.'],
      [deep(100), 'The body is nested too deeply.'],
      [deep(30_000), 'The body is nested too deeply.'],
      [deep(500_000), 'The body holds more than 10000 values.'],
    ] as const) {
      const { status, json } = await api.send('POST', '/sessman/new?user=nicci', { key: KEY, body })
      expect([status, json]).toEqual([400, { error }])
    }
    expect((await api.send('POST', '/sessman/new', { key: KEY, body: deep(99) })).status).toBe(200)
  })

  it('rejects data over 64 kB with 413, and keeps the old data', async () => {
    const { id } = await BrowserSession.create('nicci', { a: 1 })
    const { status, json } = await send('POST', `update?session_id=${id}`, { data: 'x'.repeat(65_536) })
    expect([status, json.error]).toEqual([413, expect.stringContaining('65536 bytes at most')])
    expect((await get(id)).json.data).toEqual({ a: 1 })
  })

  it('answers 404 for an unknown session', async () => {
    for (const id of ['x', 'ä', '5f3c'.repeat(6), '__proto__']) {
      expect((await send('GET', `get?session_id=${encodeURIComponent(id)}`)).status).toBe(404)
      expect((await send('POST', 'update', { session_id: id, data: 1 })).status).toBe(404)
    }
  })

  it('rejects other methods with 405', async () => {
    for (const path of ['new', 'update', 'get', 'nosuch']) {
      const { status, headers } = await send('DELETE', path)
      expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD, POST'])
    }
  })

  it('works on a store that cannot list sessions', async () => {
    api = startCompatApi(sessmanApi, { path: '/sessman', keys: KEYS, backend: withoutLists() })
    const session = await BrowserSession.create('nicci', { a: 1 })
    expect(await session.update()).toBe(true)
  })

  it('answers 503 with Retry-After while the store is unavailable', async () => {
    api = startCompatApi(sessmanApi, { path: '/sessman', keys: KEYS, backend: unavailable() })
    const { status, headers, json } = await get('x')
    expect([status, headers.get('retry-after'), json]).toEqual([
      503,
      '5',
      { error: 'The session store cannot be reached.' },
    ])
  })

  it('reports internal errors to the gateway and answers 500', async () => {
    api.store.find = () => Promise.reject(new TypeError('the details'))
    const { status, text } = await get('x')
    expect([status, text]).toEqual([500, '{"error_type":"httpkom","error_msg":"Internal error."}'])
    expect(api.reported).toHaveLength(1)
  })
})

describe('application keys of sessman', () => {
  const sent = async (path: string, key: string | undefined) =>
    (await api.send('GET', `/sessman/${path}`, key === undefined ? {} : { key })).status

  it('/new requires the key', async () => {
    expect(await sent('new?user=nicci', undefined)).toBe(401)
    expect(await sent('new', undefined)).toBe(401)
    expect(await sent('new?user=nicci', 'key-of-mywebapp')).toBe(401)
    expect(await sent('new?user=nicci', KEY)).toBe(200)
    const { json } = await api.send('GET', '/sessman/new')
    expect(json).toEqual({ error: '"Authorization: Bearer" with the key of the application is required.' })
  })

  it('requests with a session id require no key, but a wrong key is rejected with 401', async () => {
    const { id } = await BrowserSession.create('nicci')
    for (const path of [`get?session_id=${id}`, `update?session_id=${id}&data=x`]) {
      expect(await sent(path, undefined)).toBe(200)
      expect(await sent(path, KEY)).toBe(200)
      expect(await sent(path, 'wrong')).toBe(401)
    }
  })

  it('/new accepts the key of the app *', async () => {
    api = startCompatApi(sessmanApi, { path: '/sessman', keys: [{ app: '*', key: 'master' }] })
    expect(await sent('new?user=nicci', 'master')).toBe(200)
  })

  it('/new requires no key with insecureCompat', async () => {
    api = startCompatApi(sessmanApi, { path: '/sessman', isOpen: true })
    expect(await sent('new?user=nicci', undefined)).toBe(200)
    expect(await sent('new?user=nicci', 'anything')).toBe(200)
  })
})
