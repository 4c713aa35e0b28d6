import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ConnectionError, type ConnectionErrorCode } from '../../src/connection/errors.ts'
import { KomError } from '../../src/protocol/errors.ts'
import { Breaker, ServerDownError } from '../../src/sessions/breaker.ts'

const RETRY_MS = 1000

let breaker: Breaker
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'Date'] })
  breaker = new Breaker(RETRY_MS)
})
afterEach(() => void vi.useRealTimers())

const fail = (code: ConnectionErrorCode = 'unreachable') =>
  breaker.try(() => Promise.reject(new ConnectionError(code, 'why')))
const succeed = () => breaker.try(() => Promise.resolve('made'))
async function failThreeTimes(): Promise<void> {
  for (let n = 0; n < 3; n++) await expect(fail()).rejects.toBeInstanceOf(ConnectionError)
}

describe('the breaker', () => {
  it('knows nothing before the first attempt, and then what came of the last', async () => {
    expect([breaker.up, breaker.isLetting]).toEqual([null, true])
    await expect(fail()).rejects.toMatchObject({ code: 'unreachable' })
    expect([breaker.up, breaker.isLetting]).toEqual([false, true])
    expect(await succeed()).toBe('made')
    expect([breaker.up, breaker.isLetting]).toEqual([true, true])
  })

  it.each<ConnectionErrorCode>(['unreachable', 'connect-timeout', 'not-lyskom'])(
    'lets nobody through after three attempts that end with %s',
    async (code) => {
      for (let n = 0; n < 3; n++) await expect(fail(code)).rejects.toBeInstanceOf(ConnectionError)
      expect([breaker.up, breaker.isLetting]).toEqual([false, false])
      const attempt = vi.fn(succeed)
      const refused = breaker.try(attempt)
      await expect(refused).rejects.toMatchObject({ code: 'server-down', retryAfterMs: RETRY_MS })
      await expect(refused).rejects.toThrow('the LysKOM server is down: why')
      expect(attempt).not.toHaveBeenCalled()
    },
  )

  it('lets one through each time the wait is over, and nobody beside it', async () => {
    await failThreeTimes()
    vi.advanceTimersByTime(RETRY_MS)
    expect(breaker.isLetting).toBe(true)
    let end: (error: Error) => void = () => undefined
    const one = breaker.try(() => new Promise((_, reject) => (end = reject)))
    expect(breaker.isLetting).toBe(false)
    await expect(succeed()).rejects.toBeInstanceOf(ServerDownError)
    end(new ConnectionError('connect-timeout', 'still'))
    await expect(one).rejects.toThrow('still')
    await expect(succeed()).rejects.toMatchObject({ retryAfterMs: RETRY_MS })
    vi.advanceTimersByTime(RETRY_MS)
    await succeed()
    await Promise.all([succeed(), succeed()])
  })

  it('goes by a clock that nobody sets', async () => {
    await failThreeTimes()
    vi.advanceTimersByTime(RETRY_MS)
    vi.setSystemTime(0)
    await succeed()
  })

  it('takes a server that refuses one client for up, and our own faults for nothing', async () => {
    for (let n = 0; n < 5; n++) {
      await expect(breaker.try(() => Promise.reject(new TypeError('ours')))).rejects.toBeInstanceOf(TypeError)
    }
    expect([breaker.up, breaker.isLetting]).toEqual([null, true])
    const refused = KomError.of('string-too-long', 60)
    for (let n = 0; n < 5; n++) await expect(breaker.try(() => Promise.reject(refused))).rejects.toBe(refused)
    expect([breaker.up, breaker.isLetting]).toEqual([true, true])
  })

  it.each<ConnectionErrorCode>(['server-full', 'connect-refused'])(
    'stays closed after attempts that the server rejects with %s, and counts the server as up',
    async (code) => {
      await expect(fail()).rejects.toMatchObject({ code: 'unreachable' })
      await expect(fail()).rejects.toMatchObject({ code: 'unreachable' })
      for (let n = 0; n < 5; n++) await expect(fail(code)).rejects.toMatchObject({ code })
      expect([breaker.up, breaker.isLetting]).toEqual([true, true])
      // A rejection proves that the server is there, so the failures before it do not count any more.
      await expect(fail()).rejects.toMatchObject({ code: 'unreachable' })
      expect(breaker.isLetting).toBe(true)
    },
  )

  it('stays closed when this process has no file descriptors left', async () => {
    for (let n = 0; n < 5; n++) await expect(fail('open-files')).rejects.toMatchObject({ code: 'open-files' })
    expect([breaker.up, breaker.isLetting]).toEqual([null, true])
  })

  it('does not know any more when the last line to a server is lost', async () => {
    for (let n = 0; n < 3; n++) {
      await succeed()
      breaker.lineOpened()
    }
    breaker.lineClosed(true)
    breaker.lineClosed(false)
    expect(breaker.up).toBe(true)
    breaker.lineClosed(true)
    expect(breaker.up).toBe(null)
  })

  it('knows of a server whose last line we closed', async () => {
    await succeed()
    breaker.lineOpened()
    breaker.lineClosed(false)
    expect(breaker.up).toBe(true)
  })
})
