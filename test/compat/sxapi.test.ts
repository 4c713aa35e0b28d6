import { setTimeout as sleep } from 'node:timers/promises'
import { Hono } from 'hono'
import { validate, version } from 'uuid'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Data, type SessionConfig, type SessionEnv, type SessionGuard, session } from '../../src/session.ts'
import { KINDS } from './sxapi-backends.ts'

const START = Date.UTC(2026, 0, 1)
/** Invalid ids. The original accepted some of them, and passed others to its database as SQL. */
const STRANGE_IDS = [
  "'; DROP TABLE sessions; --",
  "' OR '1'='1",
  'x|constructor',
  'constructor',
  '__proto__',
  'toString',
  '*',
  '%00',
  '../../etc/passwd',
  'x'.repeat(4000),
  '00000000-0000-4000-8000-000000000000',
]

/** The client side of a transport. */
interface ClientSide {
  transport: SessionConfig['transport']
  /** returns the parts of a request that carry an id */
  carry(id: string): { query?: string; headers?: Record<string, string> }
  /** returns the new id in a response */
  given(response: Response): string | undefined
}

const TRANSPORTS: Record<string, ClientSide> = {
  token: {
    transport: { type: 'token', param: 'sid' },
    carry: (id) => ({ query: `?sid=${encodeURIComponent(id)}` }),
    given: ({ headers }) => headers.get('session-token') ?? undefined,
  },
  cookie: {
    transport: { type: 'cookie' },
    carry: (id) => ({ headers: { cookie: `theme=dark; sxapi-sess=${encodeURIComponent(id)}; lang=sv` } }),
    given: ({ headers }) => /^sxapi-sess=([^;]+);/.exec(headers.get('set-cookie') ?? '')?.[1],
  },
  bearer: {
    transport: { type: 'bearer' },
    carry: (id) => ({ headers: { authorization: `Bearer ${id}` } }),
    given: ({ headers }) => /^Bearer (.+)$/.exec(headers.get('authorization') ?? '')?.[1],
  },
}

let guards: SessionGuard[] = []
afterEach(async () => {
  for (const guard of guards) await guard.close()
  guards = []
})

/** An application that stores data in the session of the caller. */
function application(...args: Parameters<typeof session>) {
  const guard = session(...args)
  guards.push(guard)
  const app = new Hono<SessionEnv>()
    .use(guard)
    .get('/', (c) => c.json(c.get('session')?.data ?? null))
    .get('/about', (c) => c.json(c.get('session')))
    .get('/raw', () => new Response('made by hand', { headers: { 'Cache-Control': 'public, max-age=60' } }))
    .get('/broken', () => {
      throw new TypeError('a fault of the handler')
    })
    .post('/renew', async (c) => {
      await c.get('session').renew()
      return c.json(c.get('session').data)
    })
    .post('/', async (c) => c.json(await c.get('session').merge((await c.req.json()) as Data)))
    .delete('/', async (c) => {
      await c.get('session').end()
      return c.text('ended')
    })
  app.onError((error, c) => ('getResponse' in error ? (error.getResponse as () => Response)() : c.text('broken', 500)))
  return app
}

function client(app: Hono<SessionEnv>, { carry, given }: ClientSide) {
  const send = async (method: string, id?: string, { path = '/', body = undefined as unknown } = {}) => {
    const { query = '', headers = {} } = id === undefined ? {} : carry(id)
    const response = await app.request(path + query, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, text, headers: response.headers, id: given(response) }
  }
  return { send, begin: async () => (await send('GET')).id as string }
}

