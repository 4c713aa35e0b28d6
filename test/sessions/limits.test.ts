import { describe, expect, it } from 'vitest'
import { ConnectionError } from '../../src/connection/errors.ts'
import { KomError } from '../../src/protocol/errors.ts'
import { LimitError } from '../../src/sessions/limit-error.ts'
import { LoginFailures } from '../../src/sessions/login-failures.ts'
import { networkOf } from '../../src/sessions/network.ts'
import { RateLimit } from '../../src/sessions/rate-limit.ts'

function stoppedClock() {
  let now = 1_000_000
  return {
    clock: () => now,
    pass: (ms: number) => {
      now += ms
    },
  }
}

describe('a rate limit', () => {
  it('lets so many pass at once, and so many in each period from then on', () => {
    const { clock, pass } = stoppedClock()
    const limit = new RateLimit({ max: 3, periodMs: 60_000, clock })
    expect([1, 2, 3].map(() => limit.take('a'))).toEqual([0, 0, 0])
    expect(limit.take('a')).toBe(20_000)
    pass(19_999)
    expect(limit.take('a')).toBe(1)
    pass(1)
    expect(limit.take('a')).toBe(0)
    expect(limit.take('a')).toBe(20_000)
    pass(1_000_000)
    expect([1, 2, 3, 4].map(() => limit.take('a') === 0)).toEqual([true, true, true, false])
  })

  it('takes nothing for what it turns away', () => {
    const { clock, pass } = stoppedClock()
    const limit = new RateLimit({ max: 1, periodMs: 1000, clock })
    limit.take('a')
    for (let i = 0; i < 100; i++) expect(limit.take('a')).toBe(1000)
    pass(1000)
    expect(limit.take('a')).toBe(0)
  })

  it('counts each key for itself, and forgets those of long ago when there are too many', () => {
    const { clock } = stoppedClock()
    const limit = new RateLimit({ max: 1, periodMs: 1000, clock })
    for (let i = 0; i < 10_001; i++) expect(limit.take(`key ${i}`)).toBe(0)
    expect(limit.take('key 10000')).toBeGreaterThan(0)
    expect(limit.take('key 1')).toBeGreaterThan(0)
    expect(limit.take('key 0')).toBe(0)
  })

  it('is none with room for any number', () => {
    const limit = new RateLimit({ max: Number.POSITIVE_INFINITY, periodMs: 1000, clock: () => 0 })
    for (let i = 0; i < 1000; i++) expect(limit.take('a')).toBe(0)
  })
})

describe('failed logins', () => {
  const wrong = () => Promise.reject(new KomError(4, 6))
  const right = () => Promise.resolve()

  function make(options: { free?: number; maxDelayMs?: number } = {}) {
    const { clock, pass } = stoppedClock()
    const failures = new LoginFailures({ free: 3, maxDelayMs: 60_000, ...options, clock })
    /** How long there is to wait, 0 when the attempt was made. */
    const attempt = async (how: (pending: number) => Promise<void>, key = 'a') => {
      try {
        await failures.try(key, how)
      } catch (error) {
        if (error instanceof LimitError) return error.retryAfterMs
      }
      return 0
    }
    return { failures, attempt, pass }
  }

  it('cost nothing at first, then a wait that doubles up to a longest one', async () => {
    const { attempt, pass } = make()
    expect([await attempt(wrong), await attempt(wrong), await attempt(wrong)]).toEqual([0, 0, 0])
    const waits: number[] = []
    for (let i = 0; i < 9; i++) {
      const waitMs = await attempt(wrong)
      waits.push(waitMs / 1000)
      pass(waitMs - 1)
      expect(await attempt(right)).toBe(1)
      pass(1)
      expect(await attempt(wrong)).toBe(0)
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60])
  })

  it('are forgiven by a login that succeeds', async () => {
    const { attempt, pass } = make()
    for (let i = 0; i < 3; i++) await attempt(wrong)
    pass(1000)
    expect(await attempt(right)).toBe(0)
    expect([await attempt(wrong), await attempt(wrong), await attempt(wrong)]).toEqual([0, 0, 0])
    expect(await attempt(wrong)).toBe(1000)
  })

  it('are forgotten long after the longest wait, and not by it', async () => {
    const { attempt, pass } = make({ maxDelayMs: 4000 })
    for (let i = 0; i < 6; i++) {
      await attempt(wrong)
      pass(4000)
    }
    expect(await attempt(wrong)).toBe(0)
    expect(await attempt(wrong)).toBe(4000)
    pass(4000 * 12 + 1)
    expect([await attempt(wrong), await attempt(wrong)]).toEqual([0, 0])
  })

  it('count for one key each', async () => {
    const { attempt } = make()
    for (let i = 0; i < 3; i++) await attempt(wrong)
    expect([await attempt(wrong), await attempt(wrong, 'b')]).toEqual([1000, 0])
  })

  it('cannot be had many at once before the first has failed', async () => {
    const { attempt } = make()
    let asked = 0
    const slow = async () => {
      asked++
      await new Promise((resolve) => setTimeout(resolve, 5))
      await wrong()
    }
    await Promise.all(Array.from({ length: 100 }, () => attempt(slow)))
    expect(asked).toBe(3)
  })

  it('tell an attempt how many are under way', async () => {
    const { attempt } = make()
    const seen: number[] = []
    const look = async (pending: number) => void seen.push(pending)
    await Promise.all([attempt(look), attempt(look)])
    await attempt(look)
    expect(seen).toEqual([1, 2, 1])
  })

  it.each([
    ['a wrong password', new KomError(4, 6), true],
    ['a person who is not there', new KomError(10, 6), true],
    ['a line that was cut, by the client perhaps', new ConnectionError('line-closed', 'x'), true],
    ['a server that lets nobody in', new KomError(7, 0), false],
    ['a call that was never made', new ConnectionError('too-many-calls', 'x'), false],
    ['another limit', new LimitError('sessions-per-person', 'x'), false],
    ['a fault of our own', new TypeError('x'), false],
  ])('are %s: %o %s', async (_, error, counts) => {
    const { attempt, failures } = make({ free: 1 })
    await expect(failures.try('a', () => Promise.reject(error))).rejects.toBe(error)
    expect(await attempt(right)).toBe(counts ? 1000 : 0)
  })
})

it.each([
  ['192.0.2.1', '192.0.2.1'],
  ['unknown', 'unknown'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2:ffff::', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['1:2::3:4:5:6:7', '1:2:0:3::/64'],
  ['::2:3:4:5:6:7:8', '0:2:3:4::/64'],
  ['1:2:3::5:6:1.2.3.4', '1:2:3:0::/64'],
])('the network of %s is %s', (address, network) => {
  expect(networkOf(address)).toBe(network)
})
