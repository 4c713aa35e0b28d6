import { beforeEach, describe, expect, it } from 'vitest'
import { newToken } from '../../src/compat/compat-api.ts'
import { restSessionsApi } from '../../src/compat/rest-sessions.ts'
import { keyOf } from '../../src/store/record.ts'
import {
  type CompatApp,
  type CompatSendOptions,
  startCompatApi,
  unavailable,
  withoutLists,
} from '../support/compat-app.ts'
import { startTestGateway } from '../support/gateway.ts'

const KEY = 'key-of-mywebapp'
const KEYS = [
  { app: 'mywebapp', key: KEY },
  { app: 'other-app', key: 'key-of-other-app' },
  { app: 'demo', key: 'key-of-demo' },
]
const NO_TOKEN = 'x'.repeat(64)
const CONNECTION_ID = '6d1f0b43-6a52-4f0e-9d3c-2b9c2a2f8d11'

let api: CompatApp
beforeEach(() => {
  api = startCompatApi(restSessionsApi, { keys: KEYS })
})

/** Sends a request with the key of the app, whether it is required or not, and expects 200. */
async function ask(method: string, path: string, options: CompatSendOptions = {}) {
  const { status, json } = await api.send(method, path, { key: KEY, ...options })
  expect([path, status]).toEqual([path, 200])
  return json
}

async function create(id = 'user123', query = 'ip=192.168.99.22&ttl=86400', body?: unknown): Promise<string> {
  const options = body === undefined ? {} : { body: JSON.stringify(body) }
  return (await ask('PUT', `/mywebapp/create/${id}?${query}`, options)).token
}

const set = (token: string, data: unknown) =>
  ask('POST', `/mywebapp/set/${token}`, {
    body: JSON.stringify(data),
    headers: { 'content-type': 'application/json' },
  })

