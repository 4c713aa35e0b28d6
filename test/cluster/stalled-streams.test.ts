import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { expectWithin, timed } from '../support/bound.ts'
import { EventClient } from '../support/event-client.ts'
import { startProxy } from '../support/proxy.ts'
import { canFail, onFaultStage } from './fault-stage.ts'
import { SERVER } from './stage.ts'

/** The interval of the checks of a node, and the time that it has to answer. */
const SILENT_MS = 2000 + 5000

describe.skipIf(!canFail)('a stream and a WebSocket of another node', () => {
  const stage = onFaultStage()

  it('end if packets between the nodes are lost, and the session is kept', async () => {
    const target = { host: '127.0.0.2', port: 0 }
    let isCut = false
    const proxy = stage.scope.use(
      await startProxy(target, (line) => {
        if (isCut) line.stall()
      }),
      (each) => each.close(),
    )
    target.port = proxy.port
    const first = await stage.start({ nodeUrl: `http://127.0.0.1:${proxy.port}`, nodeHost: target.host })
    const second = await stage.start()
    const id = await first.open()
    const events = await EventClient.open(`${second.url}/${SERVER}/sessions/current/events`, { id })
    const socket = new WebSocket(`${second.url.replace('http', 'ws')}/websocket?Httpkom-Connection=${id}`)
    await once(socket, 'open')
    isCut = true
    for (const line of proxy.lines) line.stall()
    const ended = await timed(() => Promise.all([events.ended, once(socket, 'close')]))
    expectWithin(SILENT_MS, ended.ms, 'packets to a node are lost: streams end')
    expect(await first.status(id)).toBe(200)
    expect(second.errors + second.log).not.toContain('internal error')
  })
})
