import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { MemoryBackend } from '../../src/store/backends/memory.ts'
import { StoreError } from '../../src/store/errors.ts'
import { type Key, keyOf, type SessionRecord } from '../../src/store/record.ts'
import { SessionStore } from '../../src/store/store.ts'

const KEY = keyOf('token')
const LIMITS = { maxRecords: 10, maxBytes: 10_000 }

/** A backend whose server may stop replying; calls then fail after a timeout. */
class Hung extends MemoryBackend {
  isHung = false
  timeouts = 0

  override async find(key: Key): Promise<SessionRecord | undefined> {
    if (!this.isHung) return await super.find(key)
    this.timeouts++
    await sleep(20)
    throw new StoreError('unavailable', 'no reply')
  }
}

/** A backend that is full: it accepts reads and removals alone. */
class Full extends MemoryBackend {
  isFull = false

  override async insert(record: SessionRecord): Promise<void> {
    this.#check()
    await super.insert(record)
  }

  override async touch(app: string, key: Key, now: number): Promise<SessionRecord | undefined> {
    this.#check()
    return await super.touch(app, key, now)
  }

  #check(): void {
    if (this.isFull) throw new StoreError('full', 'the store is full')
  }
}

describe('SessionStore', () => {
  it('reads sessions without counting the reads while the store is full', async () => {
    const backend = new Full(LIMITS)
    const store = new SessionStore(backend)
    await store.create({ key: KEY, app: 'a', user: 'u' })
    backend.isFull = true
    expect(await store.touch('a', KEY)).toMatchObject({ user: 'u', reads: 0 })
    expect(await store.touch('another', KEY)).toBeUndefined()
    backend.isFull = false
    expect(await store.touch('a', KEY)).toMatchObject({ reads: 0 })
    expect(await store.find('a', KEY)).toMatchObject({ reads: 1 })
    await store.close()
  })

  it('rejects the end of a session with full if the process that holds it cannot be notified', async () => {
    const backend = new Full(LIMITS)
    let isElsewhere = true
    const store = new SessionStore(backend, { isElsewhere: () => isElsewhere })
    const create = () => store.create({ key: KEY, app: 'a', user: 'u' })
    for (const end of [() => store.end('a', KEY), () => store.endUser('a', 'u'), () => store.endApp('a')]) {
      backend.isFull = false
      await create()
      backend.isFull = true
      await expect(end()).rejects.toMatchObject({ name: 'StoreError', code: 'full' })
    }
    isElsewhere = false
    backend.isFull = false
    await create()
    backend.isFull = true
    expect(await store.end('a', KEY)).toMatchObject({ key: KEY })
    await store.close()
  })

  it('rejects all waiting writes of a session together when the server does not reply', async () => {
    const backend = new Hung(LIMITS)
    const store = new SessionStore(backend)
    await store.create({ key: KEY, app: 'a', user: 'u' })
    backend.isHung = true
    const writes = [
      ...Array.from({ length: 8 }, (_, n) => store.merge('a', KEY, { n })),
      store.change('a', KEY, { user: 'v' }),
      store.changeKey('a', KEY, keyOf('new')),
    ]
    for (const result of await Promise.allSettled(writes)) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } })
    }
    expect(backend.timeouts).toBe(1)
    backend.isHung = false
    expect((await store.merge('a', KEY, { n: 9 }))?.data).toEqual({ n: 9 })
    await store.close()
  })
})
