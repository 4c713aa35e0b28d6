import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config/command-line.ts'
import { withMembers } from '../../src/store/backends/mongodb/mongodb.ts'
import { redisAddress } from '../../src/store/backends/redis/address.ts'
import { postgresAddress } from '../../src/store/backends/sql/postgres-url.ts'
import { openBackend } from '../../src/store/open.ts'
import { parseStoreUrl } from '../../src/store/url.ts'
import { postgresInstalled, startPostgres } from '../support/postgres-server.ts'
import { redisInstalled, startRedis } from '../support/redis-server.ts'
import { recordWith } from './sql-contract.ts'

const dir = mkdtempSync(join(tmpdir(), 'komgate-url-'))
afterAll(() => rmSync(dir, { recursive: true }))

const postgresOf = (text: string) => postgresAddress(parseStoreUrl(text))
const redisOf = (text: string) => redisAddress(parseStoreUrl(text))

describe('parseStoreUrl', () => {
  it.each(['unix:///run/redis.sock', 'redis+unix:///run/redis.sock', 'postgresql://user@/db?host=/dir'])(
    'accepts %s in the configuration',
    (store) => {
      expect(readConfig(['--store', store]).store).toBe(store)
    },
  )

  it.each(['postgres://u:p#w@host/db', 'redis://host/0#x', 'mysql://host/db?pool=3#', 'memory:#'])(
    'rejects %s because of the # with a message that does not contain the URL',
    async (text) => {
      const error = new TypeError('the store URL contains a #: write it as %23')
      await expect(openBackend(text)).rejects.toThrow(error)
    },
  )
})

describe('openBackend with a layout parameter of another kind of store', () => {
  it.each([
    ['redis://u:s3cret@127.0.0.1:1/0?table=t', '"table" is not a parameter of redis:// store URLs'],
    ['memcache://127.0.0.1:1?sid_field=s', '"sid_field" is not a parameter of memcache:// store URLs'],
    ['couchbase://u:s3cret@127.0.0.1:1/b?table=t', '"table" is not a parameter of couchbase:// store URLs'],
    ['postgres://u:s3cret@127.0.0.1:1/db?key_ns=k', '"key_ns" is not a parameter of postgres:// store URLs'],
    ['mongodb://u:s3cret@127.0.0.1:1/db?key_ns=k', '"key_ns" is not a parameter of mongodb:// store URLs'],
    ['memory:?fields.ip=ip', '"fields.ip" is not a parameter of memory:// store URLs'],
  ])('rejects %s', async (url, message) => {
    await expect(openBackend(url)).rejects.toThrow(new TypeError(message))
  })
})

describe('withMembers', () => {
  it.each([
    'mongodb://u:p%40w@a.example:27017,b.example:27018,c.example/db?replicaSet=rs0',
    'mongodb://a:1,b:2/db',
    'mongodb://u:p@a,b:2/db',
    'mongodb://u:p@a:1/db',
    'mongodb://u:p@[::1]:1/db',
    'mongodb+srv://u:p@a.example/db',
  ])('passes %s to the driver unchanged', (text) => {
    expect(withMembers(parseStoreUrl(text))).toBe(text)
  })

  it('rejects a URL of several members with unavailable if none of them replies', async () => {
    await expect(openBackend('mongodb://u:s3cret@127.0.0.1:1,127.0.0.1:2/db')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.not.stringContaining('s3cret'),
    })
  })
})

describe('openBackend with a MongoDB or Couchbase URL', () => {
  it.each([
    ['mongodb://u:s3cr%C3%A9t@h', /must name a database/],
    ['mongodb://u:s3cr%C3%A9t@h/', /must name a database/],
    ['mongodb://u:s3cr%C3%A9t@h/db?nosuchoption=1', /nosuchoption/],
    ['mongodb://u:s3cr%C3%A9t@h/db?tls=perhaps', /tls/],
    ['mongodb://u:s3cr%C3%A9t@h/db?authMechanism=s3cr%C3%A9t', /authMechanism/],
    ['mongodb://u:s3cr%C3%A9t@h/db?sid_field=record', /"record" is the name of two fields/],
    ['mongodb://u:s3cr%C3%A9t@h/db?fields.ip=_id', /"_id" is the name of two fields/],
    ['mongodb://u:s3cr%C3%A9t@h/db?fields.ip=sid', /"sid" is the name of two fields/],
    ['couchbases://u:s3cr%C3%A9t@h', /must name a bucket/],
    ['couchbases://u:s3cr%C3%A9t@h/', /must name a bucket/],
    ['couchbases://u:s3cr%C3%A9t@h/a`b', /must name a bucket/],
    ['couchbases://u:s3cr%C3%A9t@h/a/b', /must name a bucket/],
    ['couchbases://u:s3cr%C3%A9t@h/%zz', /%/],
    ['couchbases://h/b', /must name a user/],
    ['couchbases://u:s3cr%C3%A9t@h/b?fields.ip=record', /"record" is the name of two fields/],
  ])('rejects %s with an error without its password', async (url, message) => {
    const error = await openBackend(url).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(TypeError)
    expect(error).toMatchObject({ message: expect.stringMatching(message) })
    expect(inspect(error, { depth: 20, showHidden: true })).not.toMatch(/s3cr%C3%A9t|s3crét/)
  })
})

