import { describe, expect, it } from 'vitest'
import { Conflict, retryOnConflict } from '../../src/store/retry.ts'

/** Returns an attempt that conflicts `conflicts` times and then resolves with the number of attempts. */
function conflicting(conflicts: number, error?: unknown) {
  let made = 0
  const attempt = async () => (++made <= conflicts ? new Conflict(error) : made)
  return { attempt, made: () => made }
}

describe('retryOnConflict', () => {
  it('resolves with the result of the first attempt without a conflict', async () => {
    expect(await retryOnConflict(conflicting(0).attempt, { attempts: 1 })).toBe(1)
    expect(await retryOnConflict(conflicting(4).attempt, { attempts: 5, pauseMs: 1, maxPauseMs: 2 })).toBe(5)
  })

  it('rejects with contended after the last attempt', async () => {
    const { attempt, made } = conflicting(5)
    const contended = { name: 'StoreError', code: 'contended' }
    await expect(retryOnConflict(attempt, { attempts: 5 })).rejects.toMatchObject(contended)
    expect(made()).toBe(5)
  })

  it('rejects with the error of the last conflict, if it has one', async () => {
    const error = new Error('deadlock')
    await expect(retryOnConflict(conflicting(5, error).attempt, { attempts: 5 })).rejects.toBe(error)
  })

  it('does not repeat an attempt that rejects', async () => {
    let made = 0
    const attempt = async () => {
      made++
      throw new Error('unavailable')
    }
    await expect(retryOnConflict(attempt, { attempts: 5 })).rejects.toThrow('unavailable')
    expect(made).toBe(1)
  })
})