describe('the examples of REST-Sessions', () => {
  it('PUT create creates a session for an app and a user, and returns its token', async () => {
    const json = await ask('PUT', '/mywebapp/create/user123?ip=192.168.99.22&ttl=86400')
    expect(json).toEqual({ token: expect.stringMatching(/^[a-zA-Z0-9]{64}$/) })
  })

  it('GET get returns the session and its idle time before the request', async () => {
    const token = await create()
    api.pass(273.9)
    const session = { id: 'user123', r: 1, w: 1, ttl: 86400, idle: 273, ip: '192.168.99.22' }
    expect(await ask('GET', `/mywebapp/get/${token}`)).toEqual(session)
    api.pass(2)
    expect(await ask('GET', `/mywebapp/get/${token}`)).toEqual({ ...session, r: 2, idle: 2 })
  })

  it('POST set sets the given parameters, removes those that are null and keeps the others', async () => {
    const token = await create('user123', 'ip=192.168.99.22&ttl=86400', { age: 46, nothing: null })
    const session = { id: 'user123', r: 1, ttl: 86400, ip: '192.168.99.22' }
    api.pass(211)
    expect(await set(token, { name: 'Peter Smith', unread_msgs: 12 })).toEqual({
      ...session,
      w: 2,
      idle: 211,
      d: { name: 'Peter Smith', unread_msgs: 12, age: 46 },
    })
    api.pass(17)
    const after = await set(token, { name: 'Bruce Dickinson', unread_msgs: null, job: 'making gold records' })
    expect(after).toEqual({
      ...session,
      w: 3,
      idle: 17,
      d: { name: 'Bruce Dickinson', age: 46, job: 'making gold records' },
    })
    expect(await ask('GET', `/mywebapp/get/${token}`)).toEqual({ ...after, idle: 0 })
  })

  it('GET activity counts the users active within the last seconds, not their sessions', async () => {
    const token = await create('user123')
    await create('user123')
    await create('user456')
    api.pass(700)
    expect(await ask('GET', '/mywebapp/activity?dt=600')).toEqual({ activity: 0 })
    await ask('GET', `/mywebapp/get/${token}`)
    expect(await ask('GET', '/mywebapp/activity?dt=600')).toEqual({ activity: 1 })
    expect(await ask('GET', '/mywebapp/activity?dt=700')).toEqual({ activity: 2 })
  })

  it('GET soapp lists the sessions of an app active within the last seconds, the last active first', async () => {
    await create('user789')
    api.pass(1000)
    await create('user456', 'ip=192.168.99.25&ttl=86400')
    api.pass(200)
    await set(await create(), { name: 'Bruce Dickinson' })
    api.pass(17)
    expect(await ask('GET', '/mywebapp/soapp?dt=600')).toEqual({
      sessions: [
        { id: 'user123', r: 1, w: 2, ttl: 86400, idle: 17, ip: '192.168.99.22', d: { name: 'Bruce Dickinson' } },
        { id: 'user456', r: 1, w: 1, ttl: 86400, idle: 217, ip: '192.168.99.25' },
      ],
    })
  })

  it('GET soid lists the sessions of a user', async () => {
    await create('user456', 'ip=10.0.2.45&ttl=86400')
    await create('user123')
    api.pass(20)
    await create('user456', 'ip=192.168.99.25&ttl=86400')
    const { sessions } = await ask('GET', '/mywebapp/soid/user456')
    expect(sessions).toEqual([
      { id: 'user456', r: 1, w: 1, ttl: 86400, idle: 0, ip: '192.168.99.25' },
      { id: 'user456', r: 1, w: 1, ttl: 86400, idle: 20, ip: '10.0.2.45' },
    ])
  })

  it('DELETE kill ends one session', async () => {
    const token = await create()
    const other = await create()
    expect(await ask('DELETE', `/mywebapp/kill/${token}`)).toEqual({ kill: 1 })
    expect(await ask('DELETE', `/mywebapp/kill/${token}`)).toEqual({ kill: 0 })
    expect(await ask('GET', `/mywebapp/get/${token}`)).toEqual({})
    expect(await ask('GET', `/mywebapp/get/${other}`)).toMatchObject({ id: 'user123' })
  })

  it('DELETE killsoid ends all sessions of a user', async () => {
    for (const id of ['user123', 'user123', 'user456', 'user123']) await create(id)
    expect(await ask('DELETE', '/mywebapp/killsoid/user123')).toEqual({ kill: 3 })
    expect(await ask('DELETE', '/mywebapp/killsoid/user123')).toEqual({ kill: 0 })
    expect(await ask('GET', '/mywebapp/activity?dt=600')).toEqual({ activity: 1 })
  })

  it('DELETE killall ends all sessions of an app, and none of another app', async () => {
    for (const id of ['user123', 'user456']) await create(id)
    const other = { key: 'key-of-other-app' }
    await ask('PUT', '/other-app/create/user123?ip=10.0.0.1', other)
    expect(await ask('DELETE', '/mywebapp/killall')).toEqual({ kill: 2 })
    expect(await ask('DELETE', '/mywebapp/killall')).toEqual({ kill: 0 })
    expect(await ask('GET', '/other-app/activity?dt=600', other)).toEqual({ activity: 1 })
  })

  it('GET ping answers PONG', async () => {
    const { status, text, headers } = await api.send('GET', '/ping')
    expect([status, text, headers.get('content-type')]).toEqual([200, 'PONG', 'text/plain; charset=utf-8'])
  })
})

