import { expect, it } from 'vitest'
import { idIn, SLOTS, slotIn, slotOf } from '../../src/cluster/slots.ts'
import { repetitions } from '../support/repetitions.ts'

it('a slot is the first three hexadecimal digits of the ids in it', () => {
  expect([slotOf(0), slotOf(10), slotOf(SLOTS - 1)]).toEqual(['000', '00a', 'fff'])
  const all = new Set(Array.from({ length: SLOTS }, (_, no) => slotOf(no)))
  expect(all.size).toBe(SLOTS)
  for (const slot of all) expect(slotIn(idIn(slot))).toBe(slot)
})

it('an id is a version 4 UUID, and its other bits are random', () => {
  const ids = Array.from({ length: repetitions(2000) }, () => idIn(slotOf(0x0a7)))
  for (const id of ids) expect(id).toMatch(/^0a7[\da-f]{5}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
  expect(new Set(ids.map((id) => id.slice(3, 13))).size).toBe(ids.length)
})

it.each(['', '0a', 'xyz', '0AB', ' 0ab', 'nonsense', 'ämne'])('the text %j is in no slot', (text) => {
  expect(slotIn(text)).toBeUndefined()
})
