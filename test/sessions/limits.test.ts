import { setImmediate as nextTick } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { ConnectionError } from '../../src/connection/errors.ts'
import { KomError } from '../../src/protocol/errors.ts'
import { GuessLimits } from '../../src/sessions/guess-limits.ts'
import { LimitError } from '../../src/sessions/limit-error.ts'
import type { Attempt } from '../../src/sessions/login-failures.ts'
import { type LimitedSession, LoginLimits, outcomeOf } from '../../src/sessions/login-limits.ts'
import { networkOf, networksOf } from '../../src/sessions/network.ts'
import { RateLimit } from '../../src/sessions/rate-limit.ts'
import type { SessionCount } from '../../src/sessions/shared-counts.ts'

function stoppedClock() {
  let now = 1_000_000
  return {
    clock: () => now,
    pass: (ms: number) => {
      now += ms
    },
  }
}

describe('RateLimit', () => {
  it('allows a burst of the maximum number of requests, and the same number in each later period', () => {
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

  it('takes no token for a rejected request', () => {
    const { clock, pass } = stoppedClock()
    const limit = new RateLimit({ max: 1, periodMs: 1000, clock })
    limit.take('a')
    for (let i = 0; i < 100; i++) expect(limit.take('a')).toBe(1000)
    pass(1000)
    expect(limit.take('a')).toBe(0)
  })

  it('counts keys separately and drops the least recently used key when there are too many', () => {
    const { clock } = stoppedClock()
    const limit = new RateLimit({ max: 1, periodMs: 1000, clock })
    for (let i = 0; i < 10_001; i++) expect(limit.take(`key ${i}`)).toBe(0)
    expect(limit.take('key 10000')).toBeGreaterThan(0)
    expect(limit.take('key 1')).toBeGreaterThan(0)
    expect(limit.take('key 0')).toBe(0)
  })

  it('rejects no request with an infinite maximum', () => {
    const limit = new RateLimit({ max: Number.POSITIVE_INFINITY, periodMs: 1000, clock: () => 0 })
    for (let i = 0; i < 1000; i++) expect(limit.take('a')).toBe(0)
  })
})

describe('GuessLimits', () => {
  type Outcome = 'failed' | 'succeeded' | 'unknown'

  function make(options: { free?: number; freeInAll?: number; maxDelayMs?: number } = {}) {
    const { clock, pass } = stoppedClock()
    const guesses = new GuessLimits({
      limit: 'login-failures',
      message: 'Too many.',
      ...{ free: 3, freeInAll: Number.POSITIVE_INFINITY, maxDelayMs: 60_000 },
      ...options,
      clock,
    })
    /** Begins an attempt; returns it, or the milliseconds to wait. */
    const begin = (address: string, subject = 'person') => {
      try {
        return guesses.begin(subject, address)
      } catch (error) {
        if (error instanceof LimitError) return error.retryAfterMs ?? 0
        throw error
      }
    }
    /** Makes an attempt; returns the milliseconds to wait, 0 if it was allowed. */
    const attempt = (outcome: Outcome, address = '192.0.2.1', subject = 'person') => {
      const begun = begin(address, subject)
      if (typeof begun === 'number') return begun
      begun.end(outcome)
      return 0
    }
    return { guesses, begin, attempt, pass }
  }

  it('delays attempts after the free failures, doubling up to the longest delay', () => {
    const { attempt, pass } = make()
    expect([attempt('failed'), attempt('failed'), attempt('failed')]).toEqual([0, 0, 0])
    const waits: number[] = []
    for (let i = 0; i < 9; i++) {
      const waitMs = attempt('failed')
      waits.push(waitMs / 1000)
      pass(waitMs - 1)
      expect(attempt('succeeded')).toBe(1)
      pass(1)
      expect(attempt('failed')).toBe(0)
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60])
  })

  it('resets the failures after a successful attempt', () => {
    const { attempt, pass } = make()
    for (let i = 0; i < 3; i++) attempt('failed')
    pass(1000)
    expect(attempt('succeeded')).toBe(0)
    expect([attempt('failed'), attempt('failed'), attempt('failed')]).toEqual([0, 0, 0])
    expect(attempt('failed')).toBe(1000)
  })

  it('expires failures after 12 times the longest delay, not earlier', () => {
    const { attempt, pass } = make({ maxDelayMs: 4000 })
    for (let i = 0; i < 6; i++) {
      attempt('failed')
      pass(4000)
    }
    expect(attempt('failed')).toBe(0)
    expect(attempt('failed')).toBe(4000)
    pass(4000 * 12 + 1)
    expect([attempt('failed'), attempt('failed')]).toEqual([0, 0])
  })

  it('counts failures separately for each subject and each network', () => {
    const { attempt } = make()
    for (let i = 0; i < 3; i++) attempt('failed')
    expect([attempt('failed'), attempt('failed', '192.0.2.1', 'other'), attempt('failed', '192.0.2.2')]).toEqual([
      1000, 0, 0,
    ])
  })

  it('limits concurrent attempts before the first one has failed', () => {
    const { begin } = make()
    const begun = Array.from({ length: 100 }, () => begin('192.0.2.1')).filter((each) => typeof each !== 'number')
    expect(begun).toHaveLength(3)
    expect(begun.map(({ pending }) => pending)).toEqual([1, 2, 3])
  })

  /** Begins `count` attempts when there is room. Returns those that have begun and the waits of the rejected ones. */
  const beginMany = ({ guesses }: ReturnType<typeof make>, count: number, address = '192.0.2.1') => {
    const begun: Attempt[] = []
    const waits: number[] = []
    const attempts = Array.from({ length: count }, async () => {
      try {
        begun.push(await guesses.whenFree('person', address, () => guesses.begin('person', address)))
      } catch (error) {
        if (!(error instanceof LimitError)) throw error
        waits.push(error.retryAfterMs ?? 0)
      }
    })
    return { begun, waits, settled: Promise.all(attempts) }
  }

  it('begins waiting attempts in order as earlier ones succeed', async () => {
    const { begun, waits, settled } = beginMany(make(), 50)
    for (let ended = 0; ended < 50; ended++) {
      await nextTick()
      expect(begun).toHaveLength(Math.min(50, ended + 3))
      begun[ended]?.end('succeeded')
    }
    await settled
    expect(waits).toEqual([])
  })

  it('rejects waiting attempts with the delay when the pending ones have failed', async () => {
    const { begun, waits, settled } = beginMany(make(), 50)
    await nextTick()
    expect(begun).toHaveLength(3)
    for (const attempt of begun.slice()) attempt.end('failed')
    await settled
    expect(begun).toHaveLength(3)
    expect(waits).toEqual(Array(47).fill(1000))
  })

  it('rejects attempts immediately when 100 attempts wait', async () => {
    const { begun, waits } = beginMany(make(), 150)
    await nextTick()
    expect(begun).toHaveLength(3)
    expect(waits).toEqual(Array(47).fill(1000))
  })

  it('rejects a waiting attempt after 10 s', async () => {
    const made = make()
    const { begun, waits, settled } = beginMany(made, 10)
    await nextTick()
    expect(begun).toHaveLength(3)
    made.pass(10_000)
    begun[0]?.end('unknown')
    await settled
    expect(begun).toHaveLength(4)
    expect(waits).toEqual(Array(6).fill(1000))
  })

  it('does not count attempts with an unknown outcome as failures', () => {
    const { attempt } = make()
    for (let i = 0; i < 20; i++) expect(attempt('unknown')).toBe(0)
  })

  /** Returns how many of `count` failing attempts from alternating addresses are allowed, without waiting. */
  const made = (
    attempt: (outcome: Outcome, address: string) => number,
    count: number,
    address: (i: number) => string,
  ) => Array.from({ length: count }, (_, i) => attempt('failed', address(i))).filter((waitMs) => waitMs === 0).length

  it.each<[string, number, (i: number) => string]>([
    ['1,000 /64 networks of a /48', 24, (i) => `2001:db8:1:${(i % 1000).toString(16)}::1`],
    ['the /64 networks of a /56', 12, (i) => `2001:db8:1:1${(i % 256).toString(16).padStart(2, '0')}::1`],
    ['the addresses of an IPv4 /24', 12, (i) => `192.0.2.${i % 256}`],
    ['one /64', 3, (i) => `2001:db8:1:1:${(i % 1000).toString(16)}::1`],
  ])('counts failures from %s together and allows %i attempts', (_, expected, address) => {
    const { attempt } = make()
    expect(made(attempt, 5000, address)).toBe(expected)
  })

  it('counts failures from any number of networks together', () => {
    const { attempt } = make({ freeInAll: 50 })
    expect(made(attempt, 5000, (i) => `2001:db8:${(i % 1000).toString(16)}::1`)).toBe(50)
  })

  it('limits concurrent attempts from any number of networks before the first one has failed', () => {
    const { begin } = make({ freeInAll: 50 })
    const begun = Array.from({ length: 1000 }, (_, i) => begin(`2001:db8:${i.toString(16)}::1`))
    expect(begun.filter((each) => typeof each !== 'number')).toHaveLength(50)
  })

  it('does not delay a network with an earlier success because of failures elsewhere', () => {
    const { attempt } = make({ freeInAll: 50 })
    for (const home of ['2001:db8:1:7::1', '192.0.2.7']) expect(attempt('succeeded', home)).toBe(0)
    made(attempt, 5000, (i) => `2001:db8:1:${((i % 1000) + 16).toString(16)}::1`)
    made(attempt, 5000, (i) => `192.0.2.${(i % 200) + 10}`)
    made(attempt, 5000, (i) => `2001:db8:${(i % 1000).toString(16)}:9::1`)
    expect(attempt('failed', '192.0.2.8')).toBeGreaterThan(0)
    expect(attempt('failed', '198.51.100.1')).toBeGreaterThan(0)
    for (const home of ['2001:db8:1:7:ffff::2', '192.0.2.7']) {
      expect([attempt('failed', home), attempt('failed', home), attempt('succeeded', home)]).toEqual([0, 0, 0])
    }
    expect(attempt('failed', '2001:db8:1:7::1', 'other')).toBe(0)
  })

  it('counts failures from a network with an earlier success against that network', () => {
    const { attempt } = make()
    attempt('succeeded')
    expect([attempt('failed'), attempt('failed'), attempt('failed'), attempt('failed')]).toEqual([0, 0, 0, 1000])
  })

  it('allows an attempt from a new network after at most the longest delay, despite failures elsewhere', () => {
    const { attempt, pass } = make({ freeInAll: 50 })
    made(attempt, 5000, (i) => `2001:db8:${(i % 1000).toString(16)}::1`)
    const waitMs = attempt('succeeded', '198.51.100.1')
    expect(waitMs).toBe(1000)
    for (let passed = 0; passed < waitMs; passed += 100) {
      made(attempt, 100, (i) => `2001:db8:${i.toString(16)}::1`)
      expect(attempt('succeeded', '198.51.100.1')).toBe(waitMs - passed)
      pass(100)
    }
    expect(attempt('succeeded', '198.51.100.1')).toBe(0)
    for (let i = 0; i < 10; i++) {
      pass(60_000)
      made(attempt, 100, (n) => `2001:db8:${(n + 4096).toString(16)}::1`)
    }
    expect(attempt('failed', '203.0.113.1')).toBe(60_000)
    pass(60_000)
    expect(attempt('failed', '203.0.113.1')).toBe(0)
    expect(attempt('failed', '203.0.113.1')).toBe(60_000)
  })

  it('changes no state when it rejects an attempt', () => {
    const { attempt, pass } = make({ freeInAll: 1, maxDelayMs: 1000 })
    attempt('failed', '198.51.100.1')
    for (let i = 0; i < 100; i++) expect(attempt('failed')).toBe(1000)
    pass(1000)
    expect(attempt('failed')).toBe(0)
  })

  it('applies the same limits to attempts whose outcome is already known', () => {
    const { guesses } = make()
    const check =
      (isGood: boolean, address = '192.0.2.1') =>
      () =>
        guesses.check('keys', address, isGood)
    check(true)()
    for (let i = 0; i < 3; i++) check(false)()
    expect(check(false)).toThrow('Too many.')
    expect(check(true)).not.toThrow()
    expect(check(false)).toThrow('Too many.')
    for (let i = 0; i < 3; i++) check(false, '192.0.2.2')()
    expect(check(true, '192.0.2.2')).toThrow('Too many.')
    expect(check(true, '192.0.2.3')).not.toThrow()
  })
})

/** Returns false if `take` throws a `LimitError`. */
function isAllowed(take: () => void): boolean {
  try {
    take()
    return true
  } catch (error) {
    if (error instanceof LimitError) return false
    throw error
  }
}

describe('LoginLimits', () => {
  const sessionOn = (serverId: string): LimitedSession => ({
    serverId,
    clientAddress: '192.0.2.1',
    isClosing: false,
    hasStreams: true,
    requests: 0,
    lastUsed: 0,
    close: () => Promise.reject(new Error('has a stream')),
  })
  const session = sessionOn('kom')

  it.each([
    ['a wrong password', new KomError(4, 6), true],
    ['an unknown person', new KomError(10, 6), true],
    ['a lost connection', new ConnectionError('connection-closed', 'x'), true],
    ['a server that allows no logins', new KomError(7, 0), false],
    ['a call that was never made', new ConnectionError('too-many-calls', 'x'), false],
    ['another limit', new LimitError('sessions-per-person', 'x'), false],
    ['an internal error', new TypeError('x'), false],
  ])('counts logins that end with %s (%o) as failures: %s', (_, error, counts) => {
    const { clock } = stoppedClock()
    const limits = new LoginLimits({ freeLoginFailures: 1, clock })
    limits.beginLogin(session, 6).end(outcomeOf(error))
    const next = () => limits.beginLogin(session, 6)
    if (counts) expect(next).toThrow(expect.objectContaining({ code: 'login-failures', retryAfterMs: 1000 }))
    else expect(next).not.toThrow()
  })

  it('counts password checks and logins against one limit', () => {
    const { clock } = stoppedClock()
    const limits = new LoginLimits({ freeLoginFailures: 1, clock })
    limits.beginGuess(session, 6).end('failed')
    expect(() => limits.beginGuess(session, 6)).toThrow(LimitError)
    expect(() => limits.beginLogin(session, 6)).toThrow(LimitError)
    expect(() => limits.beginLogin(session, 7)).not.toThrow()
  })

  it('closes as many sessions of a person as there are too many in all processes, however often they ask', async () => {
    const exchange = async (counts: readonly SessionCount[]) => counts.map(() => ({ sessions: 2 }))
    const limits = new LoginLimits({ counts: { exchange, publish: () => undefined }, maxSessionsPerPerson: 4 })
    const closed: number[] = []
    for (let i = 0; i < 3; i++) {
      const idle: LimitedSession = {
        ...sessionOn('kom'),
        hasStreams: false,
        lastUsed: i,
        close: async () => {
          closed.push(i)
          limits.recordClosing(idle, 6)
        },
      }
      limits.recordPerson(idle, 0, 6)
    }
    await Promise.all([limits.replaceLongestIdle('kom 6'), limits.replaceLongestIdle('kom 6')])
    expect(closed).toEqual([0])
  })

  it('limits the sessions of a person, counting pending logins and other ids of the same server', () => {
    const [kom, other] = [
      { host: 'KOM.example', port: 4894 },
      { host: 'other.example', port: 4894 },
    ]
    const servers = new Map([
      ['kom', kom],
      ['twin', { host: 'kom.example', port: 4894 }],
      ['other', other],
    ])
    const limits = new LoginLimits({ servers, maxSessionsPerPerson: 2 })
    limits.recordPerson(session, 0, 6)
    const pending = limits.beginLogin(sessionOn('twin'), 6)
    expect(() => limits.beginLogin(sessionOn('kom'), 6)).toThrow(
      expect.objectContaining({ code: 'sessions-per-person' }),
    )
    expect(() => limits.beginLogin(sessionOn('other'), 6)).not.toThrow()
    pending.end('failed')
    limits.beginLogin(sessionOn('kom'), 6).end('succeeded')
    limits.recordPerson(session, 6, 0)
  })

  it('limits logins per minute for each address, with 4 times the limit for a /56 or /24 and 8 times for a /48', () => {
    const { clock } = stoppedClock()
    const limits = new LoginLimits({ maxLoginsPerMinute: 10, clock })
    const taken = (address: (i: number) => string) =>
      Array.from({ length: 1000 }, (_, i) =>
        isAllowed(() => limits.countLogin({ ...session, clientAddress: address(i) })),
      ).filter(Boolean).length
    expect(taken(() => '2001:db8:1:1::1')).toBe(10)
    expect(taken((i) => `2001:db8:1:${(i % 256).toString(16)}::1`)).toBe(30)
    expect(taken((i) => `2001:db8:1:${(i % 250).toString(16)}00::1`)).toBe(40)
    expect(taken((i) => `192.0.2.${i % 256}`)).toBe(40)
    expect(taken((i) => `198.51.${i % 256}.1`)).toBe(1000)
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
])('networkOf(%s) returns %s', (address, network) => {
  expect(networkOf(address)).toBe(network)
})

it.each([
  ['192.0.2.1', ['192.0.2.1', '192.0.2.0/24']],
  ['unknown', ['unknown']],
  ['2001:db8:1:2345:6:7:8:9', ['2001:db8:1:2345::/64', '2001:db8:1:2300::/56', '2001:db8:1::/48']],
  ['2001:db8:1:45::', ['2001:db8:1:45::/64', '2001:db8:1:0::/56', '2001:db8:1::/48']],
  ['2001:db8::1', ['2001:db8:0:0::/64', '2001:db8:0:0::/56', '2001:db8:0::/48']],
  ['::1', ['0:0:0:0::/64', '0:0:0:0::/56', '0:0:0::/48']],
])('networksOf(%s) returns %j', (address, networks) => {
  expect(networksOf(address)).toEqual(networks)
})