describe('sessions of REST-Sessions', () => {
  it('a session expires two hours or its ttl after its last use, without a cleanup', async () => {
    const token = await create('user123', 'ip=10.0.0.1')
    for (const seconds of [7200, 7200]) {
      api.pass(seconds)
      expect(await ask('GET', `/mywebapp/get/${token}`)).toMatchObject({ ttl: 7200, idle: 7200 })
    }
    api.pass(7201)
    expect(await ask('GET', '/mywebapp/activity?dt=99999')).toEqual({ activity: 0 })
    expect(await ask('GET', '/mywebapp/soid/user123')).toEqual({ sessions: [] })
    expect(await set(token, { a: 1 })).toEqual({})
    expect(await ask('GET', `/mywebapp/get/${token}`)).toEqual({})
    expect(await ask('DELETE', `/mywebapp/kill/${token}`)).toEqual({ kill: 0 })
  })

  it('GET get does not find a session under another app', async () => {
    const token = await create()
    for (const [method, path] of [
      ['GET', 'get'],
      ['POST', 'set'],
    ] as const) {
      const body = method === 'POST' ? { body: '{"a":1}' } : {}
      expect((await api.send(method, `/other-app/${path}/${token}`, body)).json).toEqual({})
    }
    expect((await api.send('DELETE', `/other-app/kill/${token}`)).json).toEqual({ kill: 0 })
    expect(await ask('GET', `/mywebapp/get/${token}`)).toEqual(expect.objectContaining({ r: 1, w: 1 }))
  })

  it('POST set keeps the updates of 20 concurrent requests', async () => {
    const token = await create()
    await Promise.all(Array.from({ length: 20 }, (_, i) => set(token, { [`k${i}`]: i })))
    const { w, d } = await ask('GET', `/mywebapp/get/${token}`)
    expect([w, d]).toEqual([21, Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, i]))])
  })

  it('a session whose data is all removed has no d', async () => {
    const token = await create('user123', 'ip=10.0.0.1', { a: 1 })
    expect(await set(token, { a: null })).not.toHaveProperty('d')
    expect(await ask('GET', `/mywebapp/get/${token}`)).not.toHaveProperty('d')
  })

  it('POST set keeps scalar values unchanged under any key', async () => {
    const d = '{"__proto__":"a","constructor":true,"":0.1,"två":"😀\\u0000","no":false,"big":9007199254740991}'
    const token = (await ask('PUT', '/mywebapp/create/u?ip=10.0.0.1', { body: d })).token
    const { text } = await api.send('GET', `/mywebapp/get/${token}`)
    expect(text).toContain(`"d":${d}`)
  })

  it.each([
    ['a colon', 'facebook:123:x', 'facebook:123:x'],
    ['a space, a slash and a percent sign', 'a%20b%2Fc%25', 'a b/c%'],
    ['letters of several scripts', encodeURIComponent('Åsa 日本 😀'), 'Åsa 日本 😀'],
    ['128 characters', 'ö'.repeat(128), 'ö'.repeat(128)],
    ['a JavaScript property name', '__proto__', '__proto__'],
  ])('PUT create accepts a user with %s', async (_, path, id) => {
    const token = await create(path)
    await create('another-user')
    expect(await ask('GET', `/mywebapp/get/${token}`)).toMatchObject({ id })
    expect((await ask('GET', `/mywebapp/soid/${path}`)).sessions).toHaveLength(1)
    expect(await ask('DELETE', `/mywebapp/killsoid/${path}`)).toEqual({ kill: 1 })
  })

  it('PUT create accepts an address in any form', async () => {
    const token = await create('user123', 'x=1&x=2&ip=2001%3Adb8%3A%3A1&ttl=&y')
    expect(await ask('GET', `/mywebapp/get/${token}`)).toMatchObject({ ip: '2001:db8::1', ttl: 7200 })
  })

  it('newToken returns uniformly distributed letters and digits', () => {
    const seen = new Map<string, number>()
    for (const character of newToken(62_000)) seen.set(character, (seen.get(character) ?? 0) + 1)
    expect([...seen.keys()].join('')).toMatch(/^[0-9A-Za-z]{62}$/)
    for (const count of seen.values()) expect(Math.abs(count - 1000)).toBeLessThan(250)
  })
})

