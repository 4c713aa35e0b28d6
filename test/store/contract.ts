import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Backend } from '../../src/store/backend.ts'
import { StoreError } from '../../src/store/errors.ts'
import { PAGE } from '../../src/store/pages.ts'
import { handleOf, keyOf, type SessionRecord } from '../../src/store/record.ts'
import { type NewSession, SessionStore } from '../../src/store/store.ts'
import { all } from '../support/all.ts'
import { repetitions } from '../support/repetitions.ts'

/** A kind of store and its server. */
export interface StoreHarness {
  /** Opens the backend under test. */
  open(): Promise<Backend>
  /** Returns everything that is stored, as text in any form. */
  dump(): Promise<string>
  /** stops the server, and starts it with or without its records; undefined without a server */
  outage?: { begin(): Promise<void>; end(): Promise<void> }
  /** Stops the server. */
  close(): Promise<void>
}

const START = Date.UTC(2026, 0, 1)
/** Number of records that fill several pages, at least. */
export const SEVERAL_PAGES = 6 * PAGE + 1
const MANY = repetitions(1200, SEVERAL_PAGES)
const STRANGE_USERS = [
  'a:b:c',
  'with space',
  'Åsa Öberg',
  '日本',
  "o'brien; --",
  '%_*?[x]',
  '',
  '__proto__',
  'x'.repeat(128),
]

/**
 * Defines the tests that every kind of store must pass.
 * @param kind name of the kind, for the titles
 * @param start starts the server
 * @param canList whether the kind can list records; default: true
 * @param many number of records in the longest list
 */
