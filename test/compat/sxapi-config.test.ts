import { Hono } from 'hono'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { readSessionConfig, type SessionConfig } from '../../src/compat/sxapi-config.ts'
import { type SessionResources, storeUrl } from '../../src/compat/sxapi-resources.ts'
import { type Session, type SessionEnv, session } from '../../src/session.ts'

const good: SessionConfig = { transport: { type: 'token' }, backend: { type: 'memory' } }

/** The samples of SXAPI's documentation, and variants of them. */
const resources = {
  'mysql-sample': {
    _class: 'mysql',
    server: {
      host: '172.17.42.1',
      port: '3306',
      user: 'username',
      password: 'userpassword',
      database: 'databasename',
    },
  },
  'postgres-sample': {
    _class: 'postgres',
    server: { host: 'db.example.org', database: 'databasename', user: 'o:a@b', password: 'p/%41?#', connectTimeout: 1 },
  },
  'redis-sample': { _class: 'redis', url: 'redis://dev:dev@172.17.42.1/1', return_buffers: false },
  'redis-parts': { host: '::1', port: 6380, password: 'secret', db: 2 },
  'memcache-sample': { _class: 'memcache', host: '172.17.42.1', port: 11211 },
  'memcache-short': { _class: 'memcache' },
  'couchbase-sample': {
    _class: 'couchbase',
    cluster: 'http://172.17.42.1:8091',
    bucket: 'b',
    user: 'u',
    password: 'p',
  },
  'couchbase-url': {
    cluster: 'couchbase://one,two:11210/bucket',
    bucket: 'bucket',
    user: 'u',
    insertOptions: { expiry: 3600 },
  },
  url: 'mysql://me:secret@db.example.org/sessions?x=1&table=other',
  'something-else': { _class: 'twitter', whatever: true },
}

const sql = { table: 'sessions', sid_field: 'token_sess' }
const fields = { ip: 'ip_sess', start: 'start_sess', stop: 'stop_sess' }

function urlOf(backend: SessionConfig['backend'], from: SessionResources | string = resources): string {
  return storeUrl(readSessionConfig({ ...good, backend }).backend, from)
}

