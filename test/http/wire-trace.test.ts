import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type WireEvent, wireCall } from '../../src/connection/wire-event.ts'
import { wireTrace } from '../../src/http/events/wire-trace.ts'

const HEARTBEAT_MS = 15_000

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function start(method = 'GET') {
  const connection = new EventEmitter<{ wire: [WireEvent]; close: [{ code: string }] }>()
  const registry = new EventEmitter()
  const response = wireTrace(registry as never, { session: { connection } } as never, method)
  const reader = response.body?.getReader()
  const read = async (): Promise<string> => {
    const { value, done } = (await reader?.read()) ?? { value: undefined, done: true }
    return done ? '' : new TextDecoder().decode(value)
  }
  const listening = () => ['wire', 'close'].reduce((sum, event) => sum + connection.listenerCount(event as 'wire'), 0)
  return { connection, registry, reader, read, listening }
}

it('keeps so many events for a slow reader, and says how many it has left out', async () => {
  const { connection, read } = start()
  for (let refNo = 1; refNo <= 1500; refNo++) connection.emit('wire', wireCall('who-am-i', refNo, 5))
  expect(await read()).toBe(':\n\n')
  const kept: string[] = []
  for (let i = 0; i < 999; i++) kept.push(await read())
  expect(kept.at(-1)).toContain('"ref_no":999,')
  connection.emit('wire', wireCall('who-am-i', 1501, 5))
  expect([await read(), await read()]).toEqual([
    'event: missed\ndata: {"events":501}\n\n',
    expect.stringContaining('"ref_no":1501,'),
  ])
})

it('gives signs of life, and gives up a reader that reads nothing', async () => {
  const { connection, registry, read, listening } = start()
  vi.advanceTimersByTime(HEARTBEAT_MS)
  expect([await read(), await read()]).toEqual([':\n\n', ':\n\n'])
  for (let refNo = 1; refNo <= 1000; refNo++) connection.emit('wire', wireCall('who-am-i', refNo, 5))
  vi.advanceTimersByTime(HEARTBEAT_MS)
  expect(listening()).toBe(2)
  vi.advanceTimersByTime(HEARTBEAT_MS)
  expect([listening(), registry.listenerCount('draining'), vi.getTimerCount()]).toEqual([0, 0, 0])
  let last = ''
  for (let text = await read(); text !== ''; text = await read()) last = text
  expect(last).toBe('event: end\ndata: {"reason":"unread"}\n\n')
})

it('listens to nothing before and after', async () => {
  const { listening, registry, reader } = start()
  expect([listening(), registry.listenerCount('draining'), vi.getTimerCount()]).toEqual([2, 1, 1])
  await reader?.cancel()
  expect([listening(), registry.listenerCount('draining'), vi.getTimerCount()]).toEqual([0, 0, 0])
  expect(start('HEAD').listening()).toBe(0)
})

it('keeps the length of passwords to itself', () => {
  const bytes = (['login', 'login-old', 'create-person', 'create-person-old', 'set-passwd', 'who-am-i'] as const).map(
    (name) => wireCall(name, 1, 20).bytes,
  )
  expect(bytes).toEqual([undefined, undefined, undefined, undefined, undefined, 20])
})
