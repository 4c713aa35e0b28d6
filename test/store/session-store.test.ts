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

describe('SessionStore', () => {
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
