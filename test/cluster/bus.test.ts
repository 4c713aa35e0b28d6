import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Bus } from '../../src/cluster/bus.ts'
import { MessageCodec } from '../../src/cluster/messages.ts'
import type { MadeChange } from '../../src/sessions/change-relay.ts'
import { RedisConnection } from '../../src/store/backends/redis/connection.ts'
import { keyOf } from '../../src/store/record.ts'
import type { DatabaseServer } from '../support/database-server.ts'
import { freePort } from '../support/free-port.ts'
import { startProxy, type TcpProxy } from '../support/proxy.ts'
import { redisInstalled, startRedis, withRedis } from '../support/redis-server.ts'

const LEASE_MS = 300
const KEY = 'k'.repeat(32)
/** A lease without heartbeats in the time of a test. */
const LONG_MS = 180_000

const change = (textNo: number): MadeChange => ({
  serverId: 'kom',
  persNo: 6,
  change: { type: 'read', confNo: 4, localNos: [textNo] },
  isContested: false,
})

describe.skipIf(!redisInstalled())('messages between nodes', () => {
  let redis: DatabaseServer
  let channel: string
  const closing: (() => unknown)[] = []
  beforeAll(async () => {
    redis = await startRedis()
  }, 30_000)
  beforeEach(() => {
    channel = randomUUID()
  })
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })
  afterAll(() => redis?.close())

  /**
   * A node with all that it receives. `loses` makes it lose all or one kind of what it sends, as if Redis had not
   * received it.
   */
  async function node({ url = redis.url, leaseMs = LEASE_MS } = {}) {
    const connection = await RedisConnection.open(new URL(url))
    const state = { loses: undefined as string | undefined, heartbeats: 0 }
    const send = async <T>(args: readonly string[]): Promise<T> => {
      if (args.at(-1)?.includes('"heartbeat"')) state.heartbeats++
      if (state.loses !== undefined && args.at(-1)?.includes(state.loses)) throw new Error('lost')
      return await connection.send<T>(args)
    }
    const bus = new Bus({ connection: { send }, redisUrl: url, channel, clusterKey: KEY, leaseMs })
    const received: string[] = []
    bus.on('message', (message) => {
      if (['heartbeat', 'present', 'leaving'].includes(message.kind)) return
      const made = message.kind === 'change' ? message.made.change : undefined
      received.push(made !== undefined && 'localNos' in made ? `change ${made.localNos}` : message.kind)
    })
    bus.on('gap', () => received.push('gap'))
    bus.on('unreadable', (reason) => received.push(reason))
    closing.push(
      () => connection.close(),
      () => bus.close(),
    )
    await bus.open()
    return { bus, received, state }
  }

  type Node = Awaited<ReturnType<typeof node>>

  /** Starts nodes that know each other, and that count losses. */
  async function nodes(count: number, options: Parameters<typeof node>[0] = {}) {
    const started: Node[] = []
    for (let i = 0; i < count; i++) started.push(await node(options))
    for (const { bus } of started) bus.publish({ kind: 'ended', key: keyOf('x') })
    for (const { received } of started) {
      await expect.poll(() => received.length, { interval: 2 }).toBe(count - 1)
      received.length = 0
    }
    return started as [Node, Node, Node]
  }

  /** Waits until a node has sent some more heartbeats. */
  async function expectHeartbeats({ state }: Node, count: number): Promise<void> {
    const end = state.heartbeats + count
    await expect.poll(() => state.heartbeats, { timeout: 5000 }).toBeGreaterThanOrEqual(end)
  }

  const proxied = async (address = { host: '127.0.0.1', port: redis.port }): Promise<TcpProxy> => {
    const proxy = await startProxy(address)
    closing.push(() => proxy.close())
    return proxy
  }

  const publish = (text: string) => withRedis(redis.url, (client) => client.publish(channel, text))

  /** Sends what a later version may send. */
  const publishLater = (value: object) => publish(new MessageCodec(channel, KEY).sign(JSON.stringify(value)))

  /** The ids of the connections that subscribe. */
  const subscriptions = async () =>
    (await withRedis(redis.url, (client) => client.clientList({ TYPE: 'PUBSUB' }))).map(({ id }) => id).sort()

  it('reach all other nodes in order, and not their sender', async () => {
    const [first, second, third] = await nodes(3)
    for (let i = 0; i < 50; i++) first.bus.publish({ kind: 'change', made: change(i) })
    first.bus.publish({ kind: 'ended', key: keyOf('x') })
    const all = [...Array.from({ length: 50 }, (_, i) => `change ${i}`), 'ended']
    await expect.poll(() => second.received).toEqual(all)
    await expect.poll(() => third.received).toEqual(all)
    expect(first.received).toEqual([])
  })

  it('reveal by the next change that one is lost', async () => {
    const [first, second] = await nodes(2, { leaseMs: LONG_MS })
    first.state.loses = 'change'
    first.bus.publish({ kind: 'change', made: change(1) })
    first.state.loses = undefined
    first.bus.publish({ kind: 'change', made: change(2) })
    await expect.poll(() => second.received).toEqual(['gap', 'change 2'])
  })

  it('reveal by the next heartbeat that a change is lost', async () => {
    const [first, second] = await nodes(2)
    first.state.loses = 'change'
    first.bus.publish({ kind: 'change', made: change(1) })
    await expect.poll(() => second.received).toEqual(['gap'])
  })

  it('reveal that the first change of a node is lost', async () => {
    const [first] = await nodes(1)
    const second = await node()
    second.state.loses = 'change'
    second.bus.publish({ kind: 'change', made: change(1) })
    await expect.poll(() => first.received).toEqual(['gap'])
  })

  it('reveal no loss when those of rate limits and ended records are lost', async () => {
    const [first, second] = await nodes(2)
    first.state.loses = '"kind":"'
    first.bus.publish({ kind: 'opening', address: '10.0.0.1' })
    first.bus.publish({ kind: 'login', address: '10.0.0.1' })
    first.bus.publish({ kind: 'ended', key: keyOf('x') })
    first.bus.publish({
      kind: 'guess',
      of: 'key',
      attempt: { subject: 'admin', address: '10.0.0.1', outcome: 'failed' },
    })
    first.state.loses = undefined
    first.bus.publish({ kind: 'change', made: change(1) })
    await expect.poll(() => second.received).toEqual(['change 1'])
  })

  it('reveal by their end that a node has crashed, within one and a third leases', async () => {
    const [first, second, third] = await nodes(3)
    const start = performance.now()
    first.state.loses = '"kind":"'
    await expect.poll(() => second.received, { interval: 5 }).toEqual(['gap'])
    expect(performance.now() - start).toBeGreaterThan(LEASE_MS * 0.6)
    expect(performance.now() - start).toBeLessThan((LEASE_MS * 4) / 3 + 1000)
    await expect.poll(() => third.received).toEqual(['gap'])
    // It was only cut off, and has made no changes.
    first.state.loses = undefined
    first.bus.publish({ kind: 'change', made: change(1) })
    await expect.poll(() => second.received).toEqual(['gap', 'change 1'])
  })

  it('of a node that is closed leave no gap, and a change that it has lost before leaves one', async () => {
    const [first, second, third] = await nodes(3)
    await second.bus.close()
    await expectHeartbeats(first, 6)
    expect(first.received).toEqual([])
    third.state.loses = 'change'
    third.bus.publish({ kind: 'change', made: change(1) })
    await third.bus.close()
    await expect.poll(() => first.received).toEqual(['gap'])
  })

  it('of nodes that were there before are not missed by a node that starts', async () => {
    const before = await nodes(2)
    for (const { bus } of before) for (let i = 0; i < 5; i++) bus.publish({ kind: 'change', made: change(i) })
    const { received } = await node({ leaseMs: LONG_MS })
    // It has no sessions yet, when it learns the numbers of each of the others.
    await expect.poll(() => received).toEqual(['gap', 'gap'])
    for (const { bus } of before) bus.publish({ kind: 'change', made: change(9) })
    await expect.poll(() => received).toEqual(['gap', 'gap', 'change 9', 'change 9'])
  })

  it('lead to one gap each second, when those of several nodes are lost', async () => {
    const others = await nodes(6)
    const last = others.pop() as Node
    const times: number[] = []
    last.bus.on('gap', () => times.push(performance.now()))
    await expectHeartbeats(last, 2)
    for (const { state, bus } of others) {
      state.loses = 'change'
      bus.publish({ kind: 'change', made: change(1) })
    }
    await expect.poll(() => times.length, { timeout: 3000 }).toBe(2)
    expect((times[1] as number) - (times[0] as number)).toBeGreaterThan(980)
    await expectHeartbeats(last, 4)
    expect(last.received).toEqual(['gap', 'gap'])
  })

  it('may be lost while the subscription is interrupted, which counts as a gap', async () => {
    const [first, second] = await nodes(2)
    await withRedis(redis.url, (client) => client.clientKill({ filter: 'TYPE', type: 'pubsub' }))
    await expect.poll(() => second.received).toEqual(['gap'])
    await expect.poll(() => first.received).toEqual(['gap'])
    first.bus.publish({ kind: 'change', made: change(1) })
    await expect.poll(() => second.received).toEqual(['gap', 'change 1'])
  })

  it('are received on the same connection while none can be sent', async () => {
    const [first, second] = await nodes(2)
    const before = await subscriptions()
    first.state.loses = '"kind":"'
    // Of those that were sent before.
    await expectHeartbeats(second, 12)
    second.bus.publish({ kind: 'change', made: change(1) })
    await expect.poll(() => first.received).toEqual(['change 1'])
    expect(await subscriptions()).toEqual(before)
    expect(second.received).toEqual(['gap'])
  })

  it('are received again, after a gap, when Redis has moved and the old server keeps the subscription', async () => {
    const old = await startRedis()
    closing.push(() => old.close())
    const address = { host: '127.0.0.1', port: redis.port }
    const proxy = await proxied(address)
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

  it('of unknown kinds or forms are ignored and reported once', async () => {
    const [first, second] = await nodes(2)
    await publishLater({ kind: 'later', from: 'x', n: 0 })
    const reported = ['messages of the kind "later" are ignored, which another version sends']
    await expect.poll(() => second.received).toEqual(reported)
    await publishLater({ kind: 'guess', of: 'key', attempt: null, from: 'x', n: 0 })
    await publishLater({ from: 'x' })
    first.bus.publish({ kind: 'change', made: change(1) })
    await expect.poll(() => second.received).toEqual([...reported, 'change 1'])
  })

  it('lead to a gap if they are changes of an unknown form', async () => {
    const [first] = await nodes(1)
    await expectHeartbeats(first, 2)
    await publishLater({ kind: 'change', made: { change: { type: 'later' } }, from: 'x', n: 1 })
    await expect.poll(() => first.received).toContain('gap')
  })

  it('of programs without the cluster key, or for another channel, are ignored and reported once', async () => {
    const [first, second] = await nodes(2)
    const json = JSON.stringify({ kind: 'change', made: change(7), from: 'x', n: 1 })
    const foreign = [new MessageCodec(channel, 'x'.repeat(32)), new MessageCodec(`${channel}2`, KEY)]
    const texts = ['', '{', json, `${'A'.repeat(43)}${json}`, ...foreign.map((codec) => codec.sign(json))]
    for (const text of texts) await publish(text)
    first.bus.publish({ kind: 'change', made: change(1) })
    const reported = 'messages are ignored that were not sent by a node with the cluster key'
    await expect.poll(() => second.received).toEqual([reported, 'change 1'])
  })

  it.each(['refused', 'silent'])(
    'fail the start within 5 s, when the subscription is %s',
    async (how) => {
      const connection = await RedisConnection.open(new URL(redis.url))
      closing.push(() => connection.close())
      const proxy = await startProxy({ host: '127.0.0.1', port: redis.port }, (line) => line.stall())
      closing.push(() => proxy.close())
      const redisUrl = `redis://127.0.0.1:${how === 'silent' ? proxy.port : await freePort()}/0`
      const bus = new Bus({ connection, redisUrl, channel, clusterKey: KEY, leaseMs: LEASE_MS })
      const start = performance.now()
      await expect(bus.open()).rejects.toMatchObject({ name: 'StoreError', code: 'unavailable' })
      expect(performance.now() - start).toBeLessThan(how === 'silent' ? 5000 : 1000)
      await bus.close()
    },
    10_000,
  )
})