describe("the configuration of SXAPI's guard", () => {
  it('has the defaults of the original', () => {
    expect(readSessionConfig({ transport: { type: 'cookie' }, backend: { type: 'memory' } })).toEqual({
      duration: 3600,
      auto_create: false,
      transport: { type: 'cookie', param: '_token', cookie_name: 'sxapi-sess', cookie_options: {} },
      backend: { type: 'memory', fields: {} },
    })
  })

  it.each<[string, unknown]>([
    ['session: is missing', undefined],
    ['session: must be an object, or false', null],
    ['session: must be an object, or false', true],
    ['session.transport: is missing', { backend: { type: 'memory' } }],
    ['session.backend: is missing', { transport: { type: 'token' } }],
    ['session.backend: must be an object', { ...good, backend: 'memory' }],
    ['session.duraton: there is no such key', { ...good, duraton: 60 }],
    ['session.duration: must be a whole number from 1 to 2147483647', { ...good, duration: 0 }],
    ['session.duration: must be a whole number from 1 to 2147483647', { ...good, duration: '3600' }],
    ['session.duration: must be a whole number from 1 to 2147483647', { ...good, duration: 1.5 }],
    ['session.auto_create: must be true or false', { ...good, auto_create: 'yes' }],
    ['session.transport.type: is missing', { ...good, transport: {} }],
    ['session.transport.type: must be "token", "cookie" or "bearer"', { ...good, transport: { type: 'header' } }],
    ['session.transport.param: must not be empty', { ...good, transport: { type: 'token', param: '' } }],
    [
      'session.backend.type: must be "memory", "mysql", "postgres", "couchbase", "memcache" or "redis"',
      { ...good, backend: { type: 'mongodb' } },
    ],
    ['session.backend.resource: is missing', { ...good, backend: { type: 'mysql', ...sql } }],
    ['session.backend.table: is missing', { ...good, backend: { type: 'postgres', resource: 'x', sid_field: 's' } }],
    ['session.backend.sid_field: is missing', { ...good, backend: { type: 'redis', resource: 'redis-sample' } }],
    [
      'session.backend.resource: there is no resource "x"',
      { ...good, backend: { type: 'mysql', resource: 'x', ...sql } },
    ],
    [
      'session.backend.resource: there is no resource "constructor"',
      { ...good, backend: { type: 'mysql', resource: 'constructor', ...sql } },
    ],
    [
      'session.backend.fields.stopp: there is no such key',
      { ...good, backend: { type: 'memory', fields: { stopp: 's' } } },
    ],
    [
      'session.backend: "table" is not a valid name',
      { ...good, backend: { type: 'mysql', resource: 'mysql-sample', table: 'a; DROP TABLE b', sid_field: 's' } },
    ],
    [
      'session.backend: "fields.ip" is not a valid name',
      { ...good, backend: { type: 'mysql', resource: 'mysql-sample', ...sql, fields: { ip: 'x`y' } } },
    ],
  ])('rejects an invalid section: %s', (message, config) => {
    expect(() => session(config as SessionConfig, resources)).toThrow(new TypeError(message))
  })

  it.each<[string, SessionResources | string]>([
    ['resources: must be a URL that begins with mysql://', 'postgres://db.example.org/x'],
    ['resources.r: must be a URL that begins with mysql://', { r: 'nonsense' }],
    ['resources.r: must be an object, or a URL', { r: 7 }],
    ['resources.r._class: must be "mysql"', { r: { ...resources['mysql-sample'], _class: 'postgres' } }],
    ['resources.r.server: is missing', { r: { _class: 'mysql', host: 'x' } }],
    ['resources.r.server.host: is missing', { r: { server: { database: 'd' } } }],
    ['resources.r.server.database: is missing', { r: { server: { host: 'h' } } }],
    [
      'resources.r.server.host: must be a host name or an address; a URL can say more',
      { r: { server: { host: '/run/mysqld/mysqld.sock', database: 'd' } } },
    ],
    [
      'resources.r.server.port: must be a whole number from 1 to 65535',
      { r: { server: { host: 'h', database: 'd', port: '0' } } },
    ],
    [
      'resources.r.server.port: must be a whole number from 1 to 65535',
      { r: { server: { host: 'h', database: 'd', port: 'x' } } },
    ],
    // Ignoring an unknown key could disable the encryption of the connection.
    ['resources.r.server.ssl: there is no such key', { r: { server: { host: 'h', database: 'd', ssl: true } } }],
  ])('rejects an invalid SQL resource: %s', (message, from) => {
    expect(() => urlOf({ type: 'mysql', resource: 'r', ...sql }, from)).toThrow(new TypeError(message))
  })

  it.each<[string, object]>([
    ['resources.r.host: is missing', { port: 6379 }],
    ['resources.r.password: must be in the "url"', { url: 'redis://h', password: 'secret' }],
    ['resources.r.host: must be in the "url"', { url: 'redis://h', host: 'i' }],
    ['resources.r.db: must be the number of a database', { host: 'h', db: 'bucket' }],
    ['resources.r.tls: there is no such key', { host: 'h', tls: {} }],
  ])('rejects an invalid Redis resource: %s', (message, r) => {
    expect(() => urlOf({ type: 'redis', resource: 'r', sid_field: 's' }, { r })).toThrow(new TypeError(message))
  })

  it('reveals no password in an error', () => {
    const at = { type: 'redis', resource: 'r', sid_field: 's' } as const
    for (const r of [{ url: 'http://me:secret@x' }, { host: 'a:b', password: 'secret' }]) {
      const message = 'resources.r: must be a URL that begins with redis:// or rediss://'
      expect(() => urlOf(at, { r })).toThrow(new TypeError(message))
    }
  })

  it.each<[SessionConfig['backend'], string]>([
    [{ type: 'memory', sid_field: 'sessionID', fields: { ip: 'ipAdress' } }, 'memory:'],
    [
      { type: 'mysql', resource: 'mysql-sample', ...sql, fields },
      'mysql://username:userpassword@172.17.42.1:3306/databasename?table=sessions&sid_field=token_sess&fields.ip=ip_sess&fields.start=start_sess&fields.stop=stop_sess',
    ],
    [
      { type: 'postgres', resource: 'postgres-sample', ...sql },
      'postgres://o%3Aa%40b:p%2F%2541%3F%23@db.example.org/databasename?table=sessions&sid_field=token_sess',
    ],
    [
      { type: 'redis', resource: 'redis-sample', sid_field: 'token' },
      'redis://dev:dev@172.17.42.1/1?key_ns=token%3A%3A',
    ],
    [
      { type: 'redis', resource: 'redis-parts', sid_field: 'token', key_ns: 'k:' },
      'redis://:secret@[::1]:6380/2?key_ns=k%3A',
    ],
    [
      { type: 'memcache', resource: 'memcache-sample', sid_field: 'token', fields: { stop: 'stopDate' } },
      'memcache://172.17.42.1:11211/?key_ns=token%3A%3A&fields.stop=stopDate',
    ],
    [{ type: 'memcache', resource: 'memcache-short', sid_field: 't' }, 'memcache://127.0.0.1/?key_ns=t%3A%3A'],
    [
      { type: 'couchbase', resource: 'couchbase-sample', key_ns: 'sess::', fields: { token: 'token' } },
      'couchbase://u:p@172.17.42.1/b?key_ns=sess%3A%3A&fields.token=token',
    ],
    [{ type: 'couchbase', resource: 'couchbase-url' }, 'couchbase://u@one,two:11210/bucket?key_ns='],
    [
      { type: 'mysql', resource: 'url', ...sql },
      'mysql://me:secret@db.example.org/sessions?x=1&table=sessions&sid_field=token_sess',
    ],
  ])('converts %j to the store URL %s', (backend, url) => {
    expect(urlOf(backend)).toBe(url)
  })

  it('accepts the URL of the resource instead of the resources section', () => {
    expect(urlOf({ type: 'redis', resource: 'any', sid_field: 's' }, 'rediss://h')).toBe('rediss://h?key_ns=s%3A%3A')
  })
})

