import { expect, it } from 'vitest'
import { secondsBetween } from '../../src/demo/times.ts'

it.each([
  [0, 0],
  [200, 0],
  [499, 0],
  [700, 1],
  [1300, 1],
  [1600, 2],
])('secondsBetween rounds %i ms to %i s, as lyskomd rounds idle times and session lengths', (ms, seconds) => {
  expect(secondsBetween(new Date(900), new Date(900 + ms))).toBe(seconds)
})