describe('invalid input to REST-Sessions', () => {
  const set64 = `/mywebapp/set/${NO_TOKEN}`
  const create1 = '/mywebapp/create/user1?ip=10.0.0.1'
  const forbidden = 'has a forbidden type. Only strings, numbers, boolean and null are allowed.'
  const ttl = ['invalidValue', 'ttl must be a whole number from 10 to 2592000']
  const dt = ['invalidValue', 'dt must be a whole number from 10']
  const id = ['invalidFormat', 'Invalid id format']
  const notJson = ['invalidFormat', 'Invalid d format: the body is not JSON.']

  it.each([
    ['PUT', '/mywebapp/create/user1', undefined, ['missingParameter', 'No ip supplied']],
    ['PUT', '/mywebapp/create/user1?ip=', undefined, ['missingParameter', 'No ip supplied']],
    ['PUT', `/mywebapp/create/user1?ip=${'1'.repeat(40)}`, undefined, ['invalidFormat', 'Invalid ip format']],
    ['PUT', '/mywebapp/create/user1?ip=10.0.0.1&ip=10.0.0.2', undefined, ['invalidFormat', 'Invalid ip format']],
    ['PUT', '/mywebapp/create/user1?ip=%ff', undefined, ['invalidFormat', 'Invalid ip format']],
    ['PUT', `${create1}&ttl=9`, undefined, ttl],
    ['PUT', `${create1}&ttl=2592001`, undefined, ttl],
    ['PUT', `${create1}&ttl=1e3`, undefined, ttl],
    ['PUT', `${create1}&ttl=-10`, undefined, ttl],
    ['PUT', `${create1}&ttl=60.5`, undefined, ttl],
    ['PUT', `${create1}&ttl=${'9'.repeat(400)}`, undefined, ttl],
    ['PUT', `/mywebapp/create/${'a'.repeat(129)}?ip=10.0.0.1`, undefined, id],
    ['PUT', '/mywebapp/create/%ff?ip=10.0.0.1', undefined, id],
    ['PUT', '/mywebapp/create/%00?ip=10.0.0.1', undefined, id],
    ['PUT', '/mywebapp/create/a%0Ab?ip=10.0.0.1', undefined, id],
    ['GET', '/mywebapp/soid/%c3', undefined, id],
    ['DELETE', `/mywebapp/killsoid/${'a'.repeat(129)}`, undefined, id],
    ['PUT', create1, '[1]', ['invalidValue', 'd must be an object']],
    ['PUT', create1, '"x"', ['invalidValue', 'd must be an object']],
    ['PUT', create1, 'null', ['invalidValue', 'd must be an object']],
    ['PUT', create1, '{"a":', notJson],
    ['PUT', create1, '{"a":{}}', ['invalidValue', `d.a ${forbidden}`]],
    ['POST', set64, '', ['missingParameter', 'No d supplied']],
    ['POST', set64, '{}', ['invalidValue', 'd must contain at least one key.']],
    ['POST', set64, '[]', ['invalidValue', 'd must be an object']],
    ['POST', set64, 'a=1', notJson],
    ['POST', set64, '{"ok":1,"list":[1]}', ['invalidValue', `d.list ${forbidden}`]],
    ['POST', set64, '{"__proto__":{"a":1}}', ['invalidValue', `d.__proto__ ${forbidden}`]],
    ['POST', set64, '{"a":1e999}', ['invalidFormat', 'Invalid d format: the body holds a number that is too large.']],
    ['GET', '/mywebapp/get/short', undefined, ['invalidFormat', 'Invalid token format']],
    ['GET', `/mywebapp/get/${'å'.repeat(64)}`, undefined, ['invalidFormat', 'Invalid token format']],
    ['GET', `/mywebapp/get/${CONNECTION_ID}`, undefined, ['invalidFormat', 'Invalid token format']],
    ['POST', `/mywebapp/set/${NO_TOKEN}x`, '{"a":1}', ['invalidFormat', 'Invalid token format']],
    ['DELETE', '/mywebapp/kill/__proto__', undefined, ['invalidFormat', 'Invalid token format']],
    ['GET', '/mywebapp/activity', undefined, ['missingParameter', 'No dt supplied']],
    ['GET', '/mywebapp/soapp?dt=', undefined, ['missingParameter', 'No dt supplied']],
    ['GET', '/mywebapp/activity?dt=9', undefined, dt],
    ['GET', '/mywebapp/soapp?dt=ten', undefined, dt],
    ['GET', '/mywebapp/soapp?dt=%zz', undefined, ['invalidFormat', 'Invalid dt format']],
    ['GET', '/mywebapp/activity?dt=10&dt=20', undefined, ['invalidFormat', 'Invalid dt format']],
  ])('%s %s with the body %s answers 400', async (method, path, body, [name, message]) => {
    const { status, json } = await api.send(method, path, { key: KEY, ...(body !== undefined && { body }) })
    expect([status, json]).toEqual([400, { name, message }])
    expect(api.reported).toEqual([])
  })

  it('POST set rejects a body that is not UTF-8 with 400', async () => {
    const body = Buffer.from('{"a":"\xe5"}', 'latin1')
    const { status, json } = await api.send('POST', set64, { body })
    expect([status, json.message]).toEqual([400, 'Invalid d format: the body is not UTF-8.'])
  })

  it('GET activity accepts any number of seconds as dt', async () => {
    await create()
    expect(await ask('GET', `/mywebapp/activity?dt=${'9'.repeat(400)}`)).toEqual({ activity: 1 })
  })
})

