import { inspect } from 'node:util'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { CouchbaseBackend } from '../../src/store/backends/couchbase/backend.ts'
import { openCouchbase } from '../../src/store/backends/couchbase/couchbase.ts'
import { CouchbaseLists, openLists } from '../../src/store/backends/couchbase/lists.ts'
import { type CouchbaseSdk, storeError } from '../../src/store/backends/couchbase/port.ts'
import { extractLayout, type Layout } from '../../src/store/layout.ts'
import { keyOf, type SessionRecord } from '../../src/store/record.ts'
import { all } from '../support/all.ts'
import { couchbaseError, FakeCouchbase } from '../support/fake-couchbase.ts'
import { describeStore, type StoreHarness } from './contract.ts'

// The tests use a fake server that follows the documentation of Couchbase and its SDK.

const layoutOf = (query: string): Layout => extractLayout(new URL(`couchbase://host/b?${query}`))
const NAMED = layoutOf('key_ns=sx::&fields.ip=ip&fields.start=start&fields.stop=stop&fields.token=token')
const sdkOf = (cluster: FakeCouchbase): CouchbaseSdk => ({ connect: async () => cluster })
const open = async (cluster: FakeCouchbase, layout: Layout) =>
  await openCouchbase(new URL('couchbase://user:password@host/sessions'), layout, async () => sdkOf(cluster))

for (const [kind, layout, canList] of [
  ['couchbase', layoutOf(''), true],
  ['couchbase with fields for other programs', NAMED, true],
  ['couchbase without queries', layoutOf(''), false],
] as const) {
  const start = async (): Promise<StoreHarness> => {
    const cluster = new FakeCouchbase('sessions')
    if (!canList) cluster.queryFailure = 'ServiceNotAvailableError'
    const fail = (failure: string | undefined) => async () => {
      cluster.failure = failure
    }
    return {
      open: () => open(cluster, layout),
      dump: async () => JSON.stringify([...cluster.documents]),
      outage: { begin: fail('UnambiguousTimeoutError'), end: fail(undefined) },
      close: async () => undefined,
    }
  }
  describeStore(kind, start, { canList })
}

const NOW = Date.UTC(2026, 0, 1)
const key = keyOf('a token')
const record: SessionRecord = {
  ...{ key, app: 'app', user: 'u', name: 'a phone', ip: '::1', created: NOW, lastActive: NOW },
  ...{ idleMs: 60_000, endsAt: null, reads: 0, writes: 0, revision: 0, data: { a: [] } },
}
const stored = {
  ...{ app: 'app', user: 'u', name: 'a phone', ip: '::1', created: NOW, lastActive: NOW, idleMs: 60_000, endsAt: null },
  ...{ reads: 0, writes: 0, revision: 0, data: '{"a":[]}', key, ns: 'komgate:', over: NOW + 60_001 },
}
let cluster: FakeCouchbase
let backend: CouchbaseBackend
beforeEach(() => {
  cluster = new FakeCouchbase('sessions')
  const collection = cluster.bucket('sessions').defaultCollection()
  const close = () => cluster.close()
  backend = new CouchbaseBackend({ collection, lists: undefined, layout: layoutOf(''), close })
  cluster.commands.length = 0
})

describe('CouchbaseBackend', () => {
  const id = `komgate:${key}`

  test('inserts a record as a document that expires shortly after the record', async () => {
    await backend.insert(record)
    expect(cluster.commands).toEqual([['insert', id, { record: stored }, { expiry: 62 }]])
  })

  test('counts a read by replacing the document if it is unchanged', async () => {
    await backend.insert(record)
    const cas = cluster.documents.get(id)?.cas
    cluster.commands.length = 0
    expect(await backend.touch('app', key, NOW + 5000)).toEqual(record)
    const read = { ...stored, reads: 1, lastActive: NOW + 5000, over: NOW + 65_001 }
    expect(cluster.commands).toEqual([
      ['get', id],
      ['replace', id, { record: read }, { expiry: 62, cas }],
    ])
  })

  test('writes a record of the expected revision if the document is unchanged', async () => {
    await backend.insert(record)
    const cas = cluster.documents.get(id)?.cas
    cluster.commands.length = 0
    expect(await backend.update(key, 1, { user: 'x' }, NOW)).toBe(false)
    expect(await backend.update(key, 0, { user: 'x', data: {} }, NOW)).toBe(true)
    const changed = { ...stored, user: 'x', data: '{}', writes: 1, revision: 1 }
    expect(cluster.commands).toEqual([
      ['get', id],
      ['get', id],
      ['replace', id, { record: changed }, { expiry: 62, cas }],
    ])
  })

  test('removes a document if it is unchanged', async () => {
    await backend.insert(record)
    const cas = cluster.documents.get(id)?.cas
    cluster.commands.length = 0
    expect(await backend.remove(key)).toEqual(record)
    expect(cluster.commands).toEqual([
      ['get', id],
      ['remove', id, { cas }],
    ])
  })

  test('keeps the fields for other programs in the same document up to date', async () => {
    const named = await open(cluster, NAMED)
    await named.insert(record)
    const fields = { ip: '::1', start: '2026-01-01 00:00:00', stop: '', token: key.slice(0, 12) }
    const documentOf = () => JSON.parse(cluster.documents.get(`sx::${key}`)?.json ?? '')
    expect(documentOf()).toMatchObject({ ...fields, record: { ...stored, ns: 'sx::' } })
    // The backend keeps fields that other programs have added.
    const { collection } = { collection: cluster.bucket('sessions').defaultCollection() }
    const { content, cas } = await collection.get(`sx::${key}`)
    await collection.replace(`sx::${key}`, { ...(content as { record: typeof stored }), note: 'x' }, { expiry: 9, cas })
    await named.update(key, 0, { endsAt: NOW + 86_400_000 }, NOW)
    expect(documentOf()).toMatchObject({ ...fields, stop: '2026-01-02 00:00:00', note: 'x' })
  })
})

