import { randomUUID } from 'node:crypto'
import { inspect } from 'node:util'
import { type Document, type MongoClient, MongoServerError } from 'mongodb'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Backend } from '../../src/store/backend.ts'
import { storeError } from '../../src/store/backends/mongodb/errors.ts'
import { StoreError } from '../../src/store/errors.ts'
import { openBackend } from '../../src/store/open.ts'
import { keyOf, type SessionRecord } from '../../src/store/record.ts'
import { SessionStore } from '../../src/store/store.ts'
import { SEVERAL_PAGES } from '../../src/store/testing/index.ts'
import type { DatabaseServer } from '../support/database-server.ts'
import { ferretdbInstalled, startFerretdb, withMongodb } from '../support/ferretdb.ts'
import { startProxy, type TcpProxy } from '../support/proxy.ts'
import { startSerialProxy } from '../support/serial-proxy.ts'
import { describeStore } from './contract.ts'

const DAY = 86_400_000
const NOW = Date.UTC(2026, 0, 1)
const UNAVAILABLE = { name: 'StoreError', code: 'unavailable' }
/** Parameters for concurrent calls to a server that serves one at a time and takes long to accept a connection. */
const PATIENT = 'maxPoolSize=8&waitQueueTimeoutMS=20000'
const NAMED = 'sid_field=_id&fields.ip=ip&fields.start=began&fields.stop=ends&fields.token=handle'

const recordWith = (change: Partial<SessionRecord> = {}): SessionRecord => ({
  ...{ key: keyOf(randomUUID()), app: 'app', user: 'u', name: 'a phone', ip: '::1', created: NOW, lastActive: NOW },
  ...{ idleMs: 60_000, endsAt: null, reads: 0, writes: 0, revision: 0, data: { $a: 1, 'b.c': [] } },
  ...change,
})

