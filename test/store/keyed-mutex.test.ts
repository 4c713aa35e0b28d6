import { describe, expect, it } from 'vitest'
import { KeyedMutex } from '../../src/store/keyed-mutex.ts'

describe('KeyedMutex', () => {
  it('runs work with the same key one at a time, in the order of the calls', async () => {
    const mutex = new KeyedMutex()
    const events: string[] = []
    const work = (name: string) => async () => {
      events.push(`start ${name}`)
      await new Promise(setImmediate)
      events.push(`end ${name}`)
    }
    await Promise.all(['a', 'b', 'c'].map((name) => mutex.runExclusive('key', work(name))))
    expect(events).toEqual(['start a', 'end a', 'start b', 'end b', 'start c', 'end c'])
  })

  it('runs work with different keys concurrently', async () => {
    const mutex = new KeyedMutex()
    let release = (_: string): void => undefined
    const released = new Promise<string>((resolve) => {
      release = resolve
    })
    const blocked = mutex.runExclusive('one', () => released)
    expect(await mutex.runExclusive('other', async () => 'result')).toBe('result')
    release('released')
    expect(await blocked).toBe('released')
  })

  it('rejects with the error of the work, and runs the next work with the same key', async () => {
    const mutex = new KeyedMutex()
    const failing = mutex.runExclusive('key', async () => {
      throw new Error('failed')
    })
    const next = mutex.runExclusive('key', async () => 'result')
    await expect(failing).rejects.toThrow('failed')
    expect(await next).toBe('result')
  })

  it('rejects the waiting work with a shared error, and runs later work', async () => {
    const mutex = new KeyedMutex()
    const fail = async () => {
      await new Promise(setImmediate)
      throw new Error('failed')
    }
    const isShared = () => true
    const failing = mutex.runExclusive('key', fail)
    const waiting = [1, 2].map(() => mutex.runExclusive('key', async () => 'result', isShared))
    const results = await Promise.allSettled([failing, ...waiting])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(await mutex.runExclusive('key', async () => 'result', isShared)).toBe('result')
  })

  it('waits until the work of all keys has settled, even if it fails', async () => {
    const mutex = new KeyedMutex()
    const events: string[] = []
    const work = (name: string, ticks: number) => async () => {
      for (let i = 0; i < ticks; i++) await new Promise(setImmediate)
      events.push(name)
      throw new Error(name)
    }
    const failing = [
      mutex.runExclusive('slow', work('slow', 10)),
      mutex.runExclusive('fast', work('first', 1)),
      mutex.runExclusive('fast', work('second', 1)),
    ].map((result) => result.catch(() => undefined))
    await mutex.settled()
    expect(events).toEqual(['first', 'second', 'slow'])
    await Promise.all(failing)
  })

  it('stores no keys without unfinished work', async () => {
    const mutex = new KeyedMutex()
    const results = Promise.all(
      Array.from({ length: 100 }, (_, i) => mutex.runExclusive(`${i % 10}`, async () => undefined)),
    )
    expect(mutex.size).toBe(10)
    await results
    expect(mutex.size).toBe(0)
  })
})
