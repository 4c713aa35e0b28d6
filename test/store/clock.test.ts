import { afterEach, expect, test, vi } from 'vitest'
import { MemoryBackend } from '../../src/store/backends/memory.ts'
import { StoreClock } from '../../src/store/clock.ts'
import { keyOf } from '../../src/store/record.ts'
import { SessionStore } from '../../src/store/store.ts'

const HOUR_MS = 3_600_000

afterEach(() => void vi.restoreAllMocks())

function setWallClock(ahead: number): void {
  const time = Date.now() + ahead
  vi.spyOn(Date, 'now').mockReturnValue(time)
}

test.each([HOUR_MS, -HOUR_MS, 50 * 365 * 24 * HOUR_MS])(
  'SessionStore expires no record after a wall-clock step of %i ms',
  async (step) => {
    const store = new SessionStore(new MemoryBackend({ maxRecords: 10, maxBytes: 1000 }))
    const key = keyOf('token')
    await store.create({ key, app: 'a', user: 'u', idleMs: 60_000, endsAt: store.now() + 60_000 })
    setWallClock(step)
    await store.sweep()
    expect(await store.touch('a', key)).toBeDefined()
    expect(await store.countActiveUsers('a', 60_000)).toBe(1)
  },
)

test("StoreClock follows the server's clock, and continues unchanged after a failed synchronization", async () => {
  let answer: () => Promise<number> = async () => 1000
  const clock = new StoreClock(() => answer())
  await clock.sync()
  expect(clock.now()).toBeGreaterThanOrEqual(999)
  expect(clock.now()).toBeLessThan(60_000)
  for (const bad of [() => Promise.reject(new Error('unavailable')), async () => Number.NaN]) {
    answer = bad
    await clock.sync()
    expect(clock.now()).toBeLessThan(60_000)
  }
})
