import { randomUUID } from 'node:crypto'
import { inspect } from 'node:util'
import { type Collection, connect } from 'couchbase'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Backend } from '../../src/store/backend.ts'
import { CouchbaseBackend } from '../../src/store/backends/couchbase/backend.ts'
import { storeError } from '../../src/store/backends/couchbase/errors.ts'
import { extractLayout } from '../../src/store/layout.ts'
import { openBackend } from '../../src/store/open.ts'
import { keyOf, type SessionRecord } from '../../src/store/record.ts'
import { SessionStore } from '../../src/store/store.ts'
import { commandMock, couchbaseMockInstalled, dumpCouchbase, startCouchbaseMock } from '../support/couchbase-mock.ts'
import type { DatabaseServer } from '../support/database-server.ts'
import { describeStore } from './contract.ts'

const UNAVAILABLE = { name: 'StoreError', code: 'unavailable' }
const NAMED = 'key_ns=sx::&fields.ip=ip&fields.start=start&fields.stop=stop&fields.token=token'
/** The operation and the status for the command `opfail` of the mock. */
const [INSERT, NO_MEMORY] = [2, 0x82]

const recordWith = (change: Partial<SessionRecord> = {}): SessionRecord => {
  const now = Date.now()
  return {
    ...{ key: keyOf(randomUUID()), app: 'app', user: 'u', name: 'a phone', ip: '::1', created: now, lastActive: now },
    ...{ idleMs: 60_000, endsAt: null, reads: 0, writes: 0, revision: 0, data: { a: [] } },
    ...change,
  }
}