describe.skipIf(!ferretdbInstalled())('MongoDB, on FerretDB', () => {
  for (const [kind, query] of [
    ['MongoDB', ''],
    ['MongoDB with fields for other programs', NAMED],
  ] as const) {
    const start = async () => {
      const server = await startFerretdb()
      const proxy = await startSerialProxy(server.port)
      return {
        open: () => openBackend(`${withPort(server.url, proxy.port)}?${PATIENT}&${query}`),
        dump: () => withMongodb(server.url, async (client) => JSON.stringify(await sessions(client).find().toArray())),
        outage: { begin: server.stop, end: server.start },
        close: async () => {
          await proxy.close()
          await server.close()
        },
      }
    }
    // FerretDB reads every document to find one.
    describeStore(kind, start, { many: SEVERAL_PAGES })
  }

  describe('MongoDB documents', () => {
    let server: DatabaseServer
    let backend: Backend
    beforeAll(async () => {
      server = await startFerretdb()
      backend = await openBackend(server.url)
    }, 60_000)
    afterAll(async () => {
      await backend?.close()
      await server?.close()
    })

    const inMongodb = <T>(work: (collection: ReturnType<typeof sessions>) => Promise<T>) =>
      withMongodb(server.url, (client) => work(sessions(client)))
    const documentOf = (key: string) => inMongodb((collection) => collection.findOne({ sid: key }))
    const expiryOf = async (key: string): Promise<unknown> => (await documentOf(key))?.record.over

    test('hold the time of expiry after every operation', async () => {
      const { key } = recordWith()
      await backend.insert(recordWith({ key }))
      expect(await expiryOf(key)).toEqual(new Date(NOW + 60_001))
      await backend.touch('app', key, NOW + 5000)
      expect(await expiryOf(key)).toEqual(new Date(NOW + 65_001))
      // A gateway whose clock is behind does not set an earlier time.
      await backend.touch('app', key, NOW + 3000)
      expect(await expiryOf(key)).toEqual(new Date(NOW + 65_001))
      expect(await backend.update(key, 0, { endsAt: NOW + 10_000 }, NOW + 6000)).toBe(true)
      expect(await expiryOf(key)).toEqual(new Date(NOW + 10_000))
      expect(await backend.update(key, 1, { endsAt: null }, NOW + 7000)).toBe(true)
      expect(await expiryOf(key)).toEqual(new Date(NOW + 67_001))
      expect(await backend.update(key, 2, { data: {} }, NOW + 8000)).toBe(true)
      expect(await expiryOf(key)).toEqual(new Date(NOW + 68_001))
      await backend.sweep(NOW + 68_000)
      expect(await backend.find(key)).toBeDefined()
      await backend.sweep(NOW + 68_001)
      expect(await documentOf(key)).toBeNull()
    })

    test.for([null, Number.MAX_SAFE_INTEGER])('never expire with the idle timeout %s', async (idleMs) => {
      const { key } = recordWith()
      await backend.insert(recordWith({ key, idleMs }))
      expect(await expiryOf(key)).toBeNull()
      expect(await backend.touch('app', key, NOW + 1000)).toBeDefined()
      await backend.sweep(NOW + 1e12)
      expect(await backend.find(key)).toMatchObject({ reads: 1 })
    })

    test('keep strings that look like operators and field references', async () => {
      const record = recordWith()
      await backend.insert(record)
      await backend.update(record.key, 0, { user: '$record.data', name: '$$ROOT', data: { $set: '$x' } }, NOW)
      const changed = { user: '$record.data', name: '$$ROOT', data: { $set: '$x' }, writes: 1, revision: 1 }
      expect(await backend.find(record.key)).toEqual({ ...record, ...changed })
    })

    test('are read and written with the lifetime that another gateway has changed', async () => {
      const { key } = recordWith()
      const other = await openBackend(server.url)
      await backend.insert(recordWith({ key }))
      await backend.touch('app', key, NOW)
      await other.update(key, 0, { endsAt: NOW + 10_000 }, NOW)
      expect(await backend.touch('app', key, NOW + 1000)).toMatchObject({ reads: 1, endsAt: NOW + 10_000 })
      expect(await expiryOf(key)).toEqual(new Date(NOW + 10_000))
      await other.remove(key)
      await other.insert(recordWith({ key, idleMs: 5000 }))
      expect(await backend.update(key, 0, { user: 'x' }, NOW)).toBe(false)
      expect(await backend.update(key, 0, { user: 'x' }, NOW)).toBe(true)
      expect(await backend.touch('app', key, NOW + 5001)).toBeUndefined()
      await other.close()
    })

    test('have the fields for other programs beside the record', async () => {
      const named = await openBackend(`${server.url}?table=named&${NAMED}`)
      const { key } = recordWith()
      const fields = { _id: key, ip: '::1', began: '2026-01-01 00:00:00', ends: '', handle: key.slice(0, 12) }
      const read = () => withMongodb(server.url, (client) => client.db().collection<Document>('named').findOne({}))
      await named.insert(recordWith({ key }))
      expect(await read()).toMatchObject(fields)
      await named.update(key, 0, { endsAt: NOW + DAY }, NOW)
      expect(await read()).toMatchObject({ ...fields, ends: '2026-01-02 00:00:00' })
      await named.close()
    })

    test('of other programs stay as they are', async () => {
      const foreign = [
        { _id: 1, session_id: 'x' },
        { _id: 2, session_id: 'y' },
      ]
      await inMongodb((collection) => collection.insertMany(foreign as Document[]))
      await (await openBackend(server.url)).close()
      await backend.sweep(NOW + 9 * DAY)
      expect(await inMongodb((collection) => collection.find({ session_id: { $exists: true } }).toArray())).toEqual(
        foreign,
      )
    })

    test('need an index by key, by user, by activity and by expiry; an existing one is kept', async () => {
      const namesOf = async () => (await inMongodb((collection) => collection.indexes())).map(({ name }) => name).sort()
      const names = ['_id_', 'record.app_1_record.lastActive_-1', 'record.app_1_record.user_1', 'record.over_1']
      expect(await namesOf()).toEqual([...names, 'sid_1'])
      await inMongodb((collection) => collection.dropIndex('sid_1'))
      await inMongodb((collection) => collection.createIndex({ sid: 1 }, { name: 'theirs' }))
      await (await openBackend(server.url)).close()
      expect(await namesOf()).toEqual([...names, 'theirs'])
    })
  })

  describe('faults of MongoDB', () => {
    let first: DatabaseServer
    let address: { host: string; port: number }
    let proxy: TcpProxy
    let isHung = false
    let store: SessionStore
    let password: string
    const opened: { close(): Promise<void> }[] = []
    const use = <T extends { close(): Promise<void> }>(each: T): T => {
      opened.unshift(each)
      return each
    }
    const open = async (server: DatabaseServer) => {
      first = use(server)
      address = { host: '127.0.0.1', port: first.port }
      isHung = false
      proxy = use(await startProxy(address, (line) => isHung && line.stall()))
      password = new URL(first.url).password
      store = use(await SessionStore.open(withPort(first.url, proxy.port)))
    }
    afterEach(async () => {
      for (const each of opened.splice(0)) await each.close()
    }, 60_000)
    const create = () => store.create({ key: keyOf(randomUUID()), app: 'a', user: 'u' })
    const untilItWorks = () => expect.poll(() => create().catch(() => undefined), { timeout: 10_000 }).toBeDefined()

    test('rejects calls within seconds while the server does not reply, and accepts them when it does', async () => {
      await open(await startFerretdb())
      const { key } = await create()
      isHung = true
      for (const line of proxy.lines) line.stall()
      const started = performance.now()
      await expect(store.find('a', key)).rejects.toMatchObject(UNAVAILABLE)
      await expect(create()).rejects.toMatchObject(UNAVAILABLE)
      expect(performance.now() - started).toBeLessThan(15_000)
      isHung = false
      for (const line of proxy.lines) line.resume()
      await untilItWorks()
      expect(await store.find('a', key)).toBeDefined()
    }, 60_000)

    test('counts an interruption when the server was restarted empty between two calls', async () => {
      await open(await startFerretdb())
      const { key } = await create()
      const { interruptions } = store
      await first.stop()
      address.port = use(await startFerretdb()).port
      await untilItWorks()
      expect(store.interruptions).toBeGreaterThan(interruptions)
      expect(await store.find('a', key)).toBeUndefined()
      expect(await store.restore({ key, app: 'a', user: 'u' }, true)).toBe(true)
      expect(await store.find('a', key)).toBeDefined()
    }, 60_000)

    test('goes to another server behind its address, and ends the outage', async () => {
      await open(await startFerretdb())
      const recovered: number[] = []
      store.on('recovered', () => recovered.push(1))
      await create()
      const second = use(await startFerretdb())
      await first.stop()
      await expect(create()).rejects.toMatchObject(UNAVAILABLE)
      expect(store.unavailable).toBeDefined()
      address.port = second.port
      await expect.poll(() => store.unavailable, { timeout: 10_000 }).toBeUndefined()
      expect(recovered).toHaveLength(1)
      expect(await create()).toBeDefined()
    }, 60_000)

    test('rejects new sessions with full when there is no room, and keeps the others', async () => {
      await open(await startFerretdb({ maxPages: 100 }))
      const { key } = await create()
      const fill = async () => {
        for (let i = 0; i < 100; i++) {
          await store.create({ key: keyOf(randomUUID()), app: 'a', user: 'u', data: { x: 'x'.repeat(20_000) } })
        }
      }
      await expect(fill()).rejects.toMatchObject({ name: 'StoreError', code: 'full' })
      expect(await store.find('a', key)).toBeDefined()
      expect(await store.endUser('a', 'u')).toBeGreaterThan(1)
      await untilItWorks()
    }, 60_000)

    test('aborts startup soon, without the password, if the server is down or hung or denies access', async () => {
      await open(await startFerretdb())
      isHung = true
      const wrong = first.url.replace(password, 'Wrong%20hunter2')
      const urls = [withPort(first.url, proxy.port), withPort(first.url, 1), wrong]
      for (const url of urls) {
        const started = performance.now()
        const error = await rejection(openBackend(url))
        expect(performance.now() - started).toBeLessThan(8000)
        expect(error).toBeInstanceOf(StoreError)
        expect(error).toMatchObject({ code: 'unavailable' })
        expect(inspect(error, { depth: 20, showHidden: true })).not.toMatch(/s3cret|hunter2/)
      }
      await expect(openBackend(wrong)).rejects.toThrow(/Authentication failed/)
      isHung = false
      for (const line of proxy.lines) line.resume()
    }, 60_000)
  })
})

