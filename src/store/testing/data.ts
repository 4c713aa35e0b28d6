import { handleOf, keyOf } from '../record.ts'
import type { Expect } from './framework.ts'
import { all, type BackendTest, type BackendTraits, START } from './stage.ts'

/** Defines the tests of single records: reads, writes, data and keys. */
export function defineDataTests(test: BackendTest, expect: Expect, { canList }: BackendTraits): void {
  test('finds a created session, whose handle is not part of its token', async ({ app, create, store }) => {
    const all = { user: 'someone', name: 'a phone', ip: '2001:db8::1', idleMs: 60_000, endsAt: START + 3_600_000 }
    const { key, token, record } = await create({ ...all, data: { a: 1, b: 'två', c: true } })
    expect(record).toMatchObject({ app, ...all, created: START, lastActive: START, reads: 0, writes: 0 })
    expect(await store.find(app, key)).toEqual(record)
    expect(record.data).toEqual({ a: 1, b: 'två', c: true })
    expect(token).not.toContain(handleOf(record.key))
  })

  test('finds no session for an unknown token or a token of another app', async ({ app, create, store }) => {
    const { key } = await create()
    expect(await store.find(app, keyOf('never given out'))).toBeUndefined()
    expect(await store.find('another', key)).toBeUndefined()
    expect(await store.touch('another', key)).toBeUndefined()
    expect(await store.merge('another', key, { a: 1 })).toBeUndefined()
    expect(await store.end('another', key)).toBeUndefined()
    expect(await store.find(app, key)).toMatchObject({ reads: 0, writes: 0, data: {} })
  })

  test('counts reads and restarts the idle timeout with each', async ({ app, clock, create, store }) => {
    const { key } = await create()
    clock.now += 5000
    expect(await store.touch(app, key)).toMatchObject({ reads: 0, lastActive: START })
    clock.now += 1000
    expect(await store.touch(app, key)).toMatchObject({ reads: 1, lastActive: START + 5000 })
    expect(await store.find(app, key)).toMatchObject({ reads: 2, writes: 0, lastActive: START + 6000 })
  })

  test('counts all of 20 concurrent reads', async ({ app, create, store }) => {
    const { key } = await create()
    const before = await Promise.all(Array.from({ length: 20 }, () => store.touch(app, key)))
    expect(Math.max(...before.map((record) => record?.reads ?? Number.NaN))).toBeLessThan(20)
    expect(await store.find(app, key)).toMatchObject({ reads: 20 })
  })

  test('merges data: keeps keys that are not in the patch, deletes null, sets the rest', async ({
    app,
    clock,
    create,
    store,
  }) => {
    const { key } = await create({ data: { a: 1, b: 'x', c: [1, 2] } })
    clock.now += 10
    const after = await store.merge(app, key, { a: null, b: 'y', d: { deep: [null, {}] } })
    expect(after?.data).toEqual({ b: 'y', c: [1, 2], d: { deep: [null, {}] } })
    expect(await store.find(app, key)).toEqual(after)
    expect(after).toMatchObject({ writes: 1, lastActive: START + 10 })
    expect((await store.merge(app, key, { nothing: null }))?.data).toEqual(after?.data)
  })

  test('changes the key of a session, keeps everything else and invalidates the old key', async ({
    app,
    clock,
    create,
    store,
  }) => {
    const all = { user: 'someone', name: 'a phone', ip: '2001:db8::1', idleMs: 60_000, endsAt: START + 3_600_000 }
    const { key, record } = await create({ ...all, data: { a: 1 } })
    const newKey = keyOf(`${app} new`)
    clock.now += 1000
    const after = await store.changeKey(app, key, newKey)
    expect(after).toEqual({ ...record, key: newKey, lastActive: clock.now, writes: 1, revision: record.revision + 1 })
    expect(await store.find(app, newKey)).toEqual(after)
    expect(await store.find(app, key)).toBeUndefined()
    expect(await store.merge(app, key, { b: 2 })).toBeUndefined()
    expect(await store.changeKey(app, key, keyOf('another'))).toBeUndefined()
    expect(await store.changeKey('another', newKey, keyOf('another'))).toBeUndefined()
    expect((await store.merge(app, newKey, { b: 2 }))?.data).toEqual({ a: 1, b: 2 })
  })

  test('changes the key of a session for only one of several concurrent callers', async ({
    app,
    backend,
    create,
    store,
    storeOn,
  }) => {
    const { key } = await create()
    const other = storeOn(backend)
    const keys = Array.from({ length: 10 }, (_, n) => keyOf(`${app} ${n}`))
    const changed = await Promise.all(keys.map((each, n) => [store, other][n % 2]?.changeKey(app, key, each)))
    expect(changed.filter((record) => record !== undefined)).toHaveLength(1)
    const found = await Promise.all(keys.map((each) => store.find(app, each)))
    expect(found.filter((record) => record !== undefined)).toHaveLength(1)
  })

  test('replaces nested values instead of merging them', async ({ app, create, store }) => {
    const { key } = await create({ data: { nested: { a: 1, b: 2 }, list: [] } })
    const after = await store.merge(app, key, { nested: { c: 3 } })
    expect((await store.find(app, key))?.data).toEqual({ nested: { c: 3 }, list: [] })
    expect(after?.data).toEqual({ nested: { c: 3 }, list: [] })
  })

  test('stores empty lists, large and small numbers and any string unchanged', async ({ app, create, store }) => {
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

  test('applies a write only to the revision that was read', async ({ app, backend, clock, create, store }) => {
    const { key } = await create({ user: 'a' })
    await store.touch(app, key)
    expect(await backend.update(key, 0, { user: 'b' }, clock.now)).toBe(true)
    expect(await backend.update(key, 0, { user: 'c' }, clock.now)).toBe(false)
    expect(await backend.update(keyOf(`${app} unknown`), 0, { user: 'c' }, clock.now)).toBe(false)
    expect(await store.find(app, key)).toMatchObject({ user: 'b', reads: 1, writes: 1, revision: 1 })
  })

  test('keeps the last activity for processes whose clock is behind', async ({ app, clock, create, store }) => {
    const { key } = await create()
    clock.now += 5000
    await store.touch(app, key)
    clock.now -= 3000
    await store.touch(app, key)
    expect(await store.merge(app, key, { a: 1 })).toMatchObject({ lastActive: START + 5000 })
    expect(await store.find(app, key)).toMatchObject({ lastActive: START + 5000, reads: 2, writes: 1 })
  })

  test('applies all of 20 concurrent patches', async ({ app, create, store }) => {
    const { key } = await create()
    await Promise.all(Array.from({ length: 20 }, (_, i) => store.merge(app, key, { [`k${i}`]: i })))
    const record = await store.find(app, key)
    expect(record?.data).toEqual(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, i])))
    expect(record?.writes).toBe(20)
  })

  test('applies all of 20 concurrent patches and reads from two stores on one server', async ({
    app,
    backend,
    create,
    harness,
    store,
    storeOn,
  }) => {
    const opened = await harness.open()
    const other = storeOn(opened)
    const { key } = await create()
    const work = Array.from({ length: 20 }, (_, i) => [
      (i % 2 === 0 ? store : other).merge(app, key, { [`k${i}`]: i }),
      (i % 2 === 1 ? store : other).touch(app, key),
    ])
    await Promise.all(work.flat())
    expect(Object.keys((await store.find(app, key))?.data ?? {})).toHaveLength(20)
    expect(await store.find(app, key)).toMatchObject({ writes: 20, reads: 20 })
    if (opened !== backend) await opened.close()
  })

  test('stores __proto__, constructor and toString as ordinary keys', async ({ app, create, store }) => {
    const data = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": 2, "toString": 3}')
    const { key } = await create({ data })
    await store.merge(app, key, JSON.parse('{"__proto__": {"polluted": 2}, "constructor": null}'))
    const stored = (await store.find(app, key))?.data
    expect(JSON.stringify(stored)).toBe('{"__proto__":{"polluted":2},"toString":3}')
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  test('stores 64 kB of data, rejects more and keeps the existing data', async ({ app, create, store }) => {
    const { key } = await create({ data: { big: 'å'.repeat(32_000) } })
    expect((await store.find(app, key))?.data).toEqual({ big: 'å'.repeat(32_000) })
    await expect(store.merge(app, key, { more: 'x'.repeat(2000) })).rejects.toMatchObject({ code: 'too-large' })
    await expect(create({ data: { big: 'å'.repeat(33_000) } })).rejects.toMatchObject({ code: 'too-large' })
    expect(await store.find(app, key)).toMatchObject({ writes: 0 })
  })

  test('rejects text that is too long for some backends', async ({ app, create, store }) => {
    for (const rest of [{ user: 'x'.repeat(256) }, { name: 'x'.repeat(256) }, { app: 'x'.repeat(101) }]) {
      await expect(create(rest)).rejects.toMatchObject({ code: 'too-large' })
    }
    const { key } = await create()
    await expect(store.change(app, key, { user: 'x'.repeat(256) })).rejects.toMatchObject({ code: 'too-large' })
  })

  test('changes the user and the end of a session', async ({ app, create, store }) => {
    const { key } = await create({ user: '', name: 'x' })
    await store.change(app, key, { user: '7', name: 'y', endsAt: START + 1000 })
    expect(await store.find(app, key)).toMatchObject({ user: '7', name: 'y', endsAt: START + 1000, data: {} })
    if (canList) {
      expect(await all(store.listUser(app, ''))).toEqual([])
      expect(await all(store.listUser(app, '7'))).toHaveLength(1)
    }
  })
}
