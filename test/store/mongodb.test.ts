import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Document, MongoClient, MongoServerError } from 'mongodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MongodbBackend } from '../../src/store/backends/mongodb/backend.ts'
import { storeError } from '../../src/store/backends/mongodb/errors.ts'
import type { Backend, SessionRecord } from '../../src/store/index.ts'
import { openBackend } from '../../src/store/open.ts'
import { SEVERAL_PAGES } from '../../src/store/testing/index.ts'
import type { DatabaseServer } from '../support/database-server.ts'
import { ferretdbInstalled, startFerretdb, withMongodb } from '../support/ferretdb.ts'
import { startSerialProxy } from '../support/serial-proxy.ts'
import { describeStore } from './contract.ts'
import { describeFaults } from './faults.ts'
import { expectNamedFields, NAMED } from './named-fields.ts'
import { recordWith } from './sql-contract.ts'

const NOW = Date.UTC(2026, 0, 1)
/** Parameters for concurrent calls to a server that serves one at a time and takes long to accept a connection. */
const PATIENT = 'maxPoolSize=8&waitQueueTimeoutMS=20000'

describe.skipIf(!ferretdbInstalled())('MongoDB, on FerretDB', () => {
  for (const [kind, query] of [
    ['MongoDB', ''],
    ['MongoDB with fields for other programs', `sid_field=_id&${NAMED}`],
  ] as const) {
    const start = async () => {
      const server = await startFerretdb()
      const proxy = await startSerialProxy(server.port)
      return {
        open: () => openBackend(`${server.url.replace(`:${server.port}`, `:${proxy.port}`)}?${PATIENT}&${query}`),
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

  describeFaults('MongoDB', {
    // A database of 400 kB.
    start: () => startFerretdb({ maxPages: 100 }),
    erase: async ({ dir }) => {
      for (const name of await readdir(dir)) if (name.includes('.sqlite')) await rm(join(dir, name))
    },
    fill: async (_, create) => {
      const fill = async () => {
        for (let i = 0; i < 100; i++) await create()
      }
      await expect(fill()).rejects.toThrow()
    },
    denied: (url) => [[url.replace('s3cret', 'Wrong%20hunter2'), /Authentication failed/]],
  })

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
    }, 60_000)

    const inMongodb = <T>(work: (collection: ReturnType<typeof sessions>) => Promise<T>) =>
      withMongodb(server.url, (client) => work(sessions(client)))
    const documentOf = (key: string) => inMongodb((collection) => collection.findOne({ sid: key }))
    const expiryOf = async (key: string): Promise<unknown> => (await documentOf(key))?.record.over
    const insert = async (change: Partial<SessionRecord> = {}) => {
      const record = recordWith({ created: NOW, lastActive: NOW, idleMs: 60_000, ...change })
      await backend.insert(record)
      return record
    }

    test('hold the time of expiry after every operation', async () => {
      const { key } = await insert()
      const expectExpiry = async (ms: number) => expect(await expiryOf(key)).toEqual(new Date(NOW + ms))
      await expectExpiry(60_001)
      await backend.touch('app', key, NOW + 5000)
      await expectExpiry(65_001)
      // A gateway whose clock is behind does not set an earlier time.
      await backend.touch('app', key, NOW + 3000)
      await expectExpiry(65_001)
      expect(await backend.update(key, 0, { endsAt: NOW + 10_000 }, NOW + 6000)).toBe(true)
      await expectExpiry(10_000)
      expect(await backend.update(key, 1, { endsAt: null }, NOW + 7000)).toBe(true)
      await expectExpiry(67_001)
      expect(await backend.update(key, 2, { data: {} }, NOW + 8000)).toBe(true)
      await expectExpiry(68_001)
      await backend.sweep(NOW + 68_000)
      expect(await backend.find(key)).toBeDefined()
      await backend.sweep(NOW + 68_001)
      expect(await documentOf(key)).toBeNull()
    })

    test('are removed in batches of 1000 when they are expired', async () => {
      const client = new MongoClient(server.url, { monitorCommands: true })
      const many = new MongodbBackend(client, { table: 'many', sidField: 'sid', keyNs: '', fields: {} })
      const documents = Array.from({ length: 2001 }, (_, i) => ({ sid: `${i}`, record: { over: new Date(NOW) } }))
      await client.db().collection('many').insertMany(documents)
      await client
        .db()
        .collection('many')
        .insertOne({ sid: 'live', record: { over: new Date(NOW + 1) } })
      const removed: number[] = []
      client.on('commandSucceeded', ({ commandName, reply }) => {
        if (commandName === 'delete') removed.push((reply as { n: number }).n)
      })
      await many.sweep(NOW)
      expect(removed).toEqual([1000, 1000, 1])
      expect(await client.db().collection('many').countDocuments()).toBe(1)
      await many.close()
    })

    test.for([null, Number.MAX_SAFE_INTEGER])('never expire with the idle timeout %s', async (idleMs) => {
      const { key } = await insert({ idleMs })
      expect(await expiryOf(key)).toBeNull()
      expect(await backend.touch('app', key, NOW + 1000)).toBeDefined()
      await backend.sweep(NOW + 1e12)
      expect(await backend.find(key)).toMatchObject({ reads: 1 })
    })

    test('keep strings that look like operators and field references', async () => {
      const { key } = await insert({ data: { $a: 1, 'b.c': [] } })
      expect(await backend.find(key)).toMatchObject({ data: { $a: 1, 'b.c': [] } })
      const change = { user: '$record.data', name: '$$ROOT', data: { $set: '$x' } }
      await backend.update(key, 0, change, NOW)
      expect(await backend.find(key)).toMatchObject(change)
    })

    test('are read and written with the lifetime that another gateway has changed', async () => {
      const { key } = await insert()
      const other = await openBackend(server.url)
      await backend.touch('app', key, NOW)
      await other.update(key, 0, { endsAt: NOW + 10_000 }, NOW)
      expect(await backend.touch('app', key, NOW + 1000)).toMatchObject({ reads: 1, endsAt: NOW + 10_000 })
      expect(await expiryOf(key)).toEqual(new Date(NOW + 10_000))
      await other.remove(key)
      await insert({ key, idleMs: 5000 })
      expect(await backend.update(key, 0, { user: 'x' }, NOW)).toBe(false)
      expect(await backend.update(key, 0, { user: 'x' }, NOW)).toBe(true)
      expect(await backend.touch('app', key, NOW + 5001)).toBeUndefined()
      await other.close()
    })

    test('have the fields for other programs, and keep those that they add', async () => {
      const named = await openBackend(`${server.url}?${NAMED}`)
      const add = (key: string) =>
        inMongodb((collection) => collection.updateOne({ sid: key }, { $set: { note: 'x' } }))
      await expectNamedFields(named, documentOf, add)
      await named.close()
    })

    test('of other programs stay as they are', async () => {
      const foreign = [1, 2].map((_id) => ({ _id, session_id: 'x' }) as Document)
      await inMongodb((collection) => collection.insertMany(foreign))
      await (await openBackend(server.url)).close()
      await backend.sweep(NOW + 1e12)
      expect(await inMongodb((collection) => collection.find({ session_id: 'x' }).toArray())).toEqual(foreign)
    })

    test('need indexes, which are created again after an interruption; an existing one is kept', async () => {
      const namesOf = async () =>
        new Set((await inMongodb((collection) => collection.indexes())).map(({ name }) => name))
      const names = ['_id_', 'record.app_1_record.lastActive_-1', 'record.app_1_record.user_1', 'record.over_1']
      expect(await namesOf()).toEqual(new Set([...names, 'sid_1']))
      await inMongodb((collection) => collection.dropIndex('sid_1'))
      await inMongodb((collection) => collection.createIndex({ sid: 1 }, { name: 'theirs' }))
      await (await openBackend(server.url)).close()
      expect(await namesOf()).toEqual(new Set([...names, 'theirs']))
      await server.stop()
      await server.start()
      await inMongodb((collection) => collection.drop())
      await expect.poll(() => backend.sweep(NOW).then(namesOf)).toEqual(new Set([...names, 'sid_1']))
    })
  })
})

const server = (code: number) => new MongoServerError({ message: 'm', code, codeName: 'Name' })
test.for([
  [server(10_107), 'unavailable', 'Name'],
  [server(91), 'unavailable', 'Name'],
  [server(14_031), 'full', 'Name'],
  // The driver does not convert all errors of its sockets.
  [Object.assign(new Error('ended by the other party'), { code: 'EPIPE' }), 'unavailable', 'connection'],
] as const)('converts the error %s of MongoDB to %s', ([error, code, kind]) => {
  expect(storeError(error)).toMatchObject({ name: 'StoreError', code, kind, cause: error })
})

test('returns other errors of MongoDB unchanged', () => {
  for (const other of [server(11_000), new TypeError('x'), 'x']) expect(storeError(other)).toBe(other)
})

function sessions(client: MongoClient) {
  return client.db().collection<Document>('komgate_sessions')
}