describe('expiry of Couchbase documents', () => {
  const expiryOf = async (change: Partial<SessionRecord>): Promise<unknown> => {
    cluster.documents.clear()
    await backend.insert({ ...record, ...change })
    return cluster.commands.at(-1)?.[3]
  }

  test('is later than that of the record; documents without an end do not expire', async () => {
    expect(await expiryOf({ idleMs: 1 })).toEqual({ expiry: 2 })
    expect(await expiryOf({ idleMs: 999 })).toEqual({ expiry: 2 })
    expect(await expiryOf({ endsAt: NOW + 10_000 })).toEqual({ expiry: 11 })
    expect(await expiryOf({ idleMs: null })).toEqual({ expiry: 0 })
    expect(await expiryOf({ idleMs: Number.MAX_SAFE_INTEGER })).toEqual({ expiry: 0 })
    // With an expiry of 0, Couchbase would never remove the document.
    expect(await expiryOf({ endsAt: NOW - 10_000 })).toEqual({ expiry: 1 })
  })

  test('is renewed with every read', async () => {
    await backend.insert(record)
    cluster.clock += 61
    await backend.touch('app', key, NOW + 59_000)
    cluster.clock += 61
    expect(await backend.find(key)).toBeDefined()
    cluster.clock += 1
    expect(await backend.find(key)).toBeUndefined()
    expect(await backend.touch('app', key, NOW + 59_000)).toBeUndefined()
    expect(await backend.update(key, 0, {}, NOW)).toBe(false)
    expect(await backend.remove(key)).toBeUndefined()
  })
})

describe('concurrent writes to one Couchbase document', () => {
  test('are all applied', async () => {
    await backend.insert(record)
    const reads = Array.from({ length: 40 }, () => backend.touch('app', key, NOW))
    expect(await backend.update(key, 0, { user: 'x' }, NOW)).toBe(true)
    await Promise.all(reads)
    expect(await backend.find(key)).toMatchObject({ reads: 40, writes: 1, user: 'x' })
    expect(cluster.commands.filter(([name]) => name === 'replace').length).toBeGreaterThan(41)
  })

  test('are rejected with contended after too many conflicts', async () => {
    await backend.insert(record)
    const collection = cluster.bucket('sessions').defaultCollection()
    const replace = vi.fn(() => Promise.reject(couchbaseError('CasMismatchError')))
    const busy = new CouchbaseBackend({
      ...{ lists: undefined, layout: layoutOf(''), close: async () => undefined },
      collection: { get: (id) => collection.get(id), insert: replace, replace, remove: replace },
    })
    for (const attempt of [
      () => busy.touch('app', key, NOW),
      () => busy.update(key, 0, {}, NOW),
      () => busy.remove(key),
    ]) {
      replace.mockClear()
      await expect(attempt()).rejects.toMatchObject({ name: 'StoreError', code: 'contended' })
      expect(replace).toHaveBeenCalledTimes(100)
    }
    expect(busy.interruptions).toBe(0)
  })
})

