import { inspect } from 'node:util'
import {
  MongoClientClosedError,
  MongoNetworkError,
  MongoNetworkTimeoutError,
  MongoNotConnectedError,
  MongoServerError,
  MongoTopologyClosedError,
} from 'mongodb'
import { beforeEach, describe, expect, test } from 'vitest'
import { MongodbBackend } from '../../src/store/backends/mongodb/backend.ts'
import { openMongodb } from '../../src/store/backends/mongodb/mongodb.ts'
import { isPrimaryLost, storeError } from '../../src/store/backends/mongodb/port.ts'
import { StoreError } from '../../src/store/errors.ts'
import { extractLayout, type Layout } from '../../src/store/layout.ts'
import { keyOf, type SessionRecord } from '../../src/store/record.ts'
import { all } from '../support/all.ts'
import { FakeMongoServer } from '../support/fake-mongo-collection.ts'
import { valueAt } from '../support/fake-mongo-language.ts'
import { FakeMongod } from '../support/fake-mongod.ts'
import { describeStore } from './contract.ts'

// The tests use a fake server that follows the documentation of MongoDB.

const DAY = 86_400_000
const layoutOf = (query: string): Layout => extractLayout(new URL(`mongodb://host/db?${query}`))
const NAMED = layoutOf('sid_field=_id&fields.ip=ip&fields.start=began&fields.stop=ends&fields.token=handle')

async function open(server: FakeMongoServer, layout: Layout): Promise<MongodbBackend> {
  const backend = new MongodbBackend({ collection: server.collection(), layout, close: async () => undefined })
  server.on('topology', (change) => backend.onTopologyChange(change))
  await backend.prepare()
  return backend
}

for (const [kind, layout] of [
  ['mongodb', layoutOf('')],
  ['mongodb with fields for other programs', NAMED],
] as const) {
  describeStore(kind, async () => {
    const server = new FakeMongoServer()
    return {
      open: () => open(server, layout),
      dump: async () => JSON.stringify(server.documents),
      outage: { begin: async () => server.stop(), end: async () => server.start() },
      close: async () => undefined,
    }
  })
}

// The same tests through the official driver, with a server that supports some commands.
describeStore('mongodb through its driver', async () => {
  const mongod = await FakeMongod.start()
  return {
    open: () => openMongodb(new URL(`mongodb://127.0.0.1:${mongod.port}/db?serverSelectionTimeoutMS=500`), NAMED),
    dump: async () => JSON.stringify(mongod.server.documents),
    outage: { begin: () => mongod.close(), end: () => mongod.listen() },
    close: () => mongod.close(),
  }
})

