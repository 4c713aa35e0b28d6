import { afterEach, expect, it } from 'vitest'
import { createGateway } from '../../src/gateway.ts'
import { show } from '../support/bound.ts'
import { configFor } from '../support/config.ts'
import { type FakeConnection, startFakeServer } from '../support/fake-server.ts'
import { reply } from '../support/wire.ts'

const ACTIVE = 82

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** Starts counting event-loop ticks. The returned function stops and returns the count. */
function countTicks(): () => number {
  let ticks = 0
  let next = setImmediate(function count() {
    ticks++
    next = setImmediate(count)
  })
  return () => {
    clearImmediate(next)
    return ticks
  }
}

it.each<[string, (connection: FakeConnection) => void]>([
  ['is closed', (connection) => connection.end()],
  ['is reset', (connection) => connection.reset()],
  ['is refused', (connection) => connection.send('%% LysKOM protocol error.\n')],
  ['cannot be read', (connection) => connection.send(reply(4711))],
])(
  'a LysKOM connection that %s yields 403 for all waiting requests and the next one within one event-loop tick',
  async (how, fail) => {
    const server = await startFakeServer(({ call }) => call === ACTIVE)
    const servers = [{ id: 'kom', name: 'KOM', demo: false, host: '127.0.0.1', port: server.port }]
    const gateway = await createGateway(configFor(servers))
    closing.push(server.close, gateway.close)
    const send = (method: string, path: string, headers: Record<string, string>, body: string | null = null) =>
      gateway.fetch(
        new Request(`http://x/kom/sessions/${path}`, { method, headers, body }),
        {} as never,
      ) as Promise<Response>

    const client = JSON.stringify({ client: { name: 'x', version: '1' } })
    const made = await send('POST', '', { 'content-type': 'application/json' }, client)
    const id = { 'httpkom-connection': made.headers.get('httpkom-connection') as string }
    const waiting = Array.from({ length: 20 }, () => send('POST', 'current/active', id))
    const [fake] = server.connections as [FakeConnection]
    await expect.poll(() => fake.received.filter(({ call }) => call === ACTIVE).length).toBe(20)

    fail(fake)
    const first = await Promise.race(waiting)
    const ticks = countTicks()
    const next = await send('GET', 'current/who-am-i', id)
    const all = await Promise.all(waiting)
    const passed = ticks()
    expect([first, next, ...all].map(({ status }) => status)).toEqual(Array(22).fill(403))
    show(
      `the connection ${how}: from the first 403 of a waiting request to the last and to that of the next request`,
      '1 event-loop tick',
      `${passed}`,
    )
    expect(passed).toBeLessThanOrEqual(1)
  },
)
