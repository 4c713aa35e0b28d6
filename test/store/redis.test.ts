import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Backend, Lists } from '../../src/store/backend.ts'
import { openBackend } from '../../src/store/open.ts'
import { keyOf, type SessionRecord } from '../../src/store/record.ts'
import { all } from '../support/all.ts'
import type { DatabaseServer } from '../support/database-server.ts'
import { type RedisClient, redisInstalled, startRedis, withRedis } from '../support/redis-server.ts'
import { describeStore } from './contract.ts'

/** A time that differs from every clock of this machine. */
const NOW = Date.UTC(2031, 4, 6, 7, 8, 9)
const DAY_MS = 86_400_000

describe.skipIf(!redisInstalled())('Redis', () => {
  describeStore('Redis', async () => {
    const server = await startRedis()
    return {
      open: () => openBackend(server.url),
      dump: () => withRedis(server.url, async (client) => JSON.stringify(await everything(client))),
      outage: { begin: server.stop, end: server.start },
      close: server.close,
    }
  })

  describe('keys in Redis', () => {
    let server: DatabaseServer
    let client: RedisClient
    let closeClient: () => void
    const opened: Backend[] = []
    beforeAll(async () => {
      server = await startRedis()
      await new Promise<void>((ready) => {
        const whileOpen = new Promise<void>((close) => {
          closeClient = close
        })
        void withRedis(server.url, async (connected) => {
          client = connected
          ready()
          await whileOpen
        })
      })
    }, 60_000)
    afterAll(async () => {
      closeClient?.()
      await server?.close()
    })
    beforeEach(() => client.flushAll())
    afterEach(async () => {
      for (const backend of opened.splice(0)) await backend.close()
    })

    const open = async (query = ''): Promise<Backend & { lists: Lists }> => {
      const backend = await openBackend(server.url + query)
      opened.push(backend)
      if (backend.lists === undefined) throw new Error('it should list')
      return backend as Backend & { lists: Lists }
    }
    const ttl = (name: string) => client.pTTL(name)

    test('stores a record as a hash under the prefix, with the fields for other programs', async () => {
      await client.set('theirs', 'as it was')
      const names = 'fields.ip=adress&fields.start=startDate&fields.stop=stopDate&fields.token=token'
      const backend = await open(`?key_ns=web::&${names}`)
      const record = recordWith({ ip: '2001:db8::1', endsAt: NOW + DAY_MS })
      await backend.insert(record)
      const named = async () => {
        const { adress, startDate, stopDate, token } = await client.hGetAll(`web::${record.key}`)
        return [adress, startDate, stopDate, token]
      }
      const handle = record.key.slice(0, 12)
      expect(await named()).toEqual(['2001:db8::1', '2031-05-06 07:08:09', '2031-05-07 07:08:09', handle])
      await backend.touch('app', record.key, NOW)
      await backend.update(record.key, 0, { endsAt: NOW + 1000 }, NOW)
      expect(await named()).toEqual(['2001:db8::1', '2031-05-06 07:08:09', '2031-05-06 07:08:10', handle])
      await backend.update(record.key, 1, { endsAt: null, user: 'v', data: { a: [] } }, NOW)
      expect(await named()).toEqual(['2001:db8::1', '2031-05-06 07:08:09', '', handle])
      expect(await backend.find(record.key)).toMatchObject({ user: 'v', endsAt: null, data: { a: [] }, revision: 2 })

      const keys = await client.keys('*')
      expect(keys.filter((key) => !key.startsWith('web::'))).toEqual(['theirs'])
      await backend.remove(record.key)
      expect(await everything(client)).toEqual({ theirs: 'as it was' })
    })

    test('separates stores by prefix, an empty one included', async () => {
      const [one, other, bare] = [await open('?key_ns=one:'), await open('?key_ns=other:'), await open('?key_ns=')]
      const record = recordWith({})
      await one.insert(record)
      expect(await other.find(record.key)).toBeUndefined()
      expect(await all(other.lists.byUser('app', 'u', NOW))).toEqual([])
      await bare.insert({ ...record, user: 'v' })
      expect(await one.find(record.key)).toEqual(record)
      expect(await all(bare.lists.activeSince('app', 0, NOW, 10))).toEqual([{ ...record, user: 'v' }])
    })

    test('separates all pairs of app and user, whatever characters they contain', async () => {
      const backend = await open()
      const parts = [
        '',
        'a',
        'a:b',
        'b',
        '"',
        '","',
        '\\',
        '\n',
        ' ',
        'user:"a"',
        'å',
        'a\u030a',
        '\ud800',
        '\ud801',
        '\ufffd',
      ]
      const records = parts.flatMap((app) => parts.map((user) => recordWith({ app, user })))
      await Promise.all(records.map((record) => backend.insert(record)))
      for (const record of records) {
        expect(await all(backend.lists.byUser(record.app, record.user, NOW))).toEqual([record])
        expect(await backend.touch(record.app, record.key, NOW)).toEqual(record)
      }
      for (const app of parts) {
        expect(await backend.lists.countUsers(app, NOW, NOW)).toBe(parts.length - 1)
        expect(await all(backend.lists.activeSince(app, NOW, NOW, 1000))).toHaveLength(parts.length)
      }
      for (const { key } of records) await backend.remove(key)
      expect(await everything(client)).toEqual({})
    })

    test("expires unused keys after their record, even if Redis's clock differs", async () => {
      const backend = await open()
      const idle = recordWith({ idleMs: 100_000 })
      const ending = recordWith({ idleMs: DAY_MS, endsAt: NOW + 5000 })
      await backend.insert(idle)
      await backend.insert(ending)
      expectSoonAfter(await ttl(`komgate:${idle.key}`), 100_000)
      expectSoonAfter(await ttl(`komgate:${ending.key}`), 5000)
      const indexes = ['komgate:active:"app"', 'komgate:user:"app","u"', 'komgate:due']
      for (const index of indexes) expectSoonAfter(await ttl(index), 100_000)

      // The record's TTL follows a later and an earlier end; an index lives as long as its longest-lived record.
      await backend.update(ending.key, 0, { endsAt: NOW + 300_000 }, NOW)
      expectSoonAfter(await ttl(`komgate:${ending.key}`), 300_000)
      for (const index of indexes) expectSoonAfter(await ttl(index), 300_000)
      await backend.update(ending.key, 1, { endsAt: NOW + 1000 }, NOW)
      expectSoonAfter(await ttl(`komgate:${ending.key}`), 1000)
      for (const index of indexes) expectSoonAfter(await ttl(index), 300_000)

      const endless = recordWith({})
      await backend.insert(endless)
      for (const name of [`komgate:${endless.key}`, ...indexes]) expect(await ttl(name)).toBe(-1)
      await backend.update(endless.key, 0, { endsAt: NOW + 9000 }, NOW)
      expectSoonAfter(await ttl(`komgate:${endless.key}`), 9000)
      await backend.insert(recordWith({ idleMs: 1e300, endsAt: 8.64e15 }))
      await backend.insert(recordWith({ endsAt: 0 }))
    })

    test('keeps a record that is used, although not every read renews its TTL', async () => {
      const backend = await open()
      const record = recordWith({ idleMs: 100_000 })
      await backend.insert(record)
      for (let now = NOW; now < NOW + 600_000; now += 7000) {
        // Shortens the TTLs as if the same time had passed for Redis.
        for (const key of await client.keys('*')) await client.pExpire(key, (await ttl(key)) - 7000)
        expect(await backend.touch('app', record.key, now)).toBeDefined()
        for (const key of await client.keys('*')) expect(await ttl(key)).toBeGreaterThan(100_000)
      }
    })

    test('removes expired records, and index entries of keys that Redis has evicted, in a sweep', async () => {
      const backend = await open()
      const records = Array.from({ length: 500 }, (_, i) =>
        recordWith({ user: `u${i % 9}`, app: `app${i % 3}`, idleMs: i % 2 === 0 ? 1000 : 200_000 }),
      )
      const endless = recordWith({})
      await Promise.all([...records, endless].map((record) => backend.insert(record)))
      for (const { app, key } of records) await backend.touch(app, key, NOW + 500)
      await backend.sweep(NOW + 1500)
      expect((await client.keys('*')).filter((key) => /:[0-9a-f]{64}$/.test(key))).toHaveLength(501)
      await backend.sweep(NOW + 1501)
      await backend.sweep(NOW + 1502)
      expect(await client.zCard('komgate:due')).toBe(251)
      expect(await all(backend.lists.activeSince('app0', 0, NOW, 1000))).toHaveLength(83)

      for (const { key } of records.slice(0, 400)) await client.del(`komgate:${key}`)
      await backend.sweep(NOW + 200_501)
      await client.del(`komgate:${endless.key}`)
      await backend.sweep(NOW + DAY_MS + 1)
      expect(await everything(client)).toEqual({})
    })

    test('removes expired and evicted records from an index when a list finds them', async () => {
      const backend = await open()
      const { activeSince, byUser, countUsers } = bound(backend.lists)
      const fill = async () => {
        const records = Array.from({ length: 300 }, (_, i) =>
          recordWith({ idleMs: i < 200 ? 1000 : null, lastActive: NOW + (300 - i) * 10, user: 'u' }),
        )
        await Promise.all(records.map((record) => backend.insert(record)))
        for (const { key } of records.slice(200, 250)) await client.del(`komgate:${key}`)
        return records.slice(250)
      }
      const later = NOW + 10_000
      for (const list of [
        () => all(byUser('app', 'u', later)),
        () => all(activeSince('app', NOW, later, 100)),
        () => all(activeSince('app', Number.NEGATIVE_INFINITY, later, Number.POSITIVE_INFINITY)),
      ]) {
        const left = await fill()
        expect(new Set((await list()).map(({ key }) => key))).toEqual(new Set(left.map(({ key }) => key)))
        await client.flushAll()
      }
      const left = await fill()
      expect(await countUsers('app', NOW, later)).toBe(1)
      expect(await client.zCard('komgate:active:"app"')).toBe(50)
      expect(await all(activeSince('app', NOW, later, 7))).toEqual(left.slice(0, 7))
      expect(await all(activeSince('app', NOW, later, 0))).toEqual([])
    })

    test('orders lists by last activity, even within a second', async () => {
      const backend = await open()
      const records = Array.from({ length: 40 }, (_, i) => recordWith({ user: `u${i}` }))
      await Promise.all(records.map((record) => backend.insert(record)))
      const order = records.map((record, i) => ({ record, at: NOW + ((i * 17) % 40) * 100 }))
      for (const { record, at } of order) await backend.touch('app', record.key, at)
      const newest = order.sort((a, b) => b.at - a.at).map(({ record }) => record.key)
      for (const limit of [1, 5, 11, 40]) {
        const listed = await all(backend.lists.activeSince('app', NOW, NOW + 4000, limit))
        expect(listed.map(({ key }) => key)).toEqual(newest.slice(0, limit))
      }
      const since = NOW + 2050
      expect(await all(backend.lists.activeSince('app', since, NOW + 4000, 100))).toHaveLength(19)
      expect(await backend.lists.countUsers('app', since, NOW + 4000)).toBe(19)
      // A gateway whose clock is behind does not set an earlier last activity.
      await backend.touch('app', newest[0] as SessionRecord['key'], NOW - 60_000)
      expect(await backend.find(newest[0] as SessionRecord['key'])).toMatchObject({ reads: 2, lastActive: NOW + 3900 })
    })

    test('answers concurrent reads of many apps and times separately', async () => {
      const backend = await open()
      const records = Array.from({ length: 200 }, (_, i) => recordWith({ app: `app${i % 3}`, idleMs: 1000 }))
      await Promise.all(records.map((record) => backend.insert(record)))
      const asked = records.flatMap((record, i) => [
        backend.touch(record.app, record.key, NOW + (i % 5)),
        backend.touch(record.app, keyOf(`none ${i}`), NOW),
        backend.touch('another', record.key, NOW),
        backend.touch(record.app, record.key, NOW + 1001 + 5),
      ])
      const answers = await Promise.all(asked)
      for (const [i, record] of records.entries()) {
        expect(answers.slice(4 * i, 4 * i + 4)).toEqual([record, undefined, undefined, undefined])
        expect(await backend.find(record.key)).toEqual({ ...record, reads: 1, lastActive: NOW + (i % 5) })
      }
      expect(await client.keys('komgate:*')).toHaveLength(200 + 3 + 3 + 1)
    })

    test('shares records between two gateways, and does not recreate a record that one of them removed', async () => {
      const [one, other] = [await open(), await open()]
      const record = recordWith({})
      await one.insert(record)
      const both = Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? one : other))
      const before = await Promise.all(both.map((backend) => backend.touch('app', record.key, NOW)))
      const reads = before.map((each) => each?.reads ?? -1).sort((a, b) => a - b)
      expect(reads).toEqual(both.map((_, i) => i))
      const wrote = await Promise.all(both.map((backend) => backend.update(record.key, 0, { user: 'v' }, NOW)))
      expect(wrote.filter((each) => each)).toHaveLength(1)
      expect(await all(one.lists.byUser('app', 'u', NOW))).toEqual([])
      expect(await all(other.lists.byUser('app', 'v', NOW))).toMatchObject([{ reads: 100, writes: 1, revision: 1 }])
      const removed = await Promise.all(
        both.flatMap((backend) => [
          backend.remove(record.key),
          backend.touch('app', record.key, NOW).then(() => undefined),
          backend.update(record.key, 1, { user: 'w' }, NOW).then(() => undefined),
        ]),
      )
      expect(removed.filter((each) => each !== undefined)).toHaveLength(1)
      expect(await everything(client)).toEqual({})
    })

    test('neither reads nor writes expired records', async () => {
      const backend = await open()
      const record = recordWith({ idleMs: 1000 })
      await backend.insert(record)
      expect(await backend.touch('app', record.key, NOW + 1001)).toBeUndefined()
      expect(await backend.update(record.key, 0, { user: 'v' }, NOW + 1001)).toBe(false)
      expect(await backend.touch('app', record.key, NOW + 1000)).toEqual(record)
    })

    test('sends scripts again after the server has lost them', async () => {
      const backend = await open()
      const record = recordWith({})
      await client.scriptFlush()
      await backend.insert(record)
      await client.scriptFlush()
      const before = await Promise.all(Array.from({ length: 100 }, () => backend.touch('app', record.key, NOW)))
      expect(before.map((each) => each?.reads)).toEqual(before.map((_, i) => i))
    })
  })

  test('rejects new records with full at the memory limit, and keeps the existing ones', async () => {
    const server = await startRedis({ settings: ['--maxmemory', '3mb'] })
    const backend = await openBackend(server.url)
    expect(backend).toMatchObject({ evicts: false })
    const record = recordWith({ data: { text: 'x'.repeat(60_000) } })
    await backend.insert(record)
    const insertMany = async () => {
      for (let i = 0; i < 100; i++) await backend.insert({ ...record, key: keyOf(randomUUID()) })
    }
    await expect(insertMany()).rejects.toMatchObject({ name: 'StoreError', code: 'full' })
    expect(await backend.find(record.key)).toEqual(record)
    expect(backend.interruptions).toBe(0)
    await backend.close()
    await server.close()
  }, 30_000)

  test('detects a server that evicts keys', async () => {
    const server = await startRedis({ settings: ['--maxmemory', '3mb', '--maxmemory-policy', 'allkeys-lru'] })
    const backend = await openBackend(server.url)
    expect(backend).toMatchObject({ evicts: true })
    const data = { text: 'x'.repeat(60_000) }
    for (let i = 0; i < 100; i++) await backend.insert(recordWith({ data }))
    await backend.sweep(NOW + DAY_MS + 1)
    expect(await all(backend.lists?.byUser('app', 'u', NOW))).toBeDefined()
    await backend.close()
    await server.close()
  }, 30_000)
})