describe.each(KINDS)("SXAPI's guard on $kind", ({ kind, isInstalled, hasTable, start }) => {
  let place: Awaited<ReturnType<typeof start>>
  let now = START
  beforeAll(async () => {
    if (isInstalled()) place = await start()
  }, 60_000)
  afterAll(async () => await place?.server?.close())
  beforeEach((context) => {
    if (!isInstalled()) context.skip()
    now = START
  })

  if (hasTable) {
    it('writes the same values as SXAPI into its table, except for the id', async () => {
      const config: SessionConfig = { auto_create: true, transport: { type: 'bearer' }, backend: place.backend }
      const app = application(config, place.resources, { clock: () => now, address: () => '2001:db8::1' })
      const { begin, send } = client(app, TRANSPORTS.bearer as ClientSide)
      const theirs = (await place.rows?.()) ?? []
      const id = await begin()
      const rows = (await place.rows?.()) ?? []
      expect(rows).toHaveLength(theirs.length + 1)
      expect(rows).toEqual(expect.arrayContaining(theirs))
      expect(rows.find(({ ip_sess }) => ip_sess === '2001:db8::1')).toEqual({
        token_sess: expect.stringMatching(/^[0-9a-f]{64}$/),
        ip_sess: '2001:db8::1',
        start_sess: '2026-01-01 00:00:00',
        stop_sess: '2026-01-01 01:00:00',
      })
      expect(JSON.stringify(rows)).not.toContain(id)
      expect((await send('GET', '6f1c9a52-8d0e-4b7e-9b43-0f4c8e5d1a27')).status).toBe(401)
    })
  }

  describe.each(Object.entries(TRANSPORTS))('with ids by %s', (_, side) => {
    const open = (rest: Partial<SessionConfig> = {}) => {
      const config = { auto_create: true, transport: side.transport, backend: place.backend, ...rest }
      return client(application(config, place.resources, { clock: () => now }), side)
    }

    it('creates a session for a request without an id, and finds it by its id from then on', async () => {
      const { send } = open()
      const first = await send('POST', undefined, { body: { cart: ['tea'], n: 1 } })
      expect(first).toMatchObject({ status: 200, text: '{"cart":["tea"],"n":1}' })
      expect([validate(first.id), version(first.id as string)]).toEqual([true, 4])
      const second = await send('POST', first.id, { body: { n: null, more: { deep: [1, null] } } })
      expect(second).toMatchObject({ status: 200, id: undefined })
      expect(JSON.parse((await send('GET', first.id)).text)).toEqual({ cart: ['tea'], more: { deep: [1, null] } })
      expect((await send('GET')).id).not.toBe(first.id)
    })

    it('shows handlers the properties of the session, but not its id', async () => {
      const { send } = open()
      const first = await send('GET', undefined, { path: '/about' })
      now += 1000
      const second = await send('GET', first.id, { path: '/about' })
      const known = { created: START, endsAt: START + 3_600_000, ip: 'unknown', lastActive: START }
      expect(JSON.parse(first.text)).toEqual({ ...known, isNew: true, handle: expect.stringMatching(/^[0-9a-f]{12}$/) })
      expect(JSON.parse(second.text)).toEqual({ ...JSON.parse(first.text), isNew: false })
      expect(first.text + second.text).not.toContain(first.id)
    })

    it('rejects a request without an id unless auto_create is true', async () => {
      const { send } = open({ auto_create: false })
      const { status, text, id } = await send('GET')
      expect({ status, id }).toEqual({ status: 401, id: undefined })
      expect(JSON.parse(text)).toEqual({ code: 'nok', reason: 'missing', message: expect.stringMatching(/./) })
    })

    it.each(STRANGE_IDS)('rejects the id %s, and creates no session', async (strange) => {
      const { send, begin } = open()
      const good = await begin()
      const { status, text, id } = await send('GET', strange)
      expect({ status, id }).toEqual({ status: 401, id: undefined })
      expect(JSON.parse(text)).toMatchObject({ code: 'nok', reason: 'unknown' })
      expect(text).not.toContain(strange)
      expect((await send('GET', good)).status).toBe(200)
    })

    it('rejects an empty id', async () => {
      expect((await open().send('GET', '')).status).toBe(401)
    })

    it('ends a session after its duration, however active', async () => {
      const { send, begin } = open({ duration: 100 })
      const id = await begin()
      for (const seconds of [40, 80, 99]) {
        now = START + seconds * 1000
        expect((await send('POST', id, { body: { seconds } })).status).toBe(200)
      }
      now = START + 100_000
      const { status, text } = await send('GET', id)
      expect({ status, ...JSON.parse(text) }).toMatchObject({ status: 401, reason: 'unknown' })
    })

    it('ends a session for all later requests when a handler ends it', async () => {
      const { send, begin } = open()
      const [id, other] = [await begin(), await begin()]
      expect((await send('DELETE', id)).text).toBe('ended')
      expect((await send('GET', id)).status).toBe(401)
      expect((await send('GET', other)).status).toBe(200)
      expect((await send('DELETE')).id).toBeUndefined()
    })

    it('gives a session a new id when a handler renews it, keeps its data, and invalidates the old id', async () => {
      const { send, begin } = open()
      const old = await begin()
      await send('POST', old, { body: { cart: ['tea'] } })
      const before = JSON.parse((await send('GET', old, { path: '/about' })).text)
      now += 1000
      const renewed = await send('POST', old, { path: '/renew' })
      expect(renewed).toMatchObject({ status: 200, text: '{"cart":["tea"]}' })
      expect([validate(renewed.id), version(renewed.id as string)]).toEqual([true, 4])
      expect(renewed.headers.get('cache-control')).toBe('no-store')
      expect((await send('GET', old)).status).toBe(401)
      expect((await send('POST', old, { path: '/renew' })).status).toBe(401)
      expect(await send('GET', renewed.id)).toMatchObject({ status: 200, text: '{"cart":["tea"]}', id: undefined })
      const after = JSON.parse((await send('GET', renewed.id, { path: '/about' })).text)
      expect(after).toEqual({ ...before, lastActive: after.lastActive, handle: after.handle })
      expect(after.handle).not.toBe(before.handle)
    })

    it('issues only the last id of a session that one request creates and renews', async () => {
      const { send } = open()
      const { id, text } = await send('POST', undefined, { path: '/renew' })
      expect([text, (await send('GET', id)).status]).toEqual(['{}', 200])
    })

    it('accepts only one of several concurrent renewals', async () => {
      const { send, begin } = open()
      const id = await begin()
      const all = await Promise.all([1, 2, 3, 4].map(() => send('POST', id, { path: '/renew' })))
      expect(all.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 401, 401, 401])
      const good = all.find(({ status }) => status === 200)
      expect((await send('GET', good?.id)).status).toBe(200)
    })

    it('keeps the sessions of concurrent requests separate', async () => {
      const { send, begin } = open()
      const ids = await Promise.all(Array.from({ length: 10 }, begin))
      expect(new Set(ids).size).toBe(10)
      const work = ids.flatMap((id, i) => [1, 2, 3].map((n) => send('POST', id, { body: { mine: i, [`n${n}`]: n } })))
      for (const { status } of await Promise.all(work)) expect(status).toBe(200)
      const all = await Promise.all(ids.map((id) => send('GET', id)))
      expect(all.map(({ text }) => JSON.parse(text))).toEqual(ids.map((_, i) => ({ mine: i, n1: 1, n2: 2, n3: 3 })))
    })

    it('issues the new id with any response of a handler, and forbids caching it', async () => {
      const { send } = open()
      for (const path of ['/raw', '/broken', '/nowhere']) {
        const { id, headers } = await send('GET', undefined, { path })
        expect(headers.get('cache-control')).toBe('no-store')
        expect((await send('GET', id)).status).toBe(200)
        expect((await send('GET', id, { path: '/raw' })).headers.get('cache-control')).toBe('public, max-age=60')
      }
    })
  })

  if (kind !== 'memory') {
    it('answers 503 while the server is unavailable, and recovers afterwards', async () => {
      const reported: unknown[] = []
      const config: SessionConfig = { auto_create: true, transport: { type: 'bearer' }, backend: place.backend }
      const app = application(config, place.resources, { report: (error) => reported.push(error) })
      const { send, begin } = client(app, TRANSPORTS.bearer as ClientSide)
      const id = await begin()
      await place.server?.stop()
      for (const { status, headers, text } of await Promise.all([send('GET', id), send('GET'), send('GET', 'x')])) {
        expect({ status, ...JSON.parse(text) }).toMatchObject({ status: 503, code: 'nok', reason: 'unavailable' })
        expect(headers.get('retry-after')).toBe('5')
      }
      expect(reported.length).toBeGreaterThan(0)
      await place.server?.start()
      await expect.poll(async () => (await send('GET')).status, { timeout: 20_000 }).toBe(200)
    }, 60_000)
  }
})