describe('CouchbaseLists', () => {
  const OF_APP = 's.`record`.`ns` = $ns AND s.`record`.`app` = $app'
  const NOT_EXPIRED = '(s.`record`.`over` IS NULL OR s.`record`.`over` > $now)'
  const ORDER = 'ORDER BY s.`record`.`lastActive` DESC LIMIT $limit'
  const FROM = 'FROM `sessions` AS s WHERE'
  const CREATE = [
    'CREATE INDEX `komgate_sessions_user` ON `sessions`(`record`.`ns`, `record`.`app`, `record`.`user`)',
    'CREATE INDEX `komgate_sessions_active` ON `sessions`(`record`.`ns`, `record`.`app`, `record`.`lastActive` DESC, ' +
      '`record`.`user`, `record`.`over`)',
  ]

  test('passes values as query parameters', async () => {
    const lists = await openLists(cluster, 'sessions', "o'brien`")
    cluster.commands.length = 0
    await all(lists?.byUser('a', '` OR 1=1', NOW))
    await all(lists?.activeSince('a', NOW - 1000, NOW, 10))
    await lists?.countUsers('a', NOW - 1000, NOW)
    const options = { scanConsistency: 'request_plus', readOnly: true, timeout: 5000 }
    const active = `${FROM} ${OF_APP} AND s.\`record\`.\`lastActive\` >= $since AND ${NOT_EXPIRED}`
    const given = { ns: "o'brien`", app: 'a', now: NOW }
    expect(cluster.commands).toEqual([
      [
        'query',
        `SELECT RAW s.\`record\` ${FROM} ${OF_APP} AND s.\`record\`.\`user\` = $user AND ${NOT_EXPIRED} ${ORDER}`,
        { ...options, parameters: { ...given, user: '` OR 1=1', limit: 51 } },
      ],
      [
        'query',
        `SELECT RAW s.\`record\` ${active} ${ORDER}`,
        { ...options, parameters: { ...given, since: NOW - 1000, limit: 10 } },
      ],
      [
        'query',
        `SELECT RAW COUNT(DISTINCT s.\`record\`.\`user\`) ${active} AND s.\`record\`.\`user\` != $anonymous`,
        { ...options, parameters: { ...given, since: NOW - 1000, anonymous: '' } },
      ],
    ])
  })

  test('creates missing indexes when the store is opened', async () => {
    for (let i = 0; i < 2; i++) {
      cluster.commands.length = 0
      expect(await openLists(cluster, 'sessions', 'x')).toBeDefined()
      const statements = cluster.commands.map(([, statement]) => statement)
      expect(statements).toEqual(['SELECT RAW 1', ...CREATE, expect.stringMatching(/^SELECT RAW COUNT/)])
    }
    expect([...cluster.indexes.keys()]).toEqual(['komgate_sessions_user', 'komgate_sessions_active'])
  })

  test('lists sessions if another user has created the indexes and this user may not create any', async () => {
    await openLists(cluster, 'sessions', 'x')
    const readOnly = {
      query: async (...[statement, options]: Parameters<FakeCouchbase['query']>) => {
        if (statement.startsWith('CREATE')) throw couchbaseError('AuthenticationFailureError')
        return await cluster.query(statement, options)
      },
    }
    expect(await openLists(readOnly, 'sessions', 'x')).toBeDefined()
    cluster.indexes.clear()
    expect(await openLists(readOnly, 'sessions', 'x')).toBeUndefined()
  })

  test.for(['ServiceNotAvailableError', 'FeatureNotAvailableError', 'AuthenticationFailureError'])(
    'opens the store without lists after a %s',
    async (name) => {
      cluster.queryFailure = name
      expect(await openLists(cluster, 'sessions', 'x')).toBeUndefined()
      expect((await open(cluster, layoutOf(''))).lists).toBeUndefined()
    },
  )

  test('rejects when queries time out, instead of opening the store without lists', async () => {
    cluster.queryFailure = 'UnambiguousTimeoutError'
    await expect(openLists(cluster, 'sessions', 'x')).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('rejects lists with cannot-list without indexes, and with unavailable without the query service', async () => {
    const lists = new CouchbaseLists(cluster, 'sessions', 'x')
    await expect(all(lists.byUser('a', 'u', NOW))).rejects.toMatchObject({ code: 'cannot-list' })
    cluster.queryFailure = 'ServiceNotAvailableError'
    await expect(all(lists.byUser('a', 'u', NOW))).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('lists no sessions of another gateway on the same bucket', async () => {
    const [mine, other] = [await open(cluster, layoutOf('')), await open(cluster, NAMED)]
    await mine.insert(record)
    expect(await all(mine.lists?.byUser('app', 'u', NOW))).toEqual([record])
    expect(await all(other.lists?.byUser('app', 'u', NOW))).toEqual([])
    expect(await other.lists?.countUsers('app', 0, NOW)).toBe(0)
  })
})

describe('storeError of Couchbase', () => {
  test.for(['TimeoutError', 'AmbiguousTimeoutError', 'RequestCanceledError', 'TemporaryFailureError'])(
    'converts a %s to unavailable',
    (name) => {
      const error = couchbaseError(name)
      expect(storeError(error)).toMatchObject({ name: 'StoreError', code: 'unavailable', cause: error })
    },
  )

  test('converts a full quota to full, and returns other errors unchanged', () => {
    expect(storeError(couchbaseError('QuotaLimitedError'))).toMatchObject({ code: 'full' })
    for (const other of [couchbaseError('DocumentExistsError'), new TypeError('x'), 'x']) {
      expect(storeError(other)).toBe(other)
    }
  })

  test('counts a lost connection once, however many calls failed', async () => {
    for (let i = 1; i <= 2; i++) {
      cluster.failure = 'AmbiguousTimeoutError'
      const asked = [backend.find(key), backend.insert(record), backend.touch('app', key, NOW), backend.remove(key)]
      for (const { status } of await Promise.allSettled(asked)) expect(status).toBe('rejected')
      cluster.failure = undefined
      expect(await backend.find(key)).toBeUndefined()
      expect(backend.interruptions).toBe(i)
    }
  })
})

describe('openCouchbase', () => {
  const PASSWORD = 's3cr%C3%A9t'
  const SECRET = decodeURIComponent(PASSWORD)
  const url = (rest: string) => new URL(`couchbases://some%20one:${PASSWORD}@${rest}`)
  const rejection = async (opening: Promise<unknown>): Promise<unknown> => {
    const error = await opening.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    const text = inspect(error, { depth: 20, showHidden: true })
    for (const password of [PASSWORD, SECRET]) expect(text).not.toContain(password)
    return error
  }

  test('connects with address, user and password of the URL, and reads from the bucket', async () => {
    const connect = vi.fn(async () => cluster)
    const opened = await openCouchbase(url('a,b/sessions?network=external'), layoutOf(''), async () => ({ connect }))
    expect(connect).toHaveBeenCalledExactlyOnceWith('couchbases://a,b?network=external', {
      ...{ username: 'some one', password: SECRET },
      timeouts: { kvTimeout: 2500, queryTimeout: 5000, connectTimeout: 3000, bootstrapTimeout: 5000 },
    })
    expect(cluster.commands.slice(0, 2)).toEqual([
      ['bucket', 'sessions'],
      ['get', 'komgate:nothing'],
    ])
    await opened.close()
    expect(cluster.closed).toBe(true)
  })

  test('rejects with unavailable if the cluster cannot be reached or denies access', async () => {
    const refusal = couchbaseError('AuthenticationFailureError', `no ${SECRET} and no ${PASSWORD}`)
    const connect = () => Promise.reject(refusal)
    const error = await rejection(openCouchbase(url('h/b'), layoutOf(''), async () => ({ connect })))
    expect(error).toMatchObject({ name: 'StoreError', code: 'unavailable', message: expect.stringMatching(/no … and/) })
  })

  test('rejects with unavailable if the bucket does not reply, and closes the cluster', async () => {
    cluster.failure = 'UnambiguousTimeoutError'
    const error = await rejection(openCouchbase(url('h/b'), layoutOf(''), async () => sdkOf(cluster)))
    expect(error).toMatchObject({ name: 'StoreError', code: 'unavailable' })
    expect(cluster.closed).toBe(true)
  })

  test.for([
    ['h', /must name a bucket/],
    ['h/', /must name a bucket/],
    ['h/a`b', /must name a bucket/],
    ['h/a/b', /must name a bucket/],
    ['h/%zz', /%/],
  ] as const)('rejects the URL …@%s', async ([rest, message]) => {
    const error = await rejection(openCouchbase(url(rest), layoutOf(''), async () => sdkOf(cluster)))
    expect(error).toBeInstanceOf(TypeError)
    expect(error).toMatchObject({ message: expect.stringMatching(message) })
  })

  test('rejects a URL without a user and a layout with two fields of one name', async () => {
    await expect(openCouchbase(new URL('couchbase://h/b'), layoutOf(''))).rejects.toThrow(/must name a user/)
    await expect(openCouchbase(url('h/b'), layoutOf('fields.ip=record'))).rejects.toThrow(/is the name of two fields/)
  })

  test('names the package to install if the SDK is missing', async () => {
    const missing = Object.assign(new Error("Cannot find package 'couchbase'"), { code: 'ERR_MODULE_NOT_FOUND' })
    const opening = openCouchbase(url('h/b'), layoutOf(''), () => Promise.reject(missing))
    await expect(opening).rejects.toThrow(TypeError)
    await expect(opening).rejects.toThrow(/^[^\n]*npm install couchbase@4$/)
  })
})