describe('errors of REST-Sessions', () => {
  it('every route answers 404 for an unknown app', async () => {
    const open = startCompatApi(restSessionsApi, { isOpen: true })
    for (const [method, path] of [
      ['PUT', 'create/u?ip=1'],
      ['GET', `get/${NO_TOKEN}`],
      ['POST', `set/${NO_TOKEN}`],
      ['GET', 'activity?dt=60'],
      ['GET', 'soapp?dt=60'],
      ['GET', 'soid/u'],
      ['DELETE', `kill/${NO_TOKEN}`],
      ['DELETE', 'killsoid/u'],
      ['DELETE', 'killall'],
    ] as const) {
      for (const app of ['nosuchapp', '__proto__', '%ff', 'MYWEBAPP']) {
        const { status, json } = await open.send(method, `/${app}/${path}`)
        expect([method, path, status, json.error_type]).toEqual([method, path, 404, 'httpkom'])
      }
    }
    expect(open.reported).toEqual([])
  })

  it('an unknown path answers 404, and another method 405 with Allow', async () => {
    expect((await api.send('GET', '/mywebapp/nosuch')).status).toBe(404)
    expect((await api.send('GET', '/mywebapp/get')).status).toBe(404)
    const wrong = await api.send('POST', '/mywebapp/create/user1?ip=10.0.0.1', { key: KEY })
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'PUT'])
    expect((await api.send('GET', `/mywebapp/kill/${NO_TOKEN}`)).status).toBe(405)
  })

  it('lists answer 501 on a store that cannot list, while other requests work', async () => {
    api = startCompatApi(restSessionsApi, { keys: KEYS, backend: withoutLists() })
    const token = await create()
    for (const [method, path] of [
      ['GET', 'activity?dt=60'],
      ['GET', 'soapp?dt=60'],
      ['GET', 'soid/user123'],
      ['DELETE', 'killsoid/user123'],
      ['DELETE', 'killall'],
    ] as const) {
      const { status, json } = await api.send(method, `/mywebapp/${path}`, { key: KEY })
      expect([path, status, json.error_msg]).toEqual([path, 501, 'The session store cannot list sessions.'])
    }
    expect(await set(token, { a: 1 })).toMatchObject({ d: { a: 1 } })
    expect(await ask('DELETE', `/mywebapp/kill/${token}`)).toEqual({ kill: 1 })
  })

  it('every route, ping included, answers 503 with Retry-After while the store is unavailable', async () => {
    api = startCompatApi(restSessionsApi, { keys: KEYS, backend: unavailable() })
    for (const path of [`/mywebapp/get/${NO_TOKEN}`, '/mywebapp/activity?dt=60', '/ping']) {
      const { status, headers } = await api.send('GET', path, { key: KEY })
      expect([path, status, headers.get('retry-after')]).toEqual([path, 503, '5'])
    }
    expect(api.reported).toEqual([])
  })
})

describe('request bodies of REST-Sessions', () => {
  it('POST set accepts bodies of up to 60,000 bytes, and rejects larger ones with 413', async () => {
    const token = await create()
    const body = (bytes: number) => JSON.stringify({ a: 'x'.repeat(bytes - '{"a":""}'.length) })
    const send = (bytes: number) => api.send('POST', `/mywebapp/set/${token}`, { body: body(bytes) })
    expect((await send(60_000)).status).toBe(200)
    expect((await send(60_001)).status).toBe(413)
    expect((await api.send('PUT', '/mywebapp/create/u?ip=1', { key: KEY, body: body(60_001) })).status).toBe(413)
  })

  it('POST set answers 413 and changes nothing if the data would exceed the limit of a session', async () => {
    const token = await create('user123', 'ip=10.0.0.1', { a: 'x'.repeat(50_000) })
    const body = JSON.stringify({ b: 'x'.repeat(50_000) })
    expect((await api.send('POST', `/mywebapp/set/${token}`, { body })).status).toBe(413)
    expect(Object.keys((await ask('GET', `/mywebapp/get/${token}`)).d)).toEqual(['a'])
  })
})

