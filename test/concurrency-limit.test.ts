import { describe, expect, it } from 'vitest'
import { ConcurrencyLimit } from '../src/concurrency-limit.ts'

describe('ConcurrencyLimit', () => {
  it('runs functions in the order of the calls, at most the given number at the same time', async () => {
    const limit = new ConcurrencyLimit(2)
    const started: number[] = []
    const finish: (() => void)[] = []
    const results = [0, 1, 2, 3].map((i) =>
      limit.run(async () => {
        started.push(i)
        await new Promise<void>((resolve) => finish.push(resolve))
        return i
      }),
    )
    expect(started).toEqual([0, 1])
    finish[1]?.()
    await results[1]
    await expect.poll(() => started).toEqual([0, 1, 2])
    finish[0]?.()
    await expect.poll(() => started).toEqual([0, 1, 2, 3])
    for (const each of finish) each()
    expect(await Promise.all(results)).toEqual([0, 1, 2, 3])
  })

  it('starts no function after an error, and rejects the later ones with it', async () => {
    const limit = new ConcurrencyLimit(1)
    const error = new Error('x')
    let isRun = false
    const failed = limit.run(() => Promise.reject(error))
    const later = limit.run(async () => {
      isRun = true
    })
    await expect(failed).rejects.toBe(error)
    await expect(later).rejects.toBe(error)
    expect(isRun).toBe(false)
  })
})
