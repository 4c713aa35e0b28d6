import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FloodGuard } from '../../src/sessions/flood-guard.ts'

let losses: string[]
let guard: FloodGuard

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
  losses = []
  guard = new FloodGuard((isOver) => losses.push(isOver ? 'over' : 'begun'))
})
afterEach(() => {
  guard.stop()
  vi.useRealTimers()
})

/** Counts messages, and returns how many are dropped. */
function receive(messages: number): number {
  let dropped = 0
  for (let i = 0; i < messages; i++) if (guard.drops()) dropped++
  return dropped
}

describe('FloodGuard', () => {
  it('drops no messages of a burst, nor at 1,900 messages a second', () => {
    expect(receive(3999)).toBe(0)
    for (let second = 0; second < 10; second++) {
      vi.advanceTimersByTime(1000)
      expect(receive(1900)).toBe(0)
    }
    expect([losses, guard.isOn]).toEqual([[], false])
  })

  it('drops messages from a flood on until a second with fewer than 1,000', () => {
    receive(4000)
    expect([receive(5000), losses, guard.isOn]).toEqual([5000, ['begun'], true])
    vi.advanceTimersByTime(1000)
    expect(receive(1001)).toBe(1001)
    vi.advanceTimersByTime(1000)
    expect([receive(10), losses]).toEqual([10, ['begun']])
    vi.advanceTimersByTime(1000)
    expect([receive(10), losses, guard.isOn]).toEqual([0, ['begun', 'over'], false])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('recognizes the next flood', () => {
    for (const count of [1, 2]) {
      receive(5000)
      expect(losses).toHaveLength(2 * count - 1)
      vi.advanceTimersByTime(2000)
      expect(losses).toHaveLength(2 * count)
      vi.advanceTimersByTime(1000)
    }
  })

  it('reports nothing after it is stopped', () => {
    receive(5000)
    guard.stop()
    vi.advanceTimersByTime(5000)
    expect(losses).toEqual(['begun'])
  })
})
