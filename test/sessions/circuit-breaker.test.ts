import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ConnectionError, type ConnectionErrorCode } from '../../src/connection/errors.ts'
import { KomError } from '../../src/protocol/errors.ts'
import { CircuitBreaker, ServerDownError } from '../../src/sessions/circuit-breaker.ts'

const RETRY_MS = 1000

let breaker: CircuitBreaker
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'Date'] })
  breaker = new CircuitBreaker(RETRY_MS)
})
afterEach(() => void vi.useRealTimers())

const fail = (code: ConnectionErrorCode = 'unreachable') =>
  breaker.try(() => Promise.reject(new ConnectionError(code, 'why')))
const succeed = () => breaker.try(() => Promise.resolve('made'))
async function failThreeTimes(): Promise<void> {
  for (let n = 0; n < 3; n++) await expect(fail()).rejects.toBeInstanceOf(ConnectionError)
}

describe('CircuitBreaker', () => {
  it('reports null before the first attempt and then whether the last attempt reached the server', async () => {
    expect([breaker.up, breaker.allowsAttempt]).toEqual([null, true])
    await expect(fail()).rejects.toMatchObject({ code: 'unreachable' })
    expect([breaker.up, breaker.allowsAttempt]).toEqual([false, true])
    expect(await succeed()).toBe('made')
    expect([breaker.up, breaker.allowsAttempt]).toEqual([true, true])
  })

  it.each<ConnectionErrorCode>(['unreachable', 'connect-timeout', 'not-lyskom'])(
    'rejects attempts after three that failed with %s',
    async (code) => {
      for (let n = 0; n < 3; n++) await expect(fail(code)).rejects.toBeInstanceOf(ConnectionError)
      expect([breaker.up, breaker.allowsAttempt]).toEqual([false, false])
      const attempt = vi.fn(succeed)
      const refused = breaker.try(attempt)
      await expect(refused).rejects.toMatchObject({ code: 'server-down', retryAfterMs: RETRY_MS })
      await expect(refused).rejects.toThrow('the LysKOM server is down: why')
      expect(attempt).not.toHaveBeenCalled()
    },
  )

  it('allows one attempt at a time after the retry delay', async () => {
    await failThreeTimes()
    vi.advanceTimersByTime(RETRY_MS)
    expect(breaker.allowsAttempt).toBe(true)
    let end: (error: Error) => void = () => undefined
    const one = breaker.try(() => new Promise((_, reject) => (end = reject)))
    expect(breaker.allowsAttempt).toBe(false)
    await expect(succeed()).rejects.toBeInstanceOf(ServerDownError)
    end(new ConnectionError('connect-timeout', 'still'))
    await expect(one).rejects.toThrow('still')
    await expect(succeed()).rejects.toMatchObject({ retryAfterMs: RETRY_MS })
    vi.advanceTimersByTime(RETRY_MS)
    await succeed()
    await Promise.all([succeed(), succeed()])
  })

  it('makes an attempt anyway on request, whose result closes it or opens it again', async () => {
    await failThreeTimes()
    vi.advanceTimersByTime(RETRY_MS / 2)
    const down = new ConnectionError('unreachable', 'still')
    await expect(breaker.tryAnyway(() => Promise.reject(down))).rejects.toBe(down)
    await expect(succeed()).rejects.toMatchObject({ retryAfterMs: RETRY_MS })
    expect(await breaker.tryAnyway(() => Promise.resolve('made'))).toBe('made')
    expect([breaker.up, breaker.allowsAttempt]).toEqual([true, true])
    await Promise.all([succeed(), succeed()])
  })

  it('measures the retry delay with the monotonic clock', async () => {
    await failThreeTimes()
    vi.advanceTimersByTime(RETRY_MS)
    vi.setSystemTime(0)
    await succeed()
  })

  it('reports a server that refuses a client as up, and ignores errors of the gateway', async () => {
    for (let n = 0; n < 5; n++) {
      await expect(breaker.try(() => Promise.reject(new TypeError('ours')))).rejects.toBeInstanceOf(TypeError)
    }
    expect([breaker.up, breaker.allowsAttempt]).toEqual([null, true])
    const refused = KomError.of('string-too-long', 60)
    for (let n = 0; n < 5; n++) await expect(breaker.try(() => Promise.reject(refused))).rejects.toBe(refused)
    expect([breaker.up, breaker.allowsAttempt]).toEqual([true, true])
  })

  it('allows the next attempt immediately after a half-open attempt failed with an error of the gateway', async () => {
    await failThreeTimes()
    vi.advanceTimersByTime(RETRY_MS)
    await expect(breaker.try(() => Promise.reject(new TypeError('ours')))).rejects.toBeInstanceOf(TypeError)
    expect([breaker.up, breaker.allowsAttempt]).toEqual([false, true])
    await succeed()
    expect([breaker.up, breaker.allowsAttempt]).toEqual([true, true])
  })

  it('restarts the retry delay when an attempt from before the circuit breaker opened fails late', async () => {
    let end: (error: Error) => void = () => undefined
    const late = breaker.try(() => new Promise((_, reject) => (end = reject)))
    await failThreeTimes()
    vi.advanceTimersByTime(RETRY_MS / 2)
    end(new ConnectionError('connect-timeout', 'late'))
    await expect(late).rejects.toThrow('late')
    await expect(succeed()).rejects.toMatchObject({ retryAfterMs: RETRY_MS })
  })

  it.each<ConnectionErrorCode>(['server-full', 'connect-refused'])(
    'stays closed after attempts that the server rejects with %s, and reports the server as up',
    async (code) => {
      await expect(fail()).rejects.toMatchObject({ code: 'unreachable' })
      await expect(fail()).rejects.toMatchObject({ code: 'unreachable' })
      for (let n = 0; n < 5; n++) await expect(fail(code)).rejects.toMatchObject({ code })
      expect([breaker.up, breaker.allowsAttempt]).toEqual([true, true])
      // A refusal shows that the server is up, so it resets the count of failures.
      await expect(fail()).rejects.toMatchObject({ code: 'unreachable' })
      expect(breaker.allowsAttempt).toBe(true)
    },
  )

  it('stays closed after attempts that fail because this process has no free file descriptors', async () => {
    for (let n = 0; n < 5; n++) await expect(fail('open-files')).rejects.toMatchObject({ code: 'open-files' })
    expect([breaker.up, breaker.allowsAttempt]).toEqual([null, true])
  })

  it('reports null when the last session on a server is lost', async () => {
    for (let n = 0; n < 3; n++) {
      await succeed()
      breaker.sessionOpened()
    }
    breaker.sessionClosed(true)
    breaker.sessionClosed(false)
    expect(breaker.up).toBe(true)
    breaker.sessionClosed(true)
    expect(breaker.up).toBe(null)
  })

  it('reports a server as up after the gateway closed the last session', async () => {
    await succeed()
    breaker.sessionOpened()
    breaker.sessionClosed(false)
    expect(breaker.up).toBe(true)
  })
})