describe('sessions of a LysKOM server in REST-Sessions', () => {
  const demo = (method: string, path: string) => api.send(method, `/demo/${path}`, { key: 'key-of-demo' })
  beforeEach(async () => {
    const open = (key: string, user: string) =>
      api.store.create({ key: keyOf(key), app: 'demo', user, ip: '10.0.0.7', idleMs: 1_800_000 })
    await open(CONNECTION_ID, '6')
    api.pass(100)
    await open('another', '6')
    await open('of another person', '7')
    await open('anonymous', '')
  })

  it('GET soid and soapp list them by person and by activity', async () => {
    const session = { r: 1, w: 1, ttl: 1800, ip: '10.0.0.7' }
    expect((await demo('GET', 'soid/6')).json.sessions).toEqual([
      { ...session, id: '6', idle: 0 },
      { ...session, id: '6', idle: 100 },
    ])
    const { sessions } = (await demo('GET', 'soapp?dt=60')).json
    expect(sessions.map(({ id }: { id: string }) => id).sort()).toEqual(['', '6', '7'])
  })

  it('GET activity counts persons, without anonymous sessions', async () => {
    expect((await demo('GET', 'activity?dt=60')).json).toEqual({ activity: 2 })
    api.pass(60)
    expect((await demo('GET', 'activity?dt=60')).json).toEqual({ activity: 2 })
    api.pass(1)
    expect((await demo('GET', 'activity?dt=60')).json).toEqual({ activity: 0 })
  })

  it('DELETE kill, killsoid and killall end them by connection id, by person, or all together', async () => {
    const ended: string[] = []
    api.store.on('ended', ({ user }) => ended.push(user))
    expect((await api.send('DELETE', `/demo/kill/${CONNECTION_ID}`)).json).toEqual({ kill: 1 })
    expect((await api.send('DELETE', `/demo/kill/${CONNECTION_ID}`)).json).toEqual({ kill: 0 })
    expect((await demo('DELETE', 'killsoid/6')).json).toEqual({ kill: 1 })
    expect((await demo('DELETE', 'killall')).json).toEqual({ kill: 2 })
    expect(ended.toSorted((a, b) => Number(a) - Number(b))).toEqual(['', '6', '6', '7'])
  })

  it.each(['0', '007', '-6', 'six', '6.0', '%20', '99999999999'])(
    'GET soid rejects the person %s with 400',
    async (id) => {
      const { status, json } = await demo('GET', `soid/${id}`)
      expect([status, json]).toEqual([400, { name: 'invalidFormat', message: 'Invalid id format' }])
    },
  )

  it('PUT create, GET get and POST set answer 404', async () => {
    for (const [method, path] of [
      ['PUT', 'create/6?ip=10.0.0.1'],
      ['GET', `get/${CONNECTION_ID}`],
      ['POST', `set/${CONNECTION_ID}`],
    ] as const) {
      expect([path, (await demo(method, path)).status]).toEqual([path, 404])
    }
  })

  it.each([NO_TOKEN, CONNECTION_ID.slice(1), `${CONNECTION_ID}0`, '6d1f0b43-6a52-0f0e-9d3c-2b9c2a2f8d11'])(
    'DELETE kill rejects the token %s, which is no UUID, with 400',
    async (token) => {
      const { status, json } = await demo('DELETE', `kill/${token}`)
      expect([status, json]).toEqual([400, { name: 'invalidFormat', message: 'Invalid token format' }])
    },
  )
})

