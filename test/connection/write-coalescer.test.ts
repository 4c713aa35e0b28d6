import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { WriteCoalescer } from '../../src/connection/write-coalescer.ts'

/** Counts `writes` writes in one event-loop tick. Returns which of them go out immediately. */
async function tick(coalescer: WriteCoalescer, writes: number): Promise<boolean[]> {
  const immediate = Array.from({ length: writes }, () => coalescer.mayWriteNow())
  await setImmediate()
  return immediate
}

it('WriteCoalescer sends the only write of a tick immediately, in any number of ticks', async () => {
  const coalescer = new WriteCoalescer()
  for (let i = 0; i < 3; i++) expect(await tick(coalescer, 1)).toEqual([true])
})

it('WriteCoalescer delays further writes of a tick, and all writes until a tick had only one', async () => {
  const coalescer = new WriteCoalescer()
  expect(await tick(coalescer, 3)).toEqual([true, false, false])
  expect(await tick(coalescer, 2)).toEqual([false, false])
  expect(await tick(coalescer, 1)).toEqual([false])
  expect(await tick(coalescer, 1)).toEqual([true])
})

it('WriteCoalescer ignores ticks without writes', async () => {
  const coalescer = new WriteCoalescer()
  await tick(coalescer, 2)
  await tick(coalescer, 0)
  expect(await tick(coalescer, 1)).toEqual([false])
})
