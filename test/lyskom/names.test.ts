import { afterEach, describe, expect, it } from 'vitest'
import { BodyCache } from '../../src/lyskom/body-cache.ts'
import { LyskomSession } from '../../src/lyskom/session.ts'
import { readUserArea } from '../../src/lyskom/user-area.ts'
import { connectTo } from '../support/connection.ts'
import { startFakeServer } from '../support/fake-server.ts'
import { h, message, reply } from '../support/wire.ts'

const UCONF = 78
const GET_TIME = 35

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/**
 * Opens a session on a server whose names have `length` bytes.
 *
 * @returns the server, the session, and a function that returns the numbers whose names were requested
 */
async function start(length: number) {
  const server = await startFakeServer(
    ({ ref, call, args }) => call === UCONF && reply(ref, h(String(args).padEnd(length, '.')), '00000000', 1, 77),
  )
  const connection = await connectTo(server.port)
  const session = new LyskomSession(connection, { name: 'test', version: '1' }, new BodyCache(0))
  closing.push(server.close, () => connection.close())
  const asked = () =>
    server.connections.flatMap(({ received }) => received.filter(({ call }) => call === UCONF).map(({ args }) => +args))
  return { server, session, asked }
}

describe('name cache', () => {
  it('limits its size in bytes and evicts the oldest names first', async () => {
    const { session, asked } = await start(1000)
    for (let confNo = 1; confNo <= 200; confNo++) await session.names.conference(confNo)
    // The cache has room for 123 names of 1,000 bytes with their overhead.
    await session.names.conference(200)
    await session.names.conference(78)
    expect(asked()).toHaveLength(200)
    await session.names.conference(77)
    expect(asked().slice(200)).toEqual([77])
  })

  it('holds at least 1,500 names of 20 bytes', async () => {
    const { session, asked } = await start(20)
    for (let round = 0; round < 2; round++) {
      for (let confNo = 1; confNo <= 1500; confNo++) await session.names.conference(confNo)
    }
    expect(asked()).toHaveLength(1500)
  })

  it('holds the names of conferences that were requested for other fields', async () => {
    const { session, asked } = await start(10)
    expect(await session.names.stat(7)).toMatchObject({ name: '7.........', highestLocalNo: 1 })
    expect(await session.names.conference(7)).toEqual({ confNo: 7, name: '7.........' })
    expect(asked()).toEqual([7])
    await session.names.stat(7)
    expect(asked()).toEqual([7, 7])
  })

  it('shares a request for other fields with a lookup at the same time', async () => {
    const { session, asked } = await start(10)
    const [, name] = await Promise.all([session.names.stat(7), session.names.conference(7)])
    expect([name.name, asked()]).toEqual(['7.........', [7]])
  })

  it('applies async-new-name to cached names and ignores it for others', async () => {
    const { server, session, asked } = await start(10)
    await session.names.conference(7)
    server.connections[0]?.send(message(5, 7, h('old'), h('new')), message(5, 8, h('old'), h('unasked')))
    await session.connection.call('get-time')
    expect(await session.names.conference(7)).toEqual({ confNo: 7, name: 'new' })
    expect(await session.names.conference(8)).toEqual({ confNo: 8, name: '8.........' })
    expect(asked()).toEqual([7, 8])
    expect(server.connections[0]?.received.filter(({ call }) => call === GET_TIME)).toHaveLength(1)
  })
})

describe('readUserArea', () => {
  it('reads at most 1,000 strings', () => {
    const names = Array.from({ length: 5000 }, (_, i) => `b${i}`)
    const text = [names.map((name) => `${name.length}H${name}`).join(' '), ...names]
      .map((string) => `${string.length}H${string}`)
      .join(' ')
    const area = readUserArea(text)
    expect(area.get('b0')).toBe('b0')
    expect(area.size).toBe(999)
  })
})
