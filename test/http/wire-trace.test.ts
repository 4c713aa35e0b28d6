import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type WireEvent, wireCall } from '../../src/connection/wire-event.ts'
import { wireTrace } from '../../src/http/events/wire-trace.ts'

const HEARTBEAT_MS = 15_000

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function start({ registry = new EventEmitter(), isDraining = false, dead = undefined as object | undefined } = {}) {
  const events = new EventEmitter<{ wire: [WireEvent]; close: [{ code: string }] }>()
  const connection = Object.assign(events, { dead })
  const response = wireTrace(Object.assign(registry, { isDraining }) as never, { lyskom: { connection } } as never)
  const reader = response.body?.getReader()
  const read = async (): Promise<string> => {
    const { value, done } = (await reader?.read()) ?? { value: undefined, done: true }
    return done ? '' : new TextDecoder().decode(value)
  }
  const listening = () => ['wire', 'close'].reduce((sum, event) => sum + connection.listenerCount(event as 'wire'), 0)
  return { connection, registry, reader, read, listening }
}

it('a wire trace keeps 1,000 events for a slow reader, and reports how many it dropped', async () => {
  const { connection, read } = start()
  expect(await read()).toBe(':\n\n')
  for (let refNo = 1; refNo <= 1500; refNo++) connection.emit('wire', wireCall('who-am-i', refNo, 5))
  const kept: string[] = []
  for (let i = 0; i < 1000; i++) kept.push(await read())
  expect(kept.at(-1)).toContain('"ref_no":1000,')
  connection.emit('wire', wireCall('who-am-i', 1501, 5))
  expect([await read(), await read()]).toEqual([
    'event: missed\ndata: {"events":500}\n\n',
    expect.stringContaining('"ref_no":1501,'),
  ])
})

it('a wire trace sends heartbeats, and ends if its reader reads nothing', async () => {
  const { connection, registry, read, listening } = start()
  expect(await read()).toBe(':\n\n')
  vi.advanceTimersByTime(HEARTBEAT_MS)
  expect(await read()).toBe(':\n\n')
  for (let refNo = 1; refNo <= 1000; refNo++) connection.emit('wire', wireCall('who-am-i', refNo, 5))
  vi.advanceTimersByTime(HEARTBEAT_MS)
  expect(listening()).toBe(2)
  vi.advanceTimersByTime(HEARTBEAT_MS)
  expect([listening(), registry.listenerCount('draining'), vi.getTimerCount()]).toEqual([0, 0, 0])
  let last = ''
  for (let text = await read(); text !== ''; text = await read()) last = text
  expect(last).toBe('event: end\ndata: {"reason":"unread"}\n\n')
})

it('a wire trace adds no listeners before it is read and after its reader disconnects', async () => {
  const { listening, registry, read, reader } = start()
  const held = () => [listening(), registry.listenerCount('draining'), vi.getTimerCount()]
  await Promise.resolve()
  expect(held()).toEqual([0, 0, 0])
  await read()
  expect(held()).toEqual([2, 1, 1])
  await reader?.cancel()
  expect(held()).toEqual([0, 0, 0])
})

it.each([
  ['connection-reset', { dead: { code: 'connection-reset' } }],
  ['shutdown', { isDraining: true }],
])('a wire trace ends at its first read if its end, %s, came before', async (reason, state) => {
  const { read, registry, listening } = start(state)
  expect([await read(), await read(), await read()]).toEqual([
    ':\n\n',
    `event: end\ndata: {"reason":"${reason}"}\n\n`,
    '',
  ])
  expect([listening(), registry.listenerCount('draining'), vi.getTimerCount()]).toEqual([0, 0, 0])
})

it('a wire trace is limited to eight readers, also when they arrive concurrently', async () => {
  const registry = new EventEmitter()
  const all = Array.from({ length: 9 }, () => start({ registry }))
  for (const { read } of all) expect(await read()).toBe(':\n\n')
  expect(registry.listenerCount('draining')).toBe(8)
  expect(await all[8]?.read()).toBe('event: end\ndata: {"reason":"too-many"}\n\n')
  expect(() => start({ registry })).toThrow('No more than 8 traces')
})

it('a wire trace does not reveal the length of passwords', () => {
  const bytes = (['login', 'login-old', 'create-person', 'create-person-old', 'set-passwd', 'who-am-i'] as const).map(
    (name) => wireCall(name, 1, 20).bytes,
  )
  expect(bytes).toEqual([undefined, undefined, undefined, undefined, undefined, 20])
})