describe('MongodbBackend', () => {
  const NOW = Date.UTC(2026, 0, 1)
  const key = keyOf('a token')
  const record: SessionRecord = {
    ...{ key, app: 'app', user: '$user', name: 'a phone', ip: '::1', created: NOW, lastActive: NOW },
    ...{ idleMs: 60_000, endsAt: null, reads: 0, writes: 0, revision: 0, data: { $a: 1, 'b.c': [] } },
  }
  const projection = { sid: 1, record: 1 }
  const notExpired = { $or: [{ 'record.over': null }, { 'record.over': { $gt: new Date(NOW) } }] }
  const expiry = {
    $set: {
      'record.over': {
        $add: [new Date(0), { $min: [{ $add: ['$record.lastActive', '$record.idleMs', 1] }, '$record.endsAt'] }],
      },
    },
  }
  let server: FakeMongoServer
  let backend: MongodbBackend
  beforeEach(async () => {
    server = new FakeMongoServer()
    backend = await open(server, layoutOf(''))
    server.commands.length = 0
  })

  test('creates indexes of keys, users, last activity and of the time of expiry with a day of grace', () => {
    expect(server.indexes).toEqual([
      { keys: { sid: 1 }, options: { unique: true, sparse: true } },
      { keys: { 'record.app': 1, 'record.user': 1 }, options: {} },
      { keys: { 'record.app': 1, 'record.lastActive': -1 }, options: {} },
      { keys: { 'record.over': 1 }, options: { expireAfterSeconds: 86_400 } },
    ])
  })

  test('keeps an existing index with other options, and creates none for _id', async () => {
    const adopted = new FakeMongoServer()
    await adopted.collection().createIndex({ sid: 1 }, {})
    await open(adopted, layoutOf(''))
    expect(adopted.indexes).toHaveLength(4)
    const other = new FakeMongoServer()
    await open(other, NAMED)
    expect(other.indexes.map(({ keys }) => Object.keys(keys)[0])).not.toContain('_id')
  })

  test('inserts a record as a document that MongoDB accepts, whatever its data', async () => {
    await backend.insert(record)
    const stored = {
      ...{ app: 'app', user: '$user', name: 'a phone', ip: '::1', created: NOW, lastActive: NOW, idleMs: 60_000 },
      ...{ endsAt: null, reads: 0, writes: 0, revision: 0, data: '{"$a":1,"b.c":[]}', over: new Date(NOW + 60_001) },
    }
    expect(server.commands).toEqual([['insertOne', { sid: key, record: stored }]])
  })

  test('finds a record by its key', async () => {
    await backend.find(key)
    expect(server.commands).toEqual([['findOne', { sid: key }, { projection }]])
  })

  test('counts a read with one command', async () => {
    await backend.touch('app', key, NOW)
    const active = { 'record.lastActive': { $max: ['$record.lastActive', NOW] } }
    const read = { $set: { 'record.reads': { $add: ['$record.reads', 1] }, ...active } }
    const filter = { sid: key, 'record.app': 'app', ...notExpired }
    const options = { projection, returnDocument: 'before' }
    expect(server.commands).toEqual([['findOneAndUpdate', filter, [read, expiry], options]])
  })

  test('updates a record of the expected revision with literal values only', async () => {
    await backend.update(key, 4, { user: '$record.data', endsAt: null, data: { a: '$b' } }, NOW)
    const set = {
      'record.user': { $literal: '$record.data' },
      'record.endsAt': { $literal: null },
      'record.data': { $literal: '{"a":"$b"}' },
      'record.writes': { $add: ['$record.writes', 1] },
      'record.revision': { $add: ['$record.revision', 1] },
      'record.lastActive': { $max: ['$record.lastActive', NOW] },
    }
    expect(server.commands).toEqual([['updateOne', { sid: key, 'record.revision': 4 }, [{ $set: set }, expiry]]])
  })

  test('removes one record, and all expired ones', async () => {
    await backend.remove(key)
    await backend.sweep(NOW)
    expect(server.commands).toEqual([
      ['findOneAndDelete', { sid: key }, { projection }],
      ['deleteMany', { 'record.over': { $lte: new Date(NOW) } }],
    ])
  })

  test('lists records with a limit, each list by an index', async () => {
    await all(backend.byUser('app', 'u', NOW))
    await all(backend.activeSince('app', NOW - 1000, NOW, 10))
    await backend.countUsers('app', NOW - 1000, NOW)
    const active = { 'record.app': 'app', 'record.lastActive': { $gte: NOW - 1000 }, ...notExpired }
    const sort = { 'record.lastActive': -1 }
    const loggedIn = { ...active, 'record.user': { $ne: '' } }
    const pipeline = [{ $match: loggedIn }, { $group: { _id: '$record.user' } }, { $count: 'users' }]
    expect(server.commands).toEqual([
      ['find', { 'record.app': 'app', 'record.user': 'u', ...notExpired }, { projection, sort, batchSize: 50 }],
      ['find', active, { projection, sort, batchSize: 50, limit: 10 }],
      ['aggregate', pipeline, { allowDiskUse: true }],
    ])
    // In MongoDB a limit of 0 means no limit.
    await backend.insert(record)
    expect(await all(backend.activeSince('app', 0, NOW, 0))).toEqual([])
  })

  test('stores strings that look like field references as strings', async () => {
    await backend.insert(record)
    await backend.update(key, 0, { user: '$record.data', name: '$$ROOT', data: { $set: '$x' } }, NOW)
    const changed = { user: '$record.data', name: '$$ROOT', data: { $set: '$x' }, writes: 1, revision: 1 }
    expect(await backend.find(key)).toEqual({ ...record, ...changed })
  })

  test('stores the time of expiry with a record after every operation', async () => {
    const expiryOf = () => valueAt(server.documents[0], 'record.over')
    await backend.insert(record)
    expect(expiryOf()).toEqual(new Date(NOW + 60_001))
    await backend.touch('app', key, NOW + 5000)
    expect(expiryOf()).toEqual(new Date(NOW + 65_001))
    // A gateway whose clock is behind does not set an earlier time.
    await backend.touch('app', key, NOW + 3000)
    expect(expiryOf()).toEqual(new Date(NOW + 65_001))
    await backend.update(key, 0, { endsAt: NOW + 10_000 }, NOW + 6000)
    expect(expiryOf()).toEqual(new Date(NOW + 10_000))
    await backend.update(key, 1, { endsAt: null }, NOW + 7000)
    expect(expiryOf()).toEqual(new Date(NOW + 67_001))
    for (const endless of [{ idleMs: null }, { idleMs: Number.MAX_SAFE_INTEGER }]) {
      server.documents = []
      await backend.insert({ ...record, ...endless })
      expect(expiryOf()).toBeNull()
      expect(await backend.touch('app', key, NOW + 1000)).toBeDefined()
      await backend.sweep(NOW + 1e12)
      expect(await backend.find(key)).toBeDefined()
    }
  })

  test('lets MongoDB remove expired records a day later if no gateway sweeps, and nothing else', async () => {
    await backend.insert(record)
    await backend.insert({ ...record, key: keyOf('another'), idleMs: null })
    server.expire(new Date(NOW + 60_000 + DAY))
    expect(server.documents).toHaveLength(2)
    server.expire(new Date(NOW + 60_001 + DAY))
    expect(server.documents.map(({ sid }) => sid)).toEqual([keyOf('another')])
  })

  test('keeps the fields for other programs up to date beside the record', async () => {
    const named = await open(server, NAMED)
    await named.insert(record)
    const fields = { _id: key, ip: '::1', began: '2026-01-01 00:00:00', ends: '', handle: key.slice(0, 12) }
    expect(server.documents).toMatchObject([fields])
    await named.update(key, 0, { endsAt: NOW + DAY }, NOW)
    expect(server.documents).toMatchObject([{ ...fields, ends: '2026-01-02 00:00:00' }])
  })

  test('leaves documents of other programs in the collection unchanged', async () => {
    server.documents = [
      { _id: 1, session_id: 'x' },
      { _id: 2, session_id: 'y' },
    ]
    await backend.insert(record)
    await backend.sweep(NOW + DAY)
    server.expire(new Date(NOW + 9 * DAY))
    expect(server.documents).toEqual([
      { _id: 1, session_id: 'x' },
      { _id: 2, session_id: 'y' },
    ])
  })
})

