import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Traffic } from '../../src/connection/traffic.ts'

/** Lets so many things leave in one turn of the event loop; returns which of them do at once. */
async function turn(traffic: Traffic, things: number): Promise<boolean[]> {
  const atOnce = Array.from({ length: things }, () => traffic.leavesAtOnce())
  await setImmediate()
  return atOnce
}

it('what comes alone leaves at once, however often', async () => {
  const traffic = new Traffic()
  for (let i = 0; i < 3; i++) expect(await turn(traffic, 1)).toEqual([true])
})

it('what comes behind another waits, and after it the first of the next turn, until there is one alone', async () => {
  const traffic = new Traffic()
  expect(await turn(traffic, 3)).toEqual([true, false, false])
  expect(await turn(traffic, 2)).toEqual([false, false])
  expect(await turn(traffic, 1)).toEqual([false])
  expect(await turn(traffic, 1)).toEqual([true])
})

it('turns without anything are forgotten', async () => {
  const traffic = new Traffic()
  await turn(traffic, 2)
  await turn(traffic, 0)
  expect(await turn(traffic, 1)).toEqual([false])
})
