import { type Collection, connect } from 'couchbase'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { CouchbaseBackend } from '../../src/store/backends/couchbase/backend.ts'
import { storeError } from '../../src/store/backends/couchbase/errors.ts'
import type { Backend, SessionRecord } from '../../src/store/index.ts'
import { extractLayout, KEY_PARAMETERS } from '../../src/store/layout.ts'
import { openBackend } from '../../src/store/open.ts'
import { commandMock, couchbaseMockInstalled, dumpCouchbase, startCouchbaseMock } from '../support/couchbase-mock.ts'
import type { DatabaseServer } from '../support/database-server.ts'
import { describeStore } from './contract.ts'
import { describeFaults } from './faults.ts'
import { expectNamedFields, NAMED } from './named-fields.ts'
import { recordWith } from './sql-contract.ts'

const DAY = 86_400_000
/** The fault of inserts for the command `opfail` of the mock. */
const NO_MEMORY = `code=${0x82}&operation=2`

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

  describeFaults('Couchbase', {
    start: startCouchbaseMock,
    isSilent: true,
    // The cluster itself tells its addresses.
    canMove: false,
    fill: ({ url }) => commandMock(url, `opfail?count=1000&${NO_MEMORY}`),
    free: ({ url }) => commandMock(url, `opfail?count=0&${NO_MEMORY}`),
    // The mock accepts every password.
    denied: (url) => [[url.replace(/sessions$/, 'other'), /unavailable/]],
  })

  // The mock does not reply to writes after a failover.
  test('finds its records in Couchbase after a node has failed over to another', async () => {
    const server = await startCouchbaseMock({ nodes: 2 })
    const backend = await openBackend(server.url)
    const records = Array.from({ length: 20 }, () => recordWith({}))
    for (const record of records) await backend.insert(record)
    await commandMock(server.url, 'failover?idx=0&bucket=sessions')
    const found = () => Promise.all(records.map(({ key }) => backend.find(key))).catch(() => [])
    await expect.poll(found, { timeout: 20_000 }).toEqual(records)
    await backend.close()
    await server.close()
  }, 60_000)

  describe('Couchbase documents', () => {
    let server: DatabaseServer
    let backend: Backend
    beforeAll(async () => {
      server = await startCouchbaseMock()
      backend = await openBackend(`${server.url}?${NAMED}&key_ns=sx::`)
    }, 60_000)
    afterAll(async () => {
      await backend?.close()
      await server?.close()
    }, 60_000)

    const travel = (seconds: number) => commandMock(server.url, `time_travel?Offset=${seconds}`)
    const insert = async (change: Partial<SessionRecord> = {}) => {
      const record = recordWith({ created: Date.now(), lastActive: Date.now(), idleMs: 60_000, ...change })
      await backend.insert(record)
      return record
    }

    test('have the fields for other programs, and keep those that they add', async () => {
      const { host, username, password } = new URL(server.url)
      const cluster = await connect(`couchbase://${host}`, { username, password })
      const collection = cluster.bucket('sessions').defaultCollection()
      const read = async (key: string) => (await collection.get(`sx::${key}`)).content
      await expectNamedFields(backend, read, async (key) =>
        collection.replace(`sx::${key}`, { ...(await read(key)), note: 'x' }, { expiry: 60 }),
      )
      await cluster.close()
    })

    test.for([
      [{ idleMs: 1 }, 2],
      [{ idleMs: 60_000 }, 62],
      [{ idleMs: 60 * DAY }, (60 * DAY) / 1000],
      [{ endsAt: Date.now() - 10_000 }, 1],
    ] as const)('expire shortly after a record with %j', async ([change, seconds]) => {
      const { key } = await insert(change)
      const [, expiry] = new RegExp(`^sx::${key} (\\d+) `, 'm').exec(await dumpCouchbase(server.url)) ?? []
      expect(Math.abs((Number(expiry) - Date.now()) / 1000 - seconds)).toBeLessThan(3)
    })

    test.for([{ idleMs: null }, { idleMs: Number.MAX_SAFE_INTEGER }])('do not expire with %j', async (change) => {
      const { key, lastActive } = await insert(change)
      await backend.touch('app', key, lastActive)
      await travel((10 * 365 * DAY) / 1000)
      expect(await backend.find(key)).toBeDefined()
      await travel((-10 * 365 * DAY) / 1000)
    })

    test('get a new time of expiry with every read', async () => {
      const { key, lastActive } = await insert()
      await travel(58)
      expect(await backend.touch('app', key, lastActive + 58_000)).toBeDefined()
      await travel(58)
      expect(await backend.find(key)).toBeDefined()
      await travel(5)
      expect(await backend.find(key)).toBeUndefined()
      expect(await backend.touch('app', key, lastActive + 60_000)).toBeUndefined()
      expect(await backend.update(key, 0, {}, lastActive)).toBe(false)
      expect(await backend.remove(key)).toBeUndefined()
      await travel(-121)
    })
  })
})

test('rejects a call to Couchbase with contended after too many conflicts', async () => {
  const { key, ...record } = recordWith({})
  const conflict = vi.fn(() => Promise.reject(named('CasMismatchError')))
  const content = { record: { ...record, data: '{}' } }
  const busy = { get: async () => ({ content, cas: 'cas' }), replace: conflict, remove: conflict }
  const layout = extractLayout(new URL('couchbase://host/b'), KEY_PARAMETERS)
  const backend = new CouchbaseBackend(busy as unknown as Collection, layout, async () => undefined)
  for (const attempt of [
    () => backend.touch('app', key, record.lastActive),
    () => backend.update(key, 0, {}, record.lastActive),
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

function named(name: string): Error {
  return Object.assign(new Error(name), { name })
}