describe('postgresAddress', () => {
  it.each([
    ['postgresql://user@/db?host=/dir', 'postgresql://user@localhost/db?host=%2Fdir', '/dir'],
    ['postgresql://user:p%23w@/db?host=/cloudsql/a:b:c', undefined, '/cloudsql/a:b:c'],
    ['postgres:///db?host=/dir&user=me&port=5433', 'postgres://me@localhost:5433/db?host=%2Fdir', '/dir'],
    ['postgres://%2Fvar%2Frun/db', 'postgres://%2Fvar%2Frun/db', '/var/run'],
    ['postgres://host?dbname=a%20b', 'postgres://host/a%20b', 'host'],
    ['postgres://u:p@host:6543/db?sslmode=require&channel_binding=require', undefined, 'host:6543'],
  ])('parses %s', async (text, url, where) => {
    const address = await postgresOf(text)
    expect(address.where).toBe(where)
    if (url !== undefined) expect(address.url.href).toBe(url)
  })

  it.each([
    ['', 4000],
    ['connect_timeout=0', 4000],
    ['connect_timeout=1', 2000],
    ['connect_timeout=7', 7000],
    ['connect_timeout=300', 10_000],
  ])('sets for %j a connect timeout of %i ms', async (query, ms) => {
    expect((await postgresOf(`postgres://host/db?${query}`)).connectMs).toBe(ms)
  })

  it.each([
    ['sslmode=require', 'verify-full'],
    ['sslmode=verify-ca', 'verify-full'],
    ['sslmode=verify-full&sslrootcert=system', 'verify-full'],
    ['sslmode=no-verify', 'no-verify'],
    ['sslmode=disable', 'disable'],
    ['sslmode=require&uselibpqcompat=true', 'require'],
    ['sslmode=require&host=/dir', null],
    ['', null],
  ])('sets for %j the sslmode of pg to %j', async (query, mode) => {
    const { url } = await postgresOf(`postgres://host/db?${query}`)
    expect(url.searchParams.get('sslmode')).toBe(mode)
    expect(url.searchParams.get('sslrootcert')).toBeNull()
  })

  it.each([
    ['S', 'allow', 'no-verify'],
    ['S', 'prefer', 'no-verify'],
    ['N', 'allow', 'disable'],
    ['N', 'prefer', 'disable'],
  ])('converts for pg, after the reply %s to SSLRequest, sslmode %s to %s', async (answer, given, mode) => {
    const server = createServer((socket) => socket.once('data', () => socket.end(answer))).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const { url } = await postgresOf(`postgres://127.0.0.1:${port}/db?sslmode=${given}`)
    expect(url.searchParams.get('sslmode')).toBe(mode)
    server.close()
  })

  it('passes only parameters to pg that pg supports', async () => {
    const given =
      'gssencmode=disable&target_session_attrs=read-write&client_encoding=utf8&keepalives=1&sslsni=1&sslcompression=0'
    const kept = 'application_name=x&options=-c%20search_path%3Dkom&fallback_application_name=y'
    const { url, channelBinding } = await postgresOf(
      `postgres://h/db?${given}&${kept}&connect_timeout=5&channel_binding=prefer&pool=3`,
    )
    expect([...url.searchParams.keys()]).toEqual(['application_name', 'options', 'fallback_application_name'])
    expect(channelBinding).toBe(true)
  })

  it.each([
    ['sslmode=on', '"sslmode" must be disable or allow'],
    ['channel_binding=yes', '"channel_binding" must be disable or prefer or require'],
    ['channel_binding=require', '"channel_binding" can only be require with TLS'],
    ['channel_binding=require&sslmode=disable', '"channel_binding" can only be require with TLS'],
    ['connect_timeout=soon', '"connect_timeout" must be'],
    ['gssencmode=require', '"gssencmode" must be disable or prefer'],
    ['client_encoding=latin1', '"client_encoding" must be'],
    ['port=x', '"port" must be a number'],
    ['pgbouncer=true', '"pgbouncer" is not a parameter of PostgreSQL store URLs'],
  ])('rejects %s and names the parameter', async (query, message) => {
    await expect(postgresOf(`postgres://host/db?${query}`)).rejects.toThrow(message)
  })

  it.skipIf(!postgresInstalled())(
    'returns an address that opens a store over a Unix socket, and with the parameters that providers add',
    async () => {
      const server = await startPostgres()
      const [login, port] = /^(.*@).*:(\d+)\//.exec(server.url)?.slice(1) ?? []
      const record = recordWith({})
      const added =
        'sslmode=prefer&channel_binding=prefer&connect_timeout=10&application_name=kom&options=-c%20jit%3Doff'
      const first = await openBackend(`${server.url}?${added}`)
      await first.insert(record)
      await first.close()
      const folder = encodeURIComponent(server.dir)
      for (const url of [
        `${login}/postgres?host=${folder}&port=${port}`,
        `${login}:${port}/postgres?host=${folder}&sslmode=require`,
        `${login}${folder}:${port}/postgres`,
      ]) {
        const backend = await openBackend(url)
        expect(await backend.find(record.key)).toEqual(record)
        await backend.close()
      }
      await server.close()
    },
    60_000,
  )
})