export function describeStore(
  kind: string,
  start: () => Promise<StoreHarness>,
  { canList = true, many = MANY } = {},
): void {
  describe(`SessionStore on ${kind}`, () => {
    let harness: StoreHarness
    let backend: Backend
    let store: SessionStore
    let now = START
    let apps = 0
    /** A new app for each test, so that lists do not contain records of other tests. */
    let app = ''
    let tokens = 0

    beforeAll(async () => {
      harness = await start()
      backend = await harness.open()
    }, 60_000)
    afterAll(async () => {
      await backend?.close()
      await harness?.close()
    })
    beforeEach(() => {
      now = START
      app = `app-${++apps}`
      store = new SessionStore(backend, { clock: () => now })
    })

    const create = async (rest: Partial<NewSession> = {}) => {
      const token = `Secret-${kind}-${++tokens}-${'t'.repeat(40)}`
      const key = keyOf(token)
      return { token, key, record: await store.create({ key, app, user: 'u', ...rest }) }
    }

    test('finds a created session, whose handle is not part of its token', async () => {
      const all = { user: 'someone', name: 'a phone', ip: '2001:db8::1', idleMs: 60_000, endsAt: START + 3_600_000 }
      const { key, token, record } = await create({ ...all, data: { a: 1, b: 'två', c: true } })
      expect(record).toMatchObject({ app, ...all, created: START, lastActive: START, reads: 0, writes: 0 })
      expect(await store.find(app, key)).toEqual(record)
      expect(record.data).toEqual({ a: 1, b: 'två', c: true })
      expect(token).not.toContain(handleOf(record.key))
    })

    test('finds no session for an unknown token or a token of another app', async () => {
      const { key } = await create()
      expect(await store.find(app, keyOf('never given out'))).toBeUndefined()
      expect(await store.find('another', key)).toBeUndefined()
      expect(await store.touch('another', key)).toBeUndefined()
      expect(await store.merge('another', key, { a: 1 })).toBeUndefined()
      expect(await store.end('another', key)).toBeUndefined()
      expect(await store.find(app, key)).toMatchObject({ reads: 0, writes: 0, data: {} })
    })

    test('counts reads and restarts the idle timeout with each', async () => {
      const { key } = await create()
      now += 5000
      expect(await store.touch(app, key)).toMatchObject({ reads: 0, lastActive: START })
      now += 1000
      expect(await store.touch(app, key)).toMatchObject({ reads: 1, lastActive: START + 5000 })
      expect(await store.find(app, key)).toMatchObject({ reads: 2, writes: 0, lastActive: START + 6000 })
    })

    test('counts all of 20 concurrent reads', async () => {
      const { key } = await create()
      const before = await Promise.all(Array.from({ length: 20 }, () => store.touch(app, key)))
      expect(
        before
          .map((record) => record?.reads)
          .sort((a = 0, b = 0) => a - b)
          .at(-1),
      ).toBeLessThanOrEqual(19)
      expect(await store.find(app, key)).toMatchObject({ reads: 20 })
    })

    test('merges data: keeps keys that are not in the patch, deletes null, sets the rest', async () => {
      const { key } = await create({ data: { a: 1, b: 'x', c: [1, 2] } })
      now += 10
      const after = await store.merge(app, key, { a: null, b: 'y', d: { deep: [null, {}] } })
      expect(after?.data).toEqual({ b: 'y', c: [1, 2], d: { deep: [null, {}] } })
      expect(await store.find(app, key)).toEqual(after)
      expect(after).toMatchObject({ writes: 1, lastActive: START + 10 })
      expect((await store.merge(app, key, { nothing: null }))?.data).toEqual(after?.data)
    })

    test('changes the key of a session, keeps everything else and invalidates the old key', async () => {
      const all = { user: 'someone', name: 'a phone', ip: '2001:db8::1', idleMs: 60_000, endsAt: START + 3_600_000 }
      const { key, record } = await create({ ...all, data: { a: 1 } })
      const newKey = keyOf(`${kind}-${app}-new`)
      now += 1000
      const after = await store.changeKey(app, key, newKey)
      expect(after).toEqual({ ...record, key: newKey, lastActive: now, writes: 1, revision: record.revision + 1 })
      expect(await store.find(app, newKey)).toEqual(after)
      expect(await store.find(app, key)).toBeUndefined()
      expect(await store.merge(app, key, { b: 2 })).toBeUndefined()
      expect(await store.changeKey(app, key, keyOf('another'))).toBeUndefined()
      expect(await store.changeKey('another', newKey, keyOf('another'))).toBeUndefined()
      expect((await store.merge(app, newKey, { b: 2 }))?.data).toEqual({ a: 1, b: 2 })
    })

    test('changes the key of a session for only one of several concurrent callers', async () => {
      const { key } = await create()
      const other = new SessionStore(backend, { clock: () => now })
      const keys = Array.from({ length: 10 }, (_, n) => keyOf(`${kind}-${app}-${n}`))
      const changed = await Promise.all(keys.map((each, n) => [store, other][n % 2]?.changeKey(app, key, each)))
      expect(changed.filter((record) => record !== undefined)).toHaveLength(1)
      const found = await Promise.all(keys.map((each) => store.find(app, each)))
      expect(found.filter((record) => record !== undefined)).toHaveLength(1)
    })

    test('replaces nested values instead of merging them', async () => {
      const { key } = await create({ data: { nested: { a: 1, b: 2 }, list: [] } })
      const after = await store.merge(app, key, { nested: { c: 3 } })
      expect((await store.find(app, key))?.data).toEqual({ nested: { c: 3 }, list: [] })
      expect(after?.data).toEqual({ nested: { c: 3 }, list: [] })
    })

    test('stores empty lists, large and small numbers and any string unchanged', async () => {
      const data = {
        list: [],
        object: {},
        large: 9007199254740991,
        exact: 0.1,
        tiny: 5e-324,
        no: false,
        text: '"\\\u0000\u2028😀\r\n',
        '': 'no name',
      }
      const { key } = await create({ data })
      expect((await store.find(app, key))?.data).toEqual(data)
    })

    test('applies all of 20 concurrent patches', async () => {
      const { key } = await create()
      await Promise.all(Array.from({ length: 20 }, (_, i) => store.merge(app, key, { [`k${i}`]: i })))
      const record = await store.find(app, key)
      expect(record?.data).toEqual(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, i])))
      expect(record?.writes).toBe(20)
    })

    test('applies all of 20 concurrent patches and reads from two stores on one server', async () => {
      const other = new SessionStore(await harness.open().then((opened) => (opened === backend ? backend : opened)), {
        clock: () => now,
      })
      const { key } = await create()
      const work = Array.from({ length: 20 }, (_, i) => [
        (i % 2 === 0 ? store : other).merge(app, key, { [`k${i}`]: i }),
        (i % 2 === 1 ? store : other).touch(app, key),
      ])
      await Promise.all(work.flat())
      expect(Object.keys((await store.find(app, key))?.data ?? {})).toHaveLength(20)
      expect(await store.find(app, key)).toMatchObject({ writes: 20, reads: 20 })
      if (kind !== 'memory') await other.close()
    })

    test('stores __proto__, constructor and toString as ordinary keys', async () => {
      const data = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": 2, "toString": 3}')
      const { key } = await create({ data })
      await store.merge(app, key, JSON.parse('{"__proto__": {"polluted": 2}, "constructor": null}'))
      const stored = (await store.find(app, key))?.data
      expect(JSON.stringify(stored)).toBe('{"__proto__":{"polluted":2},"toString":3}')
      expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    })

    test('stores 64 kB of data, rejects more and keeps the existing data', async () => {
      const { key } = await create({ data: { big: 'å'.repeat(32_000) } })
      expect((await store.find(app, key))?.data).toEqual({ big: 'å'.repeat(32_000) })
      await expect(store.merge(app, key, { more: 'x'.repeat(2000) })).rejects.toMatchObject({ code: 'too-large' })
      await expect(create({ data: { big: 'å'.repeat(33_000) } })).rejects.toMatchObject({ code: 'too-large' })
      expect(await store.find(app, key)).toMatchObject({ writes: 0 })
    })

    test('rejects text that is too long for some kind of store', async () => {
      for (const rest of [{ user: 'x'.repeat(256) }, { name: 'x'.repeat(256) }, { app: 'x'.repeat(101) }]) {
        await expect(create(rest)).rejects.toMatchObject({ code: 'too-large' })
      }
      const { key } = await create()
      await expect(store.change(app, key, { user: 'x'.repeat(256) })).rejects.toMatchObject({ code: 'too-large' })
    })

    test('changes the user and the end of a session', async () => {
      const { key } = await create({ user: '', name: 'x' })
      await store.change(app, key, { user: '7', name: 'y', endsAt: START + 1000 })
      expect(await store.find(app, key)).toMatchObject({ user: '7', name: 'y', endsAt: START + 1000, data: {} })
      if (canList) {
        expect(await all(store.listUser(app, ''))).toEqual([])
        expect(await all(store.listUser(app, '7'))).toHaveLength(1)
      }
    })

    test('hides an idle session after its timeout, even before a sweep', async () => {
      const { key } = await create({ idleMs: 10_000 })
      now += 10_000
      expect(await store.touch(app, key)).toBeDefined()
      now += 10_001
      expect(await store.find(app, key)).toBeUndefined()
      expect(await store.touch(app, key)).toBeUndefined()
      expect(await store.merge(app, key, { a: 1 })).toBeUndefined()
      expect(await store.end(app, key)).toBeUndefined()
      if (canList) {
        expect(await all(store.listUser(app, 'u'))).toEqual([])
        expect(await all(store.listActive(app, 3_600_000, 10))).toEqual([])
        expect(await store.countActiveUsers(app, 3_600_000)).toBe(0)
      }
    })

    test('expires a session at its end even if it is active', async () => {
      const { key } = await create({ idleMs: 10_000, endsAt: START + 25_000 })
      for (const at of [9000, 18_000, 24_999]) {
        now = START + at
        expect(await store.touch(app, key)).toBeDefined()
      }
      now = START + 25_000
      expect(await store.touch(app, key)).toBeUndefined()
      expect(await store.find(app, key)).toBeUndefined()
    })

    test('keeps an active session many times longer than its idle timeout', async () => {
      const { key } = await create({ idleMs: 10_000 })
      for (let i = 0; i < 10; i++) {
        now += 9000
        expect(await (i % 2 === 0 ? store.touch(app, key) : store.merge(app, key, { i }))).toBeDefined()
      }
      expect(await store.find(app, key)).toBeDefined()
    })

    test('keeps unexpired sessions in a sweep', async () => {
      const { key } = await create()
      const { key: idle } = await create({ idleMs: 1000 })
      const { key: patient } = await create({ idleMs: 60_000 })
      now += 60_000
      await store.sweep()
      expect(await store.find(app, key)).toBeDefined()
      expect(await store.find(app, idle)).toBeUndefined()
      expect(await store.find(app, patient)).toBeDefined()
    })

    test('ends a session only once', async () => {
      const { key } = await create()
      const ended: SessionRecord[] = []
      store.on('ended', (record) => ended.push(record))
      const results = await Promise.all([store.end(app, key), store.end(app, key), store.end(app, key)])
      expect(results.filter((record) => record !== undefined)).toHaveLength(1)
      expect(ended).toHaveLength(1)
      expect(await store.find(app, key)).toBeUndefined()
    })

    test('restores the record of a live session that expired or was lost, and keeps existing data', async () => {
      const live = { app, user: '7', name: 'n', ip: '192.0.2.1', idleMs: 10_000 }
      const { key } = await create({ ...live, data: { a: [] } })
      now += 3_600_000
      expect(await store.restore({ key, ...live }, false)).toBe(true)
      expect(await store.find(app, key)).toMatchObject({ ...live, data: { a: [] }, lastActive: now })
      await backend.remove(key)
      expect(await store.restore({ key, ...live }, true)).toBe(true)
      expect(await store.find(app, key)).toMatchObject({ ...live, data: {} })
    })

    test('does not restore the record of a session that another process ended', async () => {
      const { key } = await create()
      const other = new SessionStore(backend, { clock: () => now, isElsewhere: () => true })
      const ended = await Promise.all([other.end(app, key), other.end(app, key), other.end(app, key)])
      expect(ended.filter((record) => record !== undefined)).toHaveLength(1)
      expect(await store.restore({ key, app, user: 'u' }, true)).toBe(false)
      expect(await store.find(app, key)).toBeUndefined()
    })

    test('uses the time of its server, even if the clock of this process differs', async () => {
      if (backend.time === undefined) return
      const real = Date.now()
      const skewed = vi.spyOn(Date, 'now').mockReturnValue(real + 40 * 60_000)
      const other = new SessionStore(backend)
      await other.sweep()
      skewed.mockRestore()
      expect(Math.abs(other.now() - Date.now())).toBeLessThan(5000)
    })

    test('does not store tokens', async () => {
      const { key, token } = await create({ name: 'n', data: { a: 1 } })
      await store.touch(app, key)
      await store.merge(app, key, { b: 2 })
      const dump = await harness.dump()
      expect(dump).not.toContain(token)
      expect(dump).not.toContain('Secret-')
    })

    const describeLists = canList ? describe : undefined
    describeLists?.('lists', () => {
      test.for(STRANGE_USERS)('lists the sessions of the user %j', async (user) => {
        await create({ user: `${user}2` })
        const { record: first } = await create({ user })
        now += 1000
        const { record: second } = await create({ user })
        expect(await all(store.listUser(app, user))).toEqual([second, first])
      })

      test('lists active sessions, most recent first, up to the limit', async () => {
        const first = await create({ user: 'a' })
        now += 1000
        const second = await create({ user: 'b' })
        now += 1000
        const third = await create({ user: 'a' })
        now += 1000
        await store.touch(app, first.key)
        const keys = (records: SessionRecord[]) => records.map(({ key }) => key)
        const [a, b, c] = [first, second, third].map(({ record }) => record.key)
        expect(keys(await all(store.listActive(app, 10_000, 10)))).toEqual([a, c, b])
        expect(keys(await all(store.listActive(app, 10_000, 2)))).toEqual([a, c])
        expect(keys(await all(store.listActive(app, 1000, 10)))).toEqual([a, c])
        expect(keys(await all(store.listActive(app, 999, 10)))).toEqual([a])
        expect(await all(store.listActive('another', 10_000, 10))).toEqual([])
      })

      test('lists several pages in the order of last activity, with data and without ended sessions', async () => {
        const keys: string[] = []
        for (let i = 0; i < 130; i++) {
          now += 1
          keys.unshift((await create({ data: { i } })).key)
        }
        for (const list of [() => store.listUser(app, 'u'), () => store.listActive(app, 10_000, 1000)]) {
          expect((await all(list())).map(({ key }) => key)).toEqual(keys)
        }
        expect((await all(store.listActive(app, 10_000, 101))).map(({ data }) => data.i)).toEqual(
          Array.from({ length: 101 }, (_, i) => 129 - i),
        )
        const pages = store.listUser(app, 'u')
        expect((await pages.next()).value).toHaveLength(50)
        for (const key of keys.slice(60, 120)) await store.end(app, key as SessionRecord['key'])
        expect((await all(pages)).map(({ key }) => key)).toEqual(expect.arrayContaining(keys.slice(120)))
        expect(await store.endUser(app, 'u')).toBe(70)
      }, 30_000)

      test('counts each active user once', async () => {
        await create({ user: 'a' })
        await create({ user: 'a' })
        now += 60_000
        await create({ user: 'b' })
        await create({ user: 'c', idleMs: 10 })
        await create({ user: '' })
        now += 11
        expect(await store.countActiveUsers(app, 30_000)).toBe(1)
        expect(await store.countActiveUsers(app, 90_000)).toBe(2)
        expect(await store.countActiveUsers('another', 90_000)).toBe(0)
      })

      test('ends the sessions of one user only', async () => {
        await create({ user: 'a:b' })
        await create({ user: 'a:b' })
        const { key } = await create({ user: 'a' })
        expect(await store.endUser(app, 'a:b')).toBe(2)
        expect(await store.endUser(app, 'a:b')).toBe(0)
        expect(await store.find(app, key)).toBeDefined()
      })

      test('ends one session of a user by its handle', async () => {
        const { key, record } = await create()
        const { key: other } = await create()
        const handle = handleOf(record.key)
        expect(await store.endUser(app, 'u', ({ key }) => handleOf(key) === handle)).toBe(1)
        expect(await store.find(app, key)).toBeUndefined()
        expect(await store.find(app, other)).toBeDefined()
      })

      test('ends all sessions of one app only, even if they are many', async () => {
        const { key } = await create({ app: `${app}-other` })
        const users = Array.from({ length: many }, (_, i) => `u${i % 7}`)
        // On a busy machine, concurrent calls would exceed the timeout of the store.
        while (users.length > 0) await Promise.all(users.splice(0, 100).map((user) => create({ user })))
        expect(await store.endApp(app)).toBe(many)
        expect(await store.endApp(app)).toBe(0)
        expect(await all(store.listActive(app, 3_600_000, 10))).toEqual([])
        expect(await store.find(`${app}-other`, key)).toBeDefined()
      }, 30_000)

      test('ends the other sessions of the same name when a unique session is created', async () => {
        const { key: first } = await create({ name: 'n', unique: true })
        const { key: another } = await create({ name: 'm', unique: true })
        const { key: second } = await create({ name: 'n', unique: true })
        expect(await store.find(app, first)).toBeUndefined()
        expect(await store.find(app, another)).toBeDefined()
        expect(await store.find(app, second)).toBeDefined()
        await Promise.all(Array.from({ length: 10 }, () => create({ name: 'n', unique: true })))
        expect((await all(store.listUser(app, 'u'))).filter(({ name }) => name === 'n')).toHaveLength(1)
      })
    })

    test('rejects lists with cannot-list', async () => {
      if (canList) {
        expect(await all(store.listUser(app, 'unknown'))).toEqual([])
        return
      }
      const asked = [
        all(store.listUser(app, 'u')),
        all(store.listActive(app, 1000, 10)),
        store.countActiveUsers(app, 1000),
        store.endUser(app, 'u'),
        store.endApp(app),
        create({ unique: true }),
      ]
      for (const result of await Promise.allSettled(asked)) {
        expect(result).toMatchObject({ status: 'rejected', reason: { code: 'cannot-list' } })
      }
    })

    test('is unavailable within seconds after its server stops, and available again after it starts', async () => {
      if (harness.outage === undefined) {
        expect(backend.interruptions).toBe(0)
        return
      }
      const { key } = await create()
      const before = backend.interruptions
      await harness.outage.begin()
      const started = performance.now()
      for (const attempt of [() => store.find(app, key), () => create(), () => store.touch(app, key)]) {
        const error = await attempt().then(
          () => undefined,
          (reason: unknown) => reason,
        )
        expect(error).toBeInstanceOf(StoreError)
        expect(error).toMatchObject({ code: 'unavailable' })
      }
      expect(performance.now() - started).toBeLessThan(20_000)
      await harness.outage.end()
      await expect
        .poll(
          async () =>
            await create().then(
              ({ key: later }) => store.find(app, later),
              () => undefined,
            ),
          {
            timeout: 20_000,
          },
        )
        .toBeDefined()
      expect(backend.interruptions).toBeGreaterThan(before)
    }, 60_000)
  })
}