describe('application keys of REST-Sessions', () => {
  const CLOSED = [
    ['PUT', 'create/user1?ip=10.0.0.1'],
    ['GET', 'activity?dt=60'],
    ['GET', 'soapp?dt=60'],
    ['GET', 'soid/user1'],
    ['DELETE', 'killsoid/user1'],
    ['DELETE', 'killall'],
  ] as const
  const statuses = async (app: string, options: CompatSendOptions = {}) => {
    const answers = []
    for (const [method, path] of CLOSED) answers.push((await api.send(method, `/${app}/${path}`, options)).status)
    return [...new Set(answers)]
  }

  it('listing, creating, and ending sessions without a token require the key', async () => {
    expect(await statuses('mywebapp')).toEqual([401])
    expect(await statuses('mywebapp', { key: KEY })).toEqual([200])
    expect(await statuses('mywebapp', { key: 'wrong' })).toEqual([401])
    expect(await statuses('mywebapp', { headers: { authorization: `Basic ${KEY}` } })).toEqual([401])
  })

  it('a key is valid for its own app only', async () => {
    expect(await statuses('mywebapp', { key: 'key-of-other-app' })).toEqual([401])
    expect(await statuses('demo', { key: KEY })).toEqual([401])
  })

  it('every route checks the key before anything else, even for an unknown app', async () => {
    expect(await statuses('nosuchapp')).toEqual([401])
    expect(await statuses('nosuchapp', { key: KEY })).toEqual([401])
    expect((await api.send('PUT', '/mywebapp/create/user1')).status).toBe(401)
  })

  it('the key of the app * is valid for every app', async () => {
    api = startCompatApi(restSessionsApi, { keys: [...KEYS, { app: '*', key: 'master' }] })
    expect(await statuses('mywebapp', { key: 'master' })).toEqual([200])
    expect(await statuses('other-app', { key: 'master' })).toEqual([200])
    expect(await statuses('nosuchapp', { key: 'master' })).toEqual([404])
    expect(await statuses('mywebapp', { key: KEY })).toEqual([200])
    expect(await statuses('*', { key: KEY })).toEqual([401])
  })

  it('no route requires a key with insecureCompat', async () => {
    api = startCompatApi(restSessionsApi, { isOpen: true })
    expect(await statuses('mywebapp')).toEqual([200])
    expect(await statuses('mywebapp', { key: 'anything' })).toEqual([200])
  })

  it('requests with a token require no key', async () => {
    const token = await create()
    expect((await api.send('GET', `/mywebapp/get/${token}`)).json).toMatchObject({ id: 'user123' })
    expect((await api.send('POST', `/mywebapp/set/${token}`, { body: '{"a":1}' })).json).toMatchObject({ w: 2 })
    expect((await api.send('DELETE', `/mywebapp/kill/${token}`)).json).toEqual({ kill: 1 })
  })
})

it('REST-Sessions lists at most 10,000 sessions, and marks a longer list as truncated', async () => {
  const record = await api.store.create({ key: keyOf('x'), app: 'mywebapp', user: 'u', ip: '10.0.0.1' })
  api.store.listActive = async function* (_app, _within, limit) {
    yield Array(limit).fill(record)
  }
  const { sessions, truncated } = await ask('GET', '/mywebapp/soapp?dt=60')
  expect([sessions.length, truncated]).toEqual([10_000, true])
})

it('the log contains no tokens of REST-Sessions', async () => {
  const apps = [{ id: 'mywebapp', name: 'My web app' }]
  const gateway = await startTestGateway([], { apps, compat: ['rest-sessions'], insecureCompat: true })
  const { json } = await gateway.send('PUT', '/mywebapp/create/user123?ip=10.0.0.1')
  for (const [method, path] of [
    ['GET', 'get'],
    ['POST', 'set'],
    ['DELETE', 'kill'],
  ] as const) {
    for (const written of [
      json.token,
      `%${json.token.charCodeAt(0).toString(16)}${json.token.slice(1)}`,
      `%ff${json.token}/`,
    ]) {
      await gateway.send(method, `/mywebapp/${path}/${written}`)
    }
  }
  const logged = () => gateway.log.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request')
  await expect.poll(logged).toHaveLength(10)
  expect(logged().map(({ path }) => path)).toContain('/mywebapp/get/<id>')
  expect(gateway.log.join('')).not.toContain(json.token.slice(1))
  await gateway.close()
})

it('PUT create of REST-Sessions answers with no-store', async () => {
  const { headers } = await api.send('PUT', '/mywebapp/create/user1?ip=10.0.0.1', { key: KEY })
  expect(headers.get('cache-control')).toBe('no-store')
})