test.for([
  [10_107, 'unavailable'],
  [91, 'unavailable'],
  [14_031, 'full'],
] as const)('converts the error %i of a MongoDB server to %s', ([code, expected]) => {
  const error = new MongoServerError({ message: 'm', code, codeName: 'Name' })
  expect(storeError(error)).toMatchObject({ name: 'StoreError', code: expected, kind: 'Name', cause: error })
})

test('converts an error of a socket that the driver does not convert to unavailable', () => {
  const error = Object.assign(new Error('This socket has been ended by the other party'), { code: 'EPIPE' })
  expect(storeError(error)).toMatchObject({ ...UNAVAILABLE, cause: error })
})

test('returns other errors of MongoDB unchanged', () => {
  for (const other of [new MongoServerError({ message: 'E11000', code: 11_000 }), new TypeError('x'), 'x']) {
    expect(storeError(other)).toBe(other)
  }
})

test.for([
  ['127.0.0.1:1', /must name a database/],
  ['127.0.0.1:1/', /must name a database/],
  ['127.0.0.1:1/db?nosuchoption=1', /nosuchoption/],
  ['127.0.0.1:1/db?tls=perhaps', /tls/],
  ['127.0.0.1:1/db?authMechanism=s3cr%C3%A9t', /authMechanism/],
  ['127.0.0.1:1/db?sid_field=record', /"record" is the name of two fields/],
  ['127.0.0.1:1/db?fields.ip=_id', /"_id" is the name of two fields/],
  ['127.0.0.1:1/db?fields.ip=sid', /"sid" is the name of two fields/],
] as const)('rejects the MongoDB URL …@%s without its password', async ([rest, message]) => {
  const error = await rejection(openBackend(`mongodb://someone:s3cr%C3%A9t@${rest}`))
  expect(error).toBeInstanceOf(TypeError)
  expect(error).toMatchObject({ message: expect.stringMatching(message) })
  expect(inspect(error, { depth: 20, showHidden: true })).not.toMatch(/s3cr%C3%A9t|s3crét/)
})

function sessions(client: MongoClient) {
  return client.db().collection<Document>('komgate_sessions')
}

function withPort(text: string, port: number): string {
  const url = new URL(text)
  url.port = `${port}`
  return url.href
}

async function rejection(opening: Promise<unknown>): Promise<unknown> {
  return await opening.then(
    () => undefined,
    (reason: unknown) => reason,
  )
}