describe.skipIf(!couchbaseMockInstalled())('Couchbase, on CouchbaseMock', () => {
  for (const [kind, query] of [
    ['Couchbase', ''],
    ['Couchbase with fields for other programs', NAMED],
  ] as const) {
    const start = async () => {
      const server = await startCouchbaseMock()
      return {
        // Compressed documents would not be readable in the dump.
        open: () => openBackend(`${server.url}?enable_compression=false&${query}`),
        dump: () => dumpCouchbase(server.url),
        outage: { begin: server.stop, end: server.start },
        close: server.close,
      }
    }
    describeStore(kind, start, { canList: false })
  }

  describe('Couchbase documents', () => {
    let server: DatabaseServer
    let backend: Backend
    beforeAll(async () => {
      server = await startCouchbaseMock()
      backend = await openBackend(`${server.url}?${NAMED}`)
    }, 60_000)
    afterAll(async () => {
      await backend?.close()
      await server?.close()
    })

    /** Runs `work` with a connection of its own, like another program. */
    const inCouchbase = async <T>(work: (collection: Collection) => Promise<T>): Promise<T> => {
      const { host, username, password, pathname } = new URL(server.url)
      const cluster = await connect(`couchbase://${host}`, { username, password })
      try {
        return await work(cluster.bucket(pathname.slice(1)).defaultCollection())
      } finally {
        await cluster.close()
      }
    }
    const secondsLeft = async (key: string): Promise<number> => {
      const [, expiry] = new RegExp(`^sx::${key} (\\d+) `, 'm').exec(await dumpCouchbase(server.url)) ?? []
      return (Number(expiry) - Date.now()) / 1000
    }

    test('hold the fields for other programs, and keep those that other programs added', async () => {
      const record = recordWith()
      await backend.insert(record)
      const startText = new Date(record.created).toISOString().slice(0, 19).replace('T', ' ')
      const fields = { ip: '::1', start: startText, stop: '', token: record.key.slice(0, 12) }
      const id = `sx::${record.key}`
      expect(await inCouchbase(async (collection) => (await collection.get(id)).content)).toMatchObject(fields)
      await inCouchbase(async (collection) => {
        await collection.replace(id, { ...(await collection.get(id)).content, note: 'x' }, { expiry: 60 })
      })
      await backend.update(record.key, 0, { endsAt: Date.UTC(2037, 0, 1) }, record.lastActive)
      const after = await inCouchbase(async (collection) => (await collection.get(id)).content)
      expect(after).toMatchObject({ ...fields, stop: '2037-01-01 00:00:00', note: 'x' })
    })

    test.for([
      [{ idleMs: 1 }, 2],
      [{ idleMs: 60_000 }, 62],
      [{ idleMs: 60 * 86_400_000 }, 60 * 86_400],
      [{ endsAt: Date.now() - 10_000 }, 1],
    ] as const)('expire shortly after a record with %j', async ([change, seconds]) => {
      const { key } = recordWith()
      await backend.insert(recordWith({ key, ...change }))
      expect(Math.abs((await secondsLeft(key)) - seconds)).toBeLessThan(3)
    })

    test.for([{ idleMs: null }, { idleMs: Number.MAX_SAFE_INTEGER }])('do not expire with %j', async (change) => {
      const record = recordWith(change)
      await backend.insert(record)
      await backend.touch('app', record.key, record.lastActive)
      await commandMock(server.url, `time_travel?Offset=${10 * 365 * 86_400}`)
      expect(await backend.find(record.key)).toBeDefined()
      await commandMock(server.url, `time_travel?Offset=${-10 * 365 * 86_400}`)
    })

    test('get a new time of expiry with every read', async () => {
      const record = recordWith()
      await backend.insert(record)
      await commandMock(server.url, 'time_travel?Offset=58')
      expect(await backend.touch('app', record.key, record.lastActive + 58_000)).toBeDefined()
      await commandMock(server.url, 'time_travel?Offset=58')
      expect(await backend.find(record.key)).toBeDefined()
      await commandMock(server.url, 'time_travel?Offset=5')
      expect(await backend.find(record.key)).toBeUndefined()
      expect(await backend.touch('app', record.key, record.lastActive + 60_000)).toBeUndefined()
      expect(await backend.update(record.key, 0, {}, record.lastActive)).toBe(false)
      expect(await backend.remove(record.key)).toBeUndefined()
      await commandMock(server.url, 'time_travel?Offset=-121')
    })

    test('keep all of 40 concurrent reads and a write', async () => {
      const record = recordWith()
      await backend.insert(record)
      const reads = Array.from({ length: 40 }, () => backend.touch('app', record.key, record.lastActive))
      expect(await backend.update(record.key, 0, { user: 'x' }, record.lastActive)).toBe(true)
      await Promise.all(reads)
      expect(await backend.find(record.key)).toMatchObject({ reads: 40, writes: 1, user: 'x' })
    })
  })

  describe('faults of Couchbase', () => {
    let server: DatabaseServer
    let store: SessionStore
    const open = async (nodes: number) => {
      server = await startCouchbaseMock({ nodes })
      store = await SessionStore.open(server.url)
    }
    afterEach(async () => {
      server.resume()
      await store.close()
      await server.close()
    }, 60_000)
    const create = () => store.create({ key: keyOf(randomUUID()), app: 'a', user: 'u' })
    const untilItWorks = () => expect.poll(() => create().catch(() => undefined), { timeout: 10_000 }).toBeDefined()

    test('rejects calls within seconds while the server does not reply, and accepts them when it does', async () => {
      await open(1)
      const { key } = await create()
      server.pause()
      // The process may still reply to one call.
      await store.find('a', key).catch(() => undefined)
      const started = performance.now()
      await expect(store.find('a', key)).rejects.toMatchObject(UNAVAILABLE)
      await expect(create()).rejects.toMatchObject(UNAVAILABLE)
      expect(performance.now() - started).toBeLessThan(10_000)
      server.resume()
      await untilItWorks()
      expect(await store.find('a', key)).toBeDefined()
    }, 60_000)

    test('writes the record of a live session again after the server was restarted empty', async () => {
      await open(1)
      const { key } = await create()
      await server.stop()
      await expect(create()).rejects.toMatchObject(UNAVAILABLE)
      await server.start()
      await untilItWorks()
      expect(store.interruptions).toBe(1)
      expect(await store.find('a', key)).toBeUndefined()
      expect(await store.restore({ key, app: 'a', user: 'u' }, true)).toBe(true)
      expect(await store.find('a', key)).toBeDefined()
    }, 60_000)

    // The mock does not reply to writes after a failover.
    test('finds its records after a node has failed over to another', async () => {
      await open(2)
      const records = await Promise.all(Array.from({ length: 20 }, create))
      await commandMock(server.url, 'failover?idx=0&bucket=sessions')
      const found = () => Promise.all(records.map(({ key }) => store.find('a', key))).catch(() => [])
      await expect.poll(found, { timeout: 20_000 }).toEqual(records)
    }, 60_000)

    test('rejects new sessions with full when there is no room, and keeps the others', async () => {
      await open(1)
      const { key } = await create()
      await commandMock(server.url, `opfail?count=1000&code=${NO_MEMORY}&operation=${INSERT}`)
      await expect(create()).rejects.toMatchObject({ name: 'StoreError', code: 'full' })
      expect(await store.touch('a', key)).toBeDefined()
      expect(await store.end('a', key)).toBeDefined()
      expect(store.interruptions).toBe(0)
    }, 60_000)

    test('aborts startup within seconds, without the password, if the cluster or the bucket does not reply', async () => {
      await open(1)
      const wrong = server.url.replace(/sessions$/, 'other')
      for (const url of [server.url.replace(/:\d+\//, ':1/'), wrong]) {
        const started = performance.now()
        const error = await rejection(openBackend(url))
        expect(performance.now() - started).toBeLessThan(8000)
        expect(error).toMatchObject(UNAVAILABLE)
        expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('s3cret')
      }
    }, 60_000)
  })
})

test('rejects a call to Couchbase with contended after too many conflicts', async () => {
  const { key, lastActive } = recordWith()
  const conflict = vi.fn(() => Promise.reject(named('CasMismatchError')))
  const { key: _, ...record } = recordWith()
  const content = { record: { ...record, data: '{}' } }
  const busy = { get: async () => ({ content, cas: 'cas' }), replace: conflict, remove: conflict }
  const layout = extractLayout(new URL('couchbase://host/b'))
  const backend = new CouchbaseBackend(busy as unknown as Collection, layout, async () => undefined)
  for (const attempt of [
    () => backend.touch('app', key, lastActive),
    () => backend.update(key, 0, {}, lastActive),
    () => backend.remove(key),
  ]) {
    conflict.mockClear()
    await expect(attempt()).rejects.toMatchObject({ name: 'StoreError', code: 'contended' })
    expect(conflict).toHaveBeenCalledTimes(100)
  }
  expect(backend.interruptions).toBe(0)
})

test.for([
  ['AuthenticationFailureError', 'unavailable'],
  ['TemporaryFailureError', 'unavailable'],
  ['QuotaLimitedError', 'full'],
] as const)('converts a %s of Couchbase to %s', ([name, code]) => {
  const error = named(name)
  expect(storeError(error)).toMatchObject({ name: 'StoreError', code, kind: name, cause: error })
})

test('returns other errors of Couchbase unchanged', () => {
  for (const other of [named('DocumentExistsError'), new TypeError('x'), 'x']) expect(storeError(other)).toBe(other)
})

test.for([
  ['u:s3cr%C3%A9t@h', /must name a bucket/],
  ['u:s3cr%C3%A9t@h/', /must name a bucket/],
  ['u:s3cr%C3%A9t@h/a`b', /must name a bucket/],
  ['u:s3cr%C3%A9t@h/a/b', /must name a bucket/],
  ['u:s3cr%C3%A9t@h/%zz', /%/],
  ['h/b', /must name a user/],
  ['u:s3cr%C3%A9t@h/b?fields.ip=record', /"record" is the name of two fields/],
] as const)('rejects the Couchbase URL %s without its password', async ([rest, message]) => {
  const error = await rejection(openBackend(`couchbases://${rest}`))
  expect(error).toBeInstanceOf(TypeError)
  expect(error).toMatchObject({ message: expect.stringMatching(message) })
  expect(inspect(error, { depth: 20, showHidden: true })).not.toMatch(/s3cr%C3%A9t|s3crét/)
})

function named(name: string): Error {
  return Object.assign(new Error(name), { name })
}

async function rejection(opening: Promise<unknown>): Promise<unknown> {
  return await opening.then(
    () => undefined,
    (reason: unknown) => reason,
  )
}
