import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { WriteCoalescer } from '../../src/connection/write-coalescer.ts'

/** Lets so many things leave in one turn of the event loop; returns which of them do at once. */
async function turn(traffic: WriteCoalescer, things: number): Promise<boolean[]> {
  const atOnce = Array.from({ length: things }, () => traffic.leavesAtOnce())
  await setImmediate()
  return atOnce
}

it('sends the only write of a tick at once, in any number of ticks', async () => {
  const traffic = new WriteCoalescer()
  for (let i = 0; i < 3; i++) expect(await turn(traffic, 1)).toEqual([true])
})

it('delays further writes of a tick, and the first of the next, until a tick has a single write', async () => {
  const traffic = new WriteCoalescer()
  expect(await turn(traffic, 3)).toEqual([true, false, false])
  expect(await turn(traffic, 2)).toEqual([false, false])
  expect(await turn(traffic, 1)).toEqual([false])
  expect(await turn(traffic, 1)).toEqual([true])
})

it('ignores ticks without writes', async () => {
  const traffic = new WriteCoalescer()
  await turn(traffic, 2)
  await turn(traffic, 0)
  expect(await turn(traffic, 1)).toEqual([false])
})
