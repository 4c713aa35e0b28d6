import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { MemoryBackend } from '../../src/store/backends/memory.ts'
import { type Key, keyOf, type SessionRecord } from '../../src/store/record.ts'
import { SessionStore } from '../../src/store/store.ts'
import { all } from '../support/all.ts'
import { describeStore } from './contract.ts'

/** A backend that knows the keys of all records that were added. */
class Recording extends MemoryBackend {
  readonly keys: Key[] = []

  override async insert(record: SessionRecord): Promise<void> {
    this.keys.push(record.key)
    await super.insert(record)
  }
}

describeStore('memory', async () => {
  const backend = new Recording({ maxRecords: 10_000, maxBytes: 10_000_000 })
  return {
    open: async () => backend,
    dump: async () =>
      inspect(await Promise.all(backend.keys.map((key) => backend.find(key))), { depth: 9, maxArrayLength: null }),
    close: async () => undefined,
  }
})

test('MemoryBackend rejects records above its limits, and accepts new ones after removals', async () => {
  const store = new SessionStore(new MemoryBackend({ maxRecords: 3, maxBytes: 1000 }))
  const create = (token: string, text: string) =>
    store.create({ key: keyOf(token), app: 'a', user: 'u', data: { text } })
  await create('1', 'x'.repeat(400))
  await create('2', 'x'.repeat(400))
  await expect(create('3', 'x'.repeat(400))).rejects.toMatchObject({ code: 'full' })
  await expect(store.merge('a', keyOf('1'), { more: 'x'.repeat(400) })).rejects.toMatchObject({ code: 'full' })
  await create('3', '')
  await expect(create('4', '')).rejects.toMatchObject({ code: 'full' })
  await store.end('a', keyOf('1'))
  await create('4', 'x'.repeat(400))
})

test('MemoryBackend rejects a second record with the same key', async () => {
  const backend = new MemoryBackend({ maxRecords: 3, maxBytes: 1000 })
  const store = new SessionStore(backend)
  const session = { key: keyOf('1'), app: 'a', user: 'u' }
  await store.create(session)
  await expect(store.create(session)).rejects.toThrow('there is a record with this key')
  await backend.remove(session.key)
  expect(await all(store.listActive('a', 1000, 10))).toEqual([])
})

test('MemoryBackend removes all expired records in several sweeps', async () => {
  let now = 0
  const backend = new MemoryBackend({ maxRecords: 50_000, maxBytes: 10_000_000 })
  const store = new SessionStore(backend, { clock: () => now })
  for (let i = 0; i < 50_000; i++)
    await store.create({ key: keyOf(`t${i}`), app: 'a', user: `u${i}`, idleMs: i % 2 === 0 ? 10 : 1e9 })
  now = 100
  await expect(store.create({ key: keyOf('late'), app: 'a', user: 'u' })).rejects.toMatchObject({ code: 'full' })
  for (let i = 0; i < 4; i++) await store.sweep()
  expect(await all(store.listActive('a', 1000, 100_000))).toHaveLength(25_000)
  for (let i = 0; i < 25_000; i++) await store.create({ key: keyOf(`n${i}`), app: 'a', user: 'u' })
})