describe('redisAddress', () => {
  it.each([
    ['unix:///run/redis.sock', '', '', 0],
    ['redis+unix:///run/redis.sock?db=3', '', '', 3],
    ['unix:///run/redis.sock?db=1&user=me&password=p%23w', 'me', 'p#w', 1],
    ['redis+unix:///run/redis.sock?username=me&pass=pw', 'me', 'pw', 0],
    ['unix://me:p%40w@/run/redis.sock?db=2', 'me', 'p@w', 2],
    ['unix://:pw@localhost/run/redis.sock', '', 'pw', 0],
  ])('parses %s as a Unix socket', (text, username, password, database) => {
    expect(redisOf(text)).toEqual({
      socket: { path: '/run/redis.sock' },
      where: '/run/redis.sock',
      username,
      password,
      database,
    })
  })

  it.each([
    ['unix://host/run/redis.sock', 'Unix socket URLs have no host'],
    ['unix:///', 'must name a socket'],
    ['unix:///run/', 'must name a socket'],
    ['unix:///run/redis.sock?db=x', '"db" of Redis store URLs'],
    ['unix:///run/redis.sock?port=1', '"port" is not a parameter'],
    ['redis://host/0?db=1', '"db" is not a parameter'],
    ['redis://host/x', 'the path of Redis store URLs'],
  ])('rejects %s', (text, message) => {
    expect(() => redisOf(text)).toThrow(message)
  })

  it.skipIf(!redisInstalled())(
    'returns an address that opens a store over a Unix socket',
    async () => {
      const path = `/tmp/komgate-redis-${process.pid}.sock`
      const server = await startRedis({ password: 'p#w', settings: ['--unixsocket', path, '--unixsocketperm', '777'] })
      const record = recordWith({})
      const first = await openBackend(`unix://:p%23w@${path}?db=1&key_ns=a:`)
      await first.insert(record)
      await first.close()
      const again = await openBackend(`redis+unix://${path}?db=1&password=p%23w&key_ns=a:`)
      expect(await again.find(record.key)).toEqual(record)
      await again.close()
      await expect(openBackend(`unix://${path}`)).rejects.toMatchObject({ code: 'unavailable' })
      await server.close()
    },
    30_000,
  )
})

/** Whether this version of Node.js has SQLite. */
const hasSqlite = process.getBuiltinModule('node:sqlite') !== undefined

describe('openBackend with an SQLite URL', () => {
  it.skipIf(!hasSqlite).each([
    ['a#b.db', 'a#b.db'],
    ['a%23b.db', 'a#b.db'],
    ['a%3Fb.db', 'a?b.db'],
    ['100%25.db', '100%.db'],
    ['a b\t.db ', 'a b\t.db '],
    ['å#?table=t', 'å#'],
  ])('opens sqlite:%s as the file %j', async (written, name) => {
    const backend = await openBackend(`sqlite:${dir}/${written}`)
    await backend.close()
    expect(existsSync(join(dir, name))).toBe(true)
    expect(existsSync(join(dir, 'a'))).toBe(false)
  })

  it.skipIf(!hasSqlite)('resolves a relative path against the working directory', async () => {
    const before = process.cwd()
    process.chdir(dir)
    try {
      for (const name of ['relative#.db', './dotted.db', `../${basename(dir)}/up.db`, 'file:odd.db']) {
        const backend = await openBackend(`sqlite:${name}`)
        await backend.close()
        expect(existsSync(join(dir, name))).toBe(true)
      }
    } finally {
      process.chdir(before)
    }
  })

  it.skipIf(!hasSqlite).each(['a?b.db', 'data/', '100%.db'])('rejects sqlite:%s', async (written) => {
    await expect(openBackend(`sqlite:${dir}/${written}`)).rejects.toThrow(TypeError)
  })

  it('keeps the part after a # in the path', () => {
    expect(parseStoreUrl('sqlite:/tmp/a#b.db').pathname).toBe('/tmp/a%23b.db')
    expect(parseStoreUrl('sqlite:a#b.db').pathname).toBe('a%23b.db')
  })
})
