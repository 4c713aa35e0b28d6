import { PAGE } from '../pages.ts'
import { handleOf, type SessionRecord } from '../record.ts'
import type { Expect } from './framework.ts'
import { all, type BackendTest, type BackendTraits } from './stage.ts'

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
  '😀'.repeat(128),
]

/** Defines the tests of lists. */
export function defineListTests(test: BackendTest, expect: Expect, { many }: BackendTraits): void {
  for (const user of STRANGE_USERS) {
    test(`lists the sessions of the user ${JSON.stringify(user)}`, async ({ app, clock, create, store }) => {
      await create({ user: `${user}2` })
      const { record: first } = await create({ user })
      clock.now += 1000
      const { record: second } = await create({ user })
      expect(await all(store.listUser(app, user))).toEqual([second, first])
    })
  }

  test('lists active sessions, most recent first, up to the limit', async ({ app, clock, create, store }) => {
    const first = await create({ user: 'a' })
    clock.now += 1000
    const second = await create({ user: 'b' })
    clock.now += 1000
    const third = await create({ user: 'a' })
    clock.now += 1000
    await store.touch(app, first.key)
    const keys = (records: SessionRecord[]) => records.map(({ key }) => key)
    const [a, b, c] = [first, second, third].map(({ record }) => record.key)
    expect(keys(await all(store.listActive(app, 10_000, 10)))).toEqual([a, c, b])
    expect(keys(await all(store.listActive(app, 10_000, 2)))).toEqual([a, c])
    expect(keys(await all(store.listActive(app, 1000, 10)))).toEqual([a, c])
    expect(keys(await all(store.listActive(app, 999, 10)))).toEqual([a])
    expect(await all(store.listActive('another', 10_000, 10))).toEqual([])
  })

  test('lists several pages in the order of last activity, with data and without ended sessions', async ({
    app,
    clock,
    create,
    store,
  }) => {
    const keys: string[] = []
    for (let i = 0; i < 130; i++) {
      clock.now += 1
      keys.unshift((await create({ data: { i } })).key)
    }
    for (const list of [() => store.listUser(app, 'u'), () => store.listActive(app, 10_000, 1000)]) {
      expect((await all(list())).map(({ key }) => key)).toEqual(keys)
    }
    expect((await all(store.listActive(app, 10_000, 101))).map(({ data }) => data.i)).toEqual(
      Array.from({ length: 101 }, (_, i) => 129 - i),
    )
    const pages = store.listUser(app, 'u')
    expect((await pages.next()).value).toHaveLength(PAGE)
    for (const key of keys.slice(60, 120)) await store.end(app, key as SessionRecord['key'])
    expect((await all(pages)).map(({ key }) => key)).toEqual(expect.arrayContaining(keys.slice(120)))
    expect(await store.endUser(app, 'u')).toBe(70)
  }, 30_000)

  test('counts each active user once', async ({ app, clock, create, store }) => {
    await create({ user: 'a' })
    await create({ user: 'a' })
    clock.now += 60_000
    await create({ user: 'b' })
    await create({ user: 'c', idleMs: 10 })
    await create({ user: '' })
    clock.now += 11
    expect(await store.countActiveUsers(app, 30_000)).toBe(1)
    expect(await store.countActiveUsers(app, 90_000)).toBe(2)
    expect(await store.countActiveUsers('another', 90_000)).toBe(0)
  })

  test('ends the sessions of one user only', async ({ app, create, store }) => {
    await create({ user: 'a:b' })
    await create({ user: 'a:b' })
    const { key } = await create({ user: 'a' })
    expect(await store.endUser(app, 'a:b')).toBe(2)
    expect(await store.endUser(app, 'a:b')).toBe(0)
    expect(await store.find(app, key)).toBeDefined()
  })

  test('ends one session of a user by its handle', async ({ app, create, store }) => {
    const { key, record } = await create()
    const { key: other } = await create()
    const handle = handleOf(record.key)
    expect(await store.endUser(app, 'u', ({ key }) => handleOf(key) === handle)).toBe(1)
    expect(await store.find(app, key)).toBeUndefined()
    expect(await store.find(app, other)).toBeDefined()
  })

  test('ends all sessions of one app only, even if they are many', async ({ app, create, store }) => {
    const { key } = await create({ app: `${app}-other` })
    const users = Array.from({ length: many }, (_, i) => `u${i % 7}`)
    // On a busy machine, concurrent calls would exceed the timeout of the store.
    while (users.length > 0) await Promise.all(users.splice(0, 100).map((user) => create({ user })))
    expect(await store.endApp(app)).toBe(many)
    expect(await store.endApp(app)).toBe(0)
    expect(await all(store.listActive(app, 3_600_000, 10))).toEqual([])
    expect(await store.find(`${app}-other`, key)).toBeDefined()
  }, 30_000)

  test('ends the other sessions of the same name when a unique session is created', async ({ app, create, store }) => {
    const { key: first } = await create({ name: 'n', unique: true })
    const { key: another } = await create({ name: 'm', unique: true })
    const { key: second } = await create({ name: 'n', unique: true })
    expect(await store.find(app, first)).toBeUndefined()
    expect(await store.find(app, another)).toBeDefined()
    expect(await store.find(app, second)).toBeDefined()
    await Promise.all(Array.from({ length: 10 }, () => create({ name: 'n', unique: true })))
    expect((await all(store.listUser(app, 'u'))).filter(({ name }) => name === 'n')).toHaveLength(1)
  })

  test('lists no sessions of an unknown user', async ({ app, store }) => {
    expect(await all(store.listUser(app, 'unknown'))).toEqual([])
  })
}

/** Defines the test of a backend without lists. */
export function defineTestWithoutLists(test: BackendTest, expect: Expect): void {
  test('rejects lists with cannot-list', async ({ app, create, store }) => {
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
}