describe('storeError of MongoDB', () => {
  test.for([
    new MongoNetworkError('connection 1 to 127.0.0.1:27017 closed'),
    new MongoNetworkTimeoutError('connection 1 to 127.0.0.1:27017 timed out'),
    new MongoNotConnectedError('Client must be connected before running operations'),
    new MongoTopologyClosedError(),
    new MongoClientClosedError(),
    new MongoServerError({ message: 'not primary', code: 10_107 }),
    new MongoServerError({ message: 'The server is in quiesce mode', code: 91 }),
  ])('converts $name to unavailable', (error) => {
    expect(storeError(error)).toMatchObject({ name: 'StoreError', code: 'unavailable', cause: error })
  })

  test('converts a full disk to full, and returns other errors unchanged', () => {
    expect(storeError(new MongoServerError({ message: 'disk', code: 14_031 }))).toMatchObject({ code: 'full' })
    for (const other of [new MongoServerError({ message: 'E11000', code: 11_000 }), new TypeError('x'), 'x']) {
      expect(storeError(other)).toBe(other)
    }
  })

  test('detects the loss of the last writable server', () => {
    const servers = (...writable: boolean[]) => ({
      servers: new Map(writable.map((isWritable, i) => [`${i}`, { isWritable }])),
    })
    const change = (before: boolean[], after: boolean[]) =>
      isPrimaryLost({ previousDescription: servers(...before), newDescription: servers(...after) })
    expect(change([true, false], [true])).toBe(false)
    expect(change([true, false], [false, false])).toBe(true)
    expect(change([true], [])).toBe(true)
    expect(change([false], [true])).toBe(false)
    expect(change([false], [false])).toBe(false)
  })
})