describe("SXAPI's guard", () => {
  const memory: SessionConfig = { auto_create: true, transport: { type: 'bearer' }, backend: { type: 'memory' } }
  const bearer = TRANSPORTS.bearer as ClientSide
  const cookie = TRANSPORTS.cookie as ClientSide

  it('passes all requests, without a session, if the configuration is false', async () => {
    const { send } = client(application(false), bearer)
    expect(await send('GET', 'anything')).toMatchObject({ status: 200, text: 'null', id: undefined })
    expect(await send('GET')).toMatchObject({ status: 200, id: undefined })
  })

  it('gives each of many slow concurrent handlers its own session', async () => {
    const guard = session(memory)
    guards.push(guard)
    const app = new Hono<SessionEnv>().use(guard).get('/', async (c) => {
      const before = c.get('session').handle
      await sleep(Number(c.req.query('ms')))
      const { mine } = await c.get('session').merge({ mine: c.req.query('who') as string })
      await sleep(Number(c.req.query('ms')))
      return c.json({ same: before === c.get('session').handle, mine, data: c.get('session').data })
    })
    const answers = await Promise.all(
      Array.from({ length: 30 }, async (_, i) => (await app.request(`/?who=${i}&ms=${(i * 7) % 20}`)).json()),
    )
    expect(answers).toEqual(answers.map((_, i) => ({ same: true, mine: `${i}`, data: { mine: `${i}` } })))
  })

  it('sends WWW-Authenticate: Bearer with a 401', async () => {
    const { send } = client(application({ ...memory, auto_create: false }), bearer)
    expect((await send('GET')).headers.get('www-authenticate')).toBe('Bearer')
    expect((await send('GET', 'x')).headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
  })

  it('ignores the credentials of another scheme', async () => {
    const app = application({ ...memory, auto_create: false })
    const response = await app.request('/', { headers: { authorization: 'Basic bWU6c2VjcmV0' } })
    expect(await response.json()).toMatchObject({ reason: 'missing' })
  })

  it.each(['Bearer', 'Bearer ', 'bearer  a b', 'Bearer "', 'Bearer \u00e5'])(
    'reads %j as an id',
    async (authorization) => {
      const response = await application(memory).request('/', { headers: { authorization } })
      expect({ status: response.status, ...((await response.json()) as object) }).toMatchObject({
        status: 401,
        reason: 'unknown',
      })
    },
  )

  it.each(['sxapi-sess=', 'sxapi-sess="', 'a=b;sxapi-sess=\\x', ' sxapi-sess=%zz'])(
    'reads the cookie %j as an id',
    async (value) => {
      const app = application({ ...memory, transport: { type: 'cookie' } })
      expect((await app.request('/', { headers: { cookie: value } })).status).toBe(401)
      expect((await app.request('/', { headers: { cookie: `x${value}` } })).status).toBe(
        value.includes(';') ? 401 : 200,
      )
    },
  )

  it('does not delete a cookie for a request that was sent before a renewal', async () => {
    const { send, begin } = client(application({ ...memory, transport: cookie.transport }), cookie)
    const id = await begin()
    await send('POST', id, { path: '/renew' })
    const late = await send('GET', id)
    expect([late.status, late.headers.get('set-cookie')]).toEqual([401, null])
  })

  it('uses the first valid one of several cookies of one name', async () => {
    const app = application({ ...memory, transport: cookie.transport })
    const { begin, send } = client(app, cookie)
    const [first, second] = [await begin(), await begin()]
    await send('POST', first, { body: { mine: 1 } })
    await send('POST', second, { body: { mine: 2 } })
    const get = async (...values: string[]) => {
      const headers = { cookie: ['theme=dark', ...values.map((value) => `sxapi-sess=${value}`)].join('; ') }
      const response = await app.request('/', { headers })
      return [response.status, ((await response.json()) as { mine?: number }).mine]
    }
    const dead = '00000000-0000-4000-8000-000000000000'
    expect(await get(dead, first)).toEqual([200, 1])
    expect(await get(first, dead)).toEqual([200, 1])
    expect(await get('%zz', '', '"x"', dead, second, first)).toEqual([200, 2])
    expect(await get(dead, dead)).toEqual([401, undefined])
  })

  it('tries at most eight cookies of one name', async () => {
    const app = application({ ...memory, transport: cookie.transport })
    const good = await client(app, cookie).begin()
    const status = async (junk: number) => {
      const values = [...Array.from({ length: junk }, (_, n) => `junk-${n}`), good]
      return (await app.request('/', { headers: { cookie: values.map((id) => `sxapi-sess=${id}`).join('; ') } })).status
    }
    expect([await status(7), await status(8)]).toEqual([200, 401])
  })

  it('deletes a cookie that is no longer valid', async () => {
    const { send, begin } = client(application({ ...memory, transport: cookie.transport }), cookie)
    const forget = 'sxapi-sess=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax'
    expect((await send('GET', 'unknown')).headers.get('set-cookie')).toBe(forget)
    expect((await send('DELETE', await begin())).headers.get('set-cookie')).toBe(forget)
  })

  it('ignores headers with an address unless the program reads them', async () => {
    const headers = { 'x-forwarded-for': '198.51.100.7' }
    const about = async (app: Hono<SessionEnv>) => {
      const response = await app.request('/about', { headers })
      return ((await response.json()) as { ip: string }).ip
    }
    expect(await about(application(memory))).toBe('unknown')
    expect(await about(application(memory, {}, { address: (c) => c.req.header('x-forwarded-for') ?? '' }))).toBe(
      '198.51.100.7',
    )
  })

  it('answers 401 when a handler uses a session that has ended', async () => {
    const guard = session(memory)
    guards.push(guard)
    const app = new Hono<SessionEnv>().use(guard).get('/', async (c) => {
      await c.get('session').end()
      await c.get('session').end()
      if (c.req.query('read')) return c.json(await c.get('session').read())
      return c.json(await c.get('session').merge({ a: 1 }))
    })
    for (const path of ['/', '/?read=1']) {
      const response = await app.request(path)
      expect({ status: response.status, ...((await response.json()) as object) }).toMatchObject({
        status: 401,
        reason: 'unknown',
      })
      expect(response.headers.get('authorization')).toBeNull()
    }
  })

  it('answers 413 when a handler stores more than a session can hold', async () => {
    const { send, begin } = client(application(memory), bearer)
    const id = await begin()
    const { status, text } = await send('POST', id, { body: { big: 'x'.repeat(70_000) } })
    expect({ status, ...JSON.parse(text) }).toMatchObject({ status: 413, reason: 'too-large' })
    expect((await send('GET', id)).text).toBe('{}')
  })

  it('answers 503 while its store is unavailable, reports the cause to the program only, and tries again', async () => {
    const reported: unknown[] = []
    const backend = { type: 'redis', resource: 'r', sid_field: 's' } as const
    // Nothing listens on port 1.
    const resources = { r: { _class: 'redis', host: '127.0.0.1', port: 1, password: 'secret' } }
    const app = application({ ...memory, backend }, resources, { report: (error) => reported.push(error) })
    const { send } = client(app, bearer)
    const started = performance.now()
    const answers = await Promise.all([send('GET'), send('GET', 'x'), send('GET')])
    for (const { status, text, headers } of answers) {
      expect(status).toBe(503)
      expect(headers.get('retry-after')).toBe('5')
      expect(JSON.parse(text)).toEqual({
        code: 'nok',
        reason: 'unavailable',
        message: 'The session store cannot be reached.',
      })
    }
    expect((await send('GET')).status).toBe(503)
    expect(performance.now() - started).toBeLessThan(20_000)
    expect(reported).toHaveLength(4)
    expect(reported.map(String).join()).not.toContain('secret')
  }, 30_000)

  it('closes its store on close, and answers 503 from then on', async () => {
    const guard = session(memory, {}, { report: () => undefined })
    const app = new Hono().use(guard).get('/', (c) => c.text('in'))
    await guard.open()
    expect((await app.request('/')).status).toBe(200)
    await guard.close()
    await guard.close()
    expect((await app.request('/')).status).toBe(503)
    await expect(guard.open()).rejects.toThrow('the store has been closed')
  })
})
