import type { SessionRecord } from '../record.ts'
import { SessionStore } from '../store.ts'
import type { Expect } from './framework.ts'
import { all, type BackendTest, type BackendTraits, START } from './stage.ts'

const WEEK_MS = 7 * 24 * 60 * 60 * 1000

/** Defines the tests of the end of records: idle timeouts, removal, and the restoring of lost records. */
export function defineLifetimeTests(test: BackendTest, expect: Expect, { canList }: BackendTraits): void {
  test('hides an idle session after its timeout, even before a sweep', async ({ app, clock, create, store }) => {
    const { key } = await create({ idleMs: 10_000 })
    clock.now += 10_000
    expect(await store.touch(app, key)).toBeDefined()
    clock.now += 10_001
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

  test('expires a session at its end even if it is active', async ({ app, clock, create, store }) => {
    const { key } = await create({ idleMs: 10_000, endsAt: START + 25_000 })
    for (const at of [9000, 18_000, 24_999]) {
      clock.now = START + at
      expect(await store.touch(app, key)).toBeDefined()
    }
    clock.now = START + 25_000
    expect(await store.touch(app, key)).toBeUndefined()
    expect(await store.find(app, key)).toBeUndefined()
  })

  test('keeps an active session many times longer than its idle timeout', async ({ app, clock, create, store }) => {
    const { key } = await create({ idleMs: 10_000 })
    for (let i = 0; i < 10; i++) {
      clock.now += 9000
      expect(await (i % 2 === 0 ? store.touch(app, key) : store.merge(app, key, { i }))).toBeDefined()
    }
    expect(await store.find(app, key)).toBeDefined()
  })

  test('keeps unexpired sessions in a sweep', async ({ app, clock, create, store }) => {
    const { key } = await create()
    const { key: idle } = await create({ idleMs: 1000 })
    const { key: patient } = await create({ idleMs: 60_000 })
    clock.now += 60_000
    await store.sweep()
    expect(await store.find(app, key)).toBeDefined()
    expect(await store.find(app, idle)).toBeUndefined()
    expect(await store.find(app, patient)).toBeDefined()
  })

  test('ends a session only once', async ({ app, create, store }) => {
    const { key } = await create()
    const ended: SessionRecord[] = []
    store.on('ended', (record) => ended.push(record))
    const results = await Promise.all([store.end(app, key), store.end(app, key), store.end(app, key)])
    expect(results.filter((record) => record !== undefined)).toHaveLength(1)
    expect(ended).toHaveLength(1)
    expect(await store.find(app, key)).toBeUndefined()
  })

  test('restores the record of a live session that expired or was lost, and keeps existing data', async ({
    app,
    backend,
    clock,
    create,
    store,
  }) => {
    const live = { app, user: '7', name: 'n', ip: '192.0.2.1', idleMs: 10_000 }
    const { key } = await create({ ...live, data: { a: [] } })
    clock.now += 3_600_000
    expect(await store.restore({ key, ...live }, false)).toBe(true)
    expect(await store.find(app, key)).toMatchObject({ ...live, data: { a: [] }, lastActive: clock.now })
    await backend.remove(key)
    expect(await store.restore({ key, ...live }, true)).toBe(true)
    expect(await store.find(app, key)).toMatchObject({ ...live, data: {} })
  })

  test('does not restore the record of a session that another process ended, even if it was idle for a week', async ({
    app,
    backend,
    clock,
    create,
    store,
    storeOn,
  }) => {
    const { key } = await create({ idleMs: WEEK_MS })
    const other = storeOn(backend, { isElsewhere: () => true })
    const ended = await Promise.all([other.end(app, key), other.end(app, key), other.end(app, key)])
    expect(ended.filter((record) => record !== undefined)).toHaveLength(1)
    clock.now += WEEK_MS
    await other.sweep()
    expect(await store.restore({ key, app, user: 'u' }, true)).toBe(false)
    expect(await store.find(app, key)).toBeUndefined()
  })

  test('uses the time of its server, even if the clock of this process differs', async ({ backend }) => {
    if (backend.time === undefined) return
    const real = Date.now
    Date.now = () => real() + 40 * 60_000
    const other = new SessionStore(backend)
    await other.sweep().finally(() => {
      Date.now = real
    })
    expect(Math.abs(other.now() - Date.now())).toBeLessThan(5000)
  })

  test('does not store tokens', async ({ app, create, harness, store }) => {
    const { key, token } = await create({ name: 'n', data: { a: 1 } })
    await store.touch(app, key)
    await store.merge(app, key, { b: 2 })
    const dump = await harness.dump()
    expect(dump).not.toContain(token)
    expect(dump).not.toContain('Secret-')
  })
}