describe('openMongodb', () => {
  const PASSWORD = 's3cr%C3%A9t'
  const url = (rest: string) => new URL(`mongodb://someone:${PASSWORD}@${rest}`)
  const rejection = async (opening: Promise<unknown>): Promise<unknown> => {
    const error = await opening.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    const text = inspect(error, { depth: 20, showHidden: true })
    for (const password of [PASSWORD, decodeURIComponent(PASSWORD)]) expect(text).not.toContain(password)
    return error
  }

  test('rejects with unavailable soon if the server does not reply', async () => {
    const started = performance.now()
    const error = await rejection(openMongodb(url('127.0.0.1:1/db?serverSelectionTimeoutMS=300'), layoutOf('')))
    expect(error).toBeInstanceOf(StoreError)
    expect(error).toMatchObject({ code: 'unavailable', message: expect.stringMatching(/ECONNREFUSED/) })
    expect(performance.now() - started).toBeLessThan(3000)
  })

  test('rejects with unavailable within seconds if the URL sets no timeout and the server does not reply', async () => {
    const started = performance.now()
    const error = await rejection(openMongodb(url('127.0.0.1:1/db'), layoutOf('')))
    expect(error).toMatchObject({ code: 'unavailable' })
    expect(performance.now() - started).toBeLessThan(8000)
  })

  test('rejects with unavailable if the server denies access', async () => {
    const mongod = await FakeMongod.start()
    const error = await rejection(openMongodb(url(`127.0.0.1:${mongod.port}/db`), layoutOf('')))
    await mongod.close()
    expect(error).toMatchObject({ code: 'unavailable', message: expect.stringMatching(/Authentication failed/) })
  })

  test('rejects calls with unavailable if the server stops replying', async () => {
    const mongod = await FakeMongod.start()
    const timeouts = 'socketTimeoutMS=300&connectTimeoutMS=300&serverSelectionTimeoutMS=300'
    const backend = await openMongodb(new URL(`mongodb://127.0.0.1:${mongod.port}/db?${timeouts}`), layoutOf(''))
    mongod.silent = true
    await expect(backend.find(keyOf('x'))).rejects.toMatchObject({ code: 'unavailable' })
    mongod.silent = false
    await expect.poll(() => backend.find(keyOf('x')), { timeout: 5000 }).toBeUndefined()
    await backend.close()
    await mongod.close()
  })

  test.for([
    ['127.0.0.1:1', /must name a database/],
    ['127.0.0.1:1/', /must name a database/],
    ['127.0.0.1:1/db?nosuchoption=1', /nosuchoption/],
    ['127.0.0.1:1/db?tls=perhaps', /tls/],
    ['127.0.0.1:1/db?authMechanism=s3cr%C3%A9t', /authMechanism/],
  ] as const)('rejects the URL …@%s', async ([rest, message]) => {
    const error = await rejection(openMongodb(url(rest), layoutOf('')))
    expect(error).toBeInstanceOf(TypeError)
    expect(error).toMatchObject({ message: expect.stringMatching(message) })
  })

  test.for(['sid_field=record', 'fields.ip=record', 'fields.ip=_id', 'fields.ip=sid', 'fields.ip=x&fields.stop=x'])(
    'rejects the layout %s, in which two fields have the same name',
    async (query) => {
      await expect(openMongodb(url('127.0.0.1:1/db'), layoutOf(query))).rejects.toThrow(/is the name of two fields/)
    },
  )

  test('names the package to install if the driver is missing', async () => {
    const missing = Object.assign(new Error("Cannot find package 'mongodb'"), { code: 'ERR_MODULE_NOT_FOUND' })
    const opening = openMongodb(url('127.0.0.1:1/db'), layoutOf(''), () => Promise.reject(missing))
    await expect(opening).rejects.toThrow(TypeError)
    await expect(opening).rejects.toThrow(/^[^\n]*npm install mongodb@7$/)
  })
})
