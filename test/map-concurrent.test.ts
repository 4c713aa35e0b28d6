import { describe, expect, it } from 'vitest'
import { mapConcurrent } from '../src/map-concurrent.ts'

const ITEMS = Array.from({ length: 20 }, (_, i) => i)

describe('mapConcurrent', () => {
  it.each([1, 3, 100])('resolves with the results in the order of the items, %i at a time', async (concurrency) => {
    let running = 0
    let most = 0
    const work = async (item: number) => {
      most = Math.max(most, ++running)
      for (let ticks = item % 4; ticks >= 0; ticks--) await new Promise(setImmediate)
      running--
      return item * 2
    }
    expect(await mapConcurrent(ITEMS, work, concurrency)).toEqual(ITEMS.map((item) => item * 2))
    expect(most).toBe(Math.min(concurrency, ITEMS.length))
  })

  it('rejects with the first error and starts no further item', async () => {
    const started: number[] = []
    const work = async (item: number) => {
      started.push(item)
      await new Promise(setImmediate)
      if (item === 1) throw new Error('failed')
    }
    await expect(mapConcurrent(ITEMS, work, 2)).rejects.toThrow('failed')
    await new Promise(setImmediate)
    expect(started).toEqual([0, 1, 2])
  })
})
