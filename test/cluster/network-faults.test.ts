import { describe, expect, it } from 'vitest'
import { expectWithin, timed } from '../support/bound.ts'
import { EventClient } from '../support/event-client.ts'
import { startProxy, type TcpProxy } from '../support/proxy.ts'
import { canFail, onFaultStage } from './fault-stage.ts'
import { LEASE_MS, type NodeProcess } from './node-process.ts'
import { SERVER } from './stage.ts'

/** After this time without a response a node is asked on a new connection, and then has this time to answer. */
const SILENT_MS = 1000 + 5000
/** Timeout for connecting. */
const CONNECT_MS = 2000

describe.skipIf(!canFail)('the network between two nodes', () => {
  const stage = onFaultStage()

  /** Starts two nodes, the first of which is reached through a proxy by the other one. */
  async function start(): Promise<{
    first: NodeProcess
    second: NodeProcess
    proxy: TcpProxy
    state: { isCut: boolean }
  }> {
    const target = { host: '127.0.0.2', port: 0 }
    const state = { isCut: false }
    const proxy = stage.scope.use(
      await startProxy(target, (line) => {
        if (state.isCut) line.stall()
      }),
      (each) => each.close(),
    )
    target.port = proxy.port
    const nodeUrl = `http://127.0.0.1:${proxy.port}`
    const first = await stage.start({ nodeUrl, nodeHost: target.host })
    return { first, second: await stage.start(), proxy, state }
  }

  it('loses all packets: 504, the sessions are kept, and all is well when it is back', async () => {
    const { first, second, proxy, state } = await start()
    const id = await first.open()
    expect(await second.status(id)).toBe(200)
    state.isCut = true
    for (const line of proxy.lines) line.stall()
    // Over a kept connection, and over new ones.
    const cut = await timed(() => Promise.all(Array.from({ length: 5 }, () => second.status(id))))
    expect(cut.value).toEqual([504, 504, 504, 504, 504])
    expectWithin(SILENT_MS, cut.ms, 'packets to a node are lost: 504')
    expect(await first.status(id)).toBe(200)
    state.isCut = false
    for (const line of proxy.lines) line.resume()
    expect(await second.status(id)).toBe(200)
    expect(cut.ms).toBeGreaterThan(LEASE_MS)
  })

  it('refuses connections: 504 at once, and the sessions are kept', async () => {
    const { first, second, proxy } = await start()
    const id = await first.open()
    const events = await EventClient.open(`${second.url}/${SERVER}/sessions/current/events`, { id })
    expect(events.response.status).toBe(200)
    await proxy.close()
    await events.ended
    expect(second.errors).toBe('')
    const cut = await timed(() => second.status(id))
    expect(cut.value).toBe(504)
    expectWithin(CONNECT_MS, cut.ms, 'a node refuses connections: 504')
    expect(await first.status(id)).toBe(200)
  })
})