describe('cookie_options', () => {
  const cookie = async (
    cookie_options: SessionConfig['transport']['cookie_options'],
    rest: object = {},
    from = 'http:',
  ) => {
    const guard = session({ ...good, auto_create: true, transport: { type: 'cookie', cookie_options, ...rest } })
    const app = new Hono().use(guard).get('/', (c) => c.text('in'))
    const response = await app.request(`${from}//localhost/`)
    await guard.close()
    return response.headers.get('set-cookie')?.replace(/=[0-9a-f-]{36};/, '=ID;')
  }

  it('make a cookie HttpOnly and SameSite=Lax by default', async () => {
    expect(await cookie({})).toBe('sxapi-sess=ID; Max-Age=3600; Path=/; HttpOnly; SameSite=Lax')
    expect(await cookie({}, {}, 'https:')).toBe('sxapi-sess=ID; Max-Age=3600; Path=/; HttpOnly; Secure; SameSite=Lax')
  })

  it('support the options of the package "cookies"', async () => {
    const all = {
      path: '/a',
      domain: 'example.org',
      secure: true,
      httpOnly: false,
      overwrite: true,
      signed: false,
    } as const
    expect(await cookie({ ...all, maxAge: 90_000, sameSite: true, priority: 'high' })).toBe(
      'sxapi-sess=ID; Max-Age=90; Domain=example.org; Path=/a; Secure; SameSite=Strict; Priority=High',
    )
    expect(await cookie({ sameSite: false, maxAge: 0 })).toBe('sxapi-sess=ID; Path=/; HttpOnly')
    expect(await cookie({ sameSite: 'Strict' })).toContain('SameSite=Strict')
  })

  it('imply Secure where browsers require it', async () => {
    expect(await cookie({ sameSite: 'none' })).toContain('; Secure; SameSite=None')
    expect(await cookie({ partitioned: true })).toContain('; Secure; SameSite=Lax; Partitioned')
    expect(await cookie({}, { cookie_name: '__Host-s' })).toMatch(/^__Host-s=ID; .*; Secure/)
  })

  it('limit the lifetime of a cookie to the 400 days of browsers', async () => {
    expect(await cookie({ maxAge: 1e13 })).toContain('Max-Age=34560000;')
  })

  it.each<[string, unknown]>([
    ['.signed: is not supported: an id is looked up, a signature would add nothing', { signed: true }],
    [
      '.expires: is not supported: it would be the same moment for every session; "maxAge" says how long',
      { expires: '2030-01-01' },
    ],
    ['.maxAge: must be a number of milliseconds', { maxAge: '1h' }],
    ['.sameSite: must be "lax", "strict", "none", true or false', { sameSite: 'sometimes' }],
    ['.httponly: there is no such key', { httponly: true }],
    [': "secure" must not be false for this cookie', { sameSite: 'none', secure: false }],
    [': path must not contain ";", "\\r", or "\\n"', { path: '/; Domain=evil.example' }],
  ])('are rejected if invalid: session.transport.cookie_options%s', (message, cookie_options) => {
    const transport = { type: 'cookie', cookie_options } as SessionConfig['transport']
    expect(() => session({ ...good, transport })).toThrow(new TypeError(`session.transport.cookie_options${message}`))
  })
})

describe('types of komgate/session', () => {
  it('give handlers the session, after the guard or by the exported Env', () => {
    new Hono().use(session(good)).get('/', (c) => {
      expectTypeOf(c.get('session')).toEqualTypeOf<Session>()
      return c.text('')
    })
    new Hono<SessionEnv>().get('/', (c) => {
      expectTypeOf(c.var.session.merge).toBeFunction()
      return c.text('')
    })
    expectTypeOf<Session>().not.toHaveProperty('token')
  })
})
