import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Bus } from '../../src/cluster/bus.ts'
import type { MadeChange } from '../../src/sessions/change-relay.ts'
import { RedisConnection } from '../../src/store/backends/redis/connection.ts'
import { keyOf } from '../../src/store/record.ts'
import type { DatabaseServer } from '../support/database-server.ts'
import { startProxy, type TcpProxy } from '../support/proxy.ts'
import { redisInstalled, startRedis, withRedis } from '../support/redis-server.ts'

const BEAT_MS = 100
const CHANNEL = 'notes'

const change = (textNo: number): MadeChange => ({
  serverId: 'kom',
  persNo: 6,
  change: { type: 'read', confNo: 4, localNos: [textNo] },
  isContested: false,
})

describe.skipIf(!redisInstalled())('notes between nodes', () => {
  let redis: DatabaseServer
  const closing: (() => unknown)[] = []
  beforeAll(async () => {
    redis = await startRedis()
  }, 30_000)
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })
  afterAll(() => redis?.close())

  /** A node with all that it receives. `loses` makes it lose what it sends, as if Redis had not received it. */
  async function node({ url = redis.url, beatMs = BEAT_MS } = {}) {
    const connection = await RedisConnection.open(new URL(url))
    const state = { loses: false }
    const send = async <T>(args: readonly string[]): Promise<T> => {
      if (state.loses && !args.at(-1)?.includes('"kind":"beat"')) throw new Error('lost')
      return await connection.send<T>(args)
    }
    const bus = new Bus({ connection: { send }, redisUrl: url, channel: CHANNEL, beatMs })
    const received: string[] = []
    bus.on('note', (note) => {
      if (note.kind === 'change' && 'localNos' in note.made.change) received.push(`change ${note.made.change.localNos}`)
      if (note.kind === 'ended') received.push('ended')
    })
    bus.on('gap', () => received.push('gap'))
    await bus.open()
    closing.push(
      () => connection.close(),
      () => bus.close(),
    )
    return { bus, received, state }
  }

  /** Starts nodes that have heard of each other. */
  async function nodes(count: number, options: Parameters<typeof node>[0] = {}) {
    const started: Awaited<ReturnType<typeof node>>[] = []
    for (let i = 0; i < count; i++) started.push(await node(options))
    // A note of the last one has passed all that was sent before.
    started.at(-1)?.bus.publish({ kind: 'ended', key: keyOf('x') })
    for (const { received } of started.slice(0, -1)) {
      await expect.poll(() => received, { interval: 2 }).toContain('ended')
      received.length = 0
    }
    return started as [(typeof started)[0], (typeof started)[0], (typeof started)[0]]
  }

  const proxied = async (): Promise<TcpProxy> => {
    const proxy = await startProxy({ host: '127.0.0.1', port: redis.port })
    closing.push(() => proxy.close())
    return proxy
  }

  it('reach all other nodes in order, and not their sender', async () => {
    const [first, second, third] = await nodes(3)
    for (let i = 0; i < 50; i++) first.bus.publish({ kind: 'change', made: change(i) })
    first.bus.publish({ kind: 'ended', key: keyOf('x') })
    const all = [...Array.from({ length: 50 }, (_, i) => `change ${i}`), 'ended']
    await expect.poll(() => second.received).toEqual(all)
    await expect.poll(() => third.received).toEqual(all)
    expect(first.received).toEqual([])
  })

  it('are told to be lost by the next note', async () => {
    const [first, second] = await nodes(2, { beatMs: 60_000 })
    first.state.loses = true
    first.bus.publish({ kind: 'change', made: change(1) })
    first.state.loses = false
    first.bus.publish({ kind: 'change', made: change(2) })
    await expect.poll(() => second.received).toEqual(['gap', 'change 2'])
  })

  it('are told to be lost by the next beat, the first note of a node too', async () => {
    const [first, second, third] = await nodes(3)
    for (const { state, bus } of [first, third]) {
      state.loses = true
      bus.publish({ kind: 'change', made: change(1) })
    }
    await expect.poll(() => second.received).toEqual(['gap', 'gap'])
  })

  it('of nodes that were there before are not missed by a node that starts', async () => {
    const [first] = await nodes(2)
    for (let i = 0; i < 5; i++) first.bus.publish({ kind: 'change', made: change(i) })
    const { received } = await node({ beatMs: 60_000 })
    // It has no sessions yet, when it learns the numbers of the others.
    await expect.poll(() => received.length).toBeGreaterThan(0)
    const before = received.length
    first.bus.publish({ kind: 'change', made: change(9) })
    await expect.poll(() => received.slice(before)).toEqual(['change 9'])
  })

  it('may be lost while the subscription is interrupted, which counts as a gap', async () => {
    const [first, second] = await nodes(2)
    await withRedis(redis.url, (client) => client.clientKill({ filter: 'TYPE', type: 'pubsub' }))
    await expect.poll(() => second.received).toEqual(['gap'])
    await expect.poll(() => first.received).toEqual(['gap'])
    first.bus.publish({ kind: 'change', made: change(1) })
    await expect.poll(() => second.received).toEqual(['gap', 'change 1'])
  })

  it('are received again, after a gap, when Redis has moved and the old server keeps the subscription', async () => {
    const old = await startRedis()
    closing.push(() => old.close())
    const address = { host: '127.0.0.1', port: redis.port }
    const proxy = await startProxy(address)
    closing.push(() => proxy.close())
    const [first] = await nodes(1)
    address.port = old.port
    const moved = await node({ url: `redis://127.0.0.1:${proxy.port}/0` })
    address.port = redis.port
    // The connection for commands is made again, as after READONLY; that of the subscription is not.
    proxy.lines[0]?.reset()
    await expect.poll(() => moved.received, { timeout: 3000 }).toContain('gap')
    await expect
      .poll(() => {
        first.bus.publish({ kind: 'change', made: change(1) })
        return moved.received
      })
      .toContain('change 1')
  })

  it('are received again, after a gap, when the connections to Redis have been reset', async () => {
    const proxy = await proxied()
    const [first] = await nodes(1)
    const { received } = await node({ url: `redis://127.0.0.1:${proxy.port}/0` })
    for (const line of proxy.lines) line.reset()
    await expect.poll(() => received).toContain('gap')
    await expect
      .poll(() => {
        first.bus.publish({ kind: 'change', made: change(1) })
        return received
      })
      .toContain('change 1')
  })
})
