import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { HeldResponses, MAX_HELD_BYTES } from '../../../src/http/batch/held-responses.ts'
import { UnreadBudget } from '../../../src/http/node/unread-budget.ts'

/** Creates the responses of a batch whose client has a connection. */
function hold(maxUnreadBytesPerAddress = MAX_HELD_BYTES) {
  const budget = new UnreadBudget({ maxUnreadBytesPerConnection: 1, maxUnreadBytesPerAddress, maxUnreadBytes: 2 ** 40 })
  const resets: string[] = []
  const socket = { destroyed: false, resetAndDestroy: () => resets.push('reset') }
  const outgoing = Object.assign(new EventEmitter(), { socket })
  return { budget, resets, outgoing, held: new HeldResponses(budget, 'n', outgoing as unknown as ServerResponse) }
}

describe('HeldResponses', () => {
  it('count towards the budget until they are released', () => {
    const { budget, held } = hold()
    expect([held.add(1000), held.add(500)]).toEqual([true, true])
    held.release(1000)
    expect(budget.measure()).toBe(500)
    held.close()
    expect(budget.measure()).toBe(0)
  })

  it('are at most 32 MB', () => {
    const { held } = hold()
    expect([held.add(MAX_HELD_BYTES - 1), held.add(2), held.add(1), held.add(1)]).toEqual([true, false, true, false])
  })

  it('no longer count when the client has disconnected', () => {
    const { budget, held, outgoing } = hold()
    held.add(1000)
    outgoing.emit('close')
    expect(budget.measure()).toBe(0)
    held.add(1000)
    expect(budget.measure()).toBe(0)
  })

  it('reset the connection over a limit of the budget, once', () => {
    const { budget, held, resets } = hold(1000)
    held.add(1001)
    held.add(1001)
    expect([resets, budget.measure()]).toEqual([['reset'], 0])
  })

  it('do not count towards the budget without a connection', () => {
    const { budget } = hold()
    const held = new HeldResponses(budget, 'n', undefined)
    expect([held.add(1000), budget.measure()]).toEqual([true, 0])
  })
})