function recordWith(some: Partial<SessionRecord>): SessionRecord {
  const times = { created: NOW, lastActive: NOW, idleMs: null, endsAt: null }
  const counts = { reads: 0, writes: 0, revision: 0 }
  return { key: keyOf(randomUUID()), app: 'app', user: 'u', name: '', ip: '', ...times, ...counts, data: {}, ...some }
}

function bound(lists: Lists): Pick<Lists, 'activeSince' | 'byUser' | 'countUsers'> {
  return {
    activeSince: lists.activeSince.bind(lists),
    byUser: lists.byUser.bind(lists),
    countUsers: lists.countUsers.bind(lists),
  }
}

/** Checks that a TTL is longer than the lifetime of the session, by less than some minutes. */
function expectSoonAfter(ttl: number, ms: number): void {
  expect(ttl).toBeGreaterThan(ms)
  expect(ttl).toBeLessThanOrEqual(ms + 120_000)
}

/** Returns every key of the database with its value. */
async function everything(client: RedisClient): Promise<Record<string, unknown>> {
  const all: Record<string, unknown> = {}
  for await (const keys of client.scanIterator()) {
    for (const key of keys) all[key] = await valueAt(client, key)
  }
  return all
}

async function valueAt(client: RedisClient, key: string): Promise<unknown> {
  const type = await client.type(key)
  if (type === 'hash') return { ...(await client.hGetAll(key)) }
  if (type === 'set') return await client.sMembers(key)
  if (type === 'zset') return await client.zRangeWithScores(key, 0, -1)
  return await client.get(key)
}
