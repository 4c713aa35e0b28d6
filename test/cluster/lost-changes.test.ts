import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { expectWithin, timed } from '../support/bound.ts'
import { EventClient } from '../support/event-client.ts'
import { canFail, onFaultStage } from './fault-stage.ts'
import { LEASE_MS, type NodeProcess } from './node-process.ts'
import { SERVER } from './stage.ts'

describe.skipIf(!canFail)('a stream of events on a node', () => {
  const stage = onFaultStage()

  const eventsOf = async ({ url }: NodeProcess, id: string): Promise<EventClient> =>
    stage.scope.use(await EventClient.open(`${url}/${SERVER}/sessions/current/events`, { id }), (each) => each.close())

  it('begins a new epoch when another node is killed, and not when one is stopped in order', async () => {
    const { started, ids } = await stage.nodes(3)
    const [first, second, third] = started
    const client = await eventsOf(first, ids[0])
    await second.stop()
    await sleep(LEASE_MS * 1.5)
    expect(client.events).toEqual([])
    third.kill('SIGKILL')
    const { ms, value } = await timed(() => client.first(1))
    expectWithin((LEASE_MS * 4) / 3, ms, 'node killed: reset')
    expect(value).toMatchObject([{ type: 'reset' }])
  })
})
