import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { SessionCounts } from '../../src/cluster/session-counts.ts'
import { RedisConnection } from '../../src/store/backends/redis/connection.ts'
import { expectWithin } from '../support/bound.ts'
import type { DatabaseServer } from '../support/database-server.ts'
import { redisInstalled, startRedis, withRedis } from '../support/redis-server.ts'

const PREFIX = 'test:'
const NODES = `${PREFIX}sessions`
/** A lease that lasts for as long as a test. */
const LEASE_MS = 60_000
const KEYS = ['address 192.0.2.1', 'address 2001:db8::/64', 'person kom:4894 6'] as const
type Name = (typeof KEYS)[number]

describe.skipIf(!redisInstalled() && !process.env.CI)('counts of the sessions of nodes', () => {
  let redis: DatabaseServer
  let connection: RedisConnection
  const started: Node[] = []
  beforeAll(async () => {
    redis = await startRedis()
    connection = await RedisConnection.open(new URL(redis.url))
  })
  beforeEach(() => withRedis(redis.url, (client) => client.flushAll()))
  afterEach(async () => {
    for (const node of started.splice(0)) await node.counts.close()
  })
  afterAll(async () => {
    await connection.close()
    await redis.close()
  })

  /** A node with sessions, which fails to send commands while `isCutOff`. */
  class Node {
    readonly sessions = new Map<Name, number>()
    isCutOff = false
    interruptions = 0
    /** Called when a script with these arguments has been sent. */
    onRun: (args: readonly string[]) => void = () => undefined
    readonly counts: SessionCounts

    constructor(leaseMs = LEASE_MS) {
      const node = this
      const ifConnected = async <T>(send: () => Promise<T>): Promise<T> => {
        if (this.isCutOff) throw new Error('cut off')
        return await send()
      }
      this.counts = new SessionCounts({
        connection: {
          send: <T>(command: readonly string[]) => ifConnected(() => connection.send<T>(command)),
          run: <T>(...[script, keys, args]: Parameters<RedisConnection['run']>) => {
            const reply = ifConnected(() => connection.run<T>(script, keys, args))
            this.onRun(args)
            return reply
          },
          get interruptions() {
            return connection.interruptions + node.interruptions
          },
        },
        prefix: PREFIX,
        leaseMs,
      })
    }

    async start(): Promise<this> {
      started.push(this)
      await this.counts.start(() => this.sessions)
      return this
    }

    get hash(): string {
      return `${NODES}:${this.counts.id}`
    }

    /** Changes a number, without waiting. */
    publish(key: Name, by: 1 | -1): void {
      this.change(key, by)
      this.counts.publish([[key, this.of(key)]])
    }

    of(key: Name): number {
      return this.sessions.get(key) ?? 0
    }

    change(key: Name, by: 1 | -1): void {
      this.sessions.set(key, Math.max(0, this.of(key) + by))
    }

    async elsewhere(key: Name): Promise<number | undefined> {
      return (await this.counts.exchange([[key, this.of(key)]]))[0]?.sessions
    }
  }

  it('include those of all other nodes, and name the one that has most', async () => {
    const [one, two, three] = [await new Node().start(), await new Node().start(), await new Node().start()]
    const [key] = KEYS
    for (const [node, sessions] of [
      [one, 2],
      [two, 5],
      [three, 3],
    ] as const) {
      node.sessions.set(key, sessions)
      await node.elsewhere(key)
    }
    expect(await one.counts.exchange([[key, 2]])).toEqual([
      { sessions: 8, most: { process: two.counts.id, sessions: 5 } },
    ])
    expect(await two.counts.exchange([[KEYS[1], 1]])).toEqual([{ sessions: 0, most: undefined }])
  })

  it('expire with a node that has crashed, whose id is removed then', async () => {
    const leaseMs = 600
    const [one, crashed] = [await new Node(leaseMs).start(), await new Node(leaseMs).start()]
    crashed.publish(KEYS[0], 1)
    await expect.poll(() => one.elsewhere(KEYS[0])).toBe(1)
    crashed.isCutOff = true
    const start = performance.now()
    await expect.poll(() => one.elsewhere(KEYS[0]), { interval: 20, timeout: 2 * leaseMs }).toBe(0)
    expectWithin(leaseMs, performance.now() - start, 'crashed node: its sessions count no more')
    expect(await connection.send(['SMEMBERS', NODES])).toEqual([one.counts.id])
  })

  it('are renewed while a node is alive, also when no session is opened or closed', async () => {
    const leaseMs = 300
    const [one, two] = [await new Node(LEASE_MS).start(), await new Node(leaseMs).start()]
    two.publish(KEYS[0], 1)
    await expect.poll(() => one.elsewhere(KEYS[0])).toBe(1)
    const end = performance.now() + 4 * leaseMs
    while (performance.now() < end) expect(await one.elsewhere(KEYS[0])).toBe(1)
  })

  it('are right after a session was opened while all were written anew', async () => {
    const [one, two] = [await new Node().start(), await new Node().start()]
    for (let i = 0; i < 1200; i++) two.sessions.set(`address ${i}` as Name, 1)
    await connection.send(['FLUSHALL'])
    const first = 'address 0' as Name
    two.onRun = (args) => {
      if (args.includes('begin')) two.publish(first, 1)
    }
    for (const { counts } of [one, two]) await counts.renew()
    expect(await one.elsewhere(first)).toBe(2)
    expect(await one.elsewhere('address 1199' as Name)).toBe(1)
  })

  it('are unknown after the connection was lost until they are written anew: a replica may have old ones', async () => {
    const [one, two] = [await new Node().start(), await new Node().start()]
    two.publish(KEYS[0], 1)
    await expect.poll(() => one.elsewhere(KEYS[0])).toBe(1)
    await connection.send(['HSET', one.hash, KEYS[1], '7'])
    one.interruptions++
    expect(await one.elsewhere(KEYS[0])).toBe(0)
    await one.counts.renew()
    expect(await one.elsewhere(KEYS[0])).toBe(1)
    expect(await two.elsewhere(KEYS[1])).toBe(0)
  })

  it('are not changed by a late command from before they were written anew', async () => {
    const [one, two] = [await new Node().start(), await new Node().start()]
    one.publish(KEYS[0], 1)
    await expect.poll(() => two.elsewhere(KEYS[0])).toBe(1)
    await connection.send(['HSET', one.hash, '', 'a later generation'])
    one.publish(KEYS[0], 1)
    expect(await one.elsewhere(KEYS[0])).toBe(0)
    expect(await two.elsewhere(KEYS[0])).toBe(1)
    await one.counts.renew()
    expect(await two.elsewhere(KEYS[0])).toBe(2)
  })

  it('are not waited for again while Redis is suspended', async () => {
    const [one, two] = [await new Node().start(), await new Node().start()]
    two.publish(KEYS[0], 1)
    await expect.poll(() => one.elsewhere(KEYS[0])).toBe(1)
    redis.pause()
    try {
      const start = performance.now()
      expect(await one.elsewhere(KEYS[0])).toBe(0)
      const firstMs = performance.now() - start
      expectWithin(300, firstMs, 'suspended Redis: the first request')
      for (let i = 0; i < 100; i++) expect(await one.elsewhere(KEYS[0])).toBe(0)
      // Each would wait as long as the first.
      expect(performance.now() - start - firstMs).toBeLessThan(10 * firstMs)
    } finally {
      redis.resume()
    }
    await expect.poll(() => one.counts.renew().then(() => one.elsewhere(KEYS[0])), { timeout: 5000 }).toBe(1)
  })

  it('are written anew in pieces', async () => {
    const [one, two] = [await new Node().start(), await new Node().start()]
    for (let i = 0; i < 2500; i++) one.sessions.set(`address ${i}` as Name, i + 1)
    await connection.send(['DEL', one.hash])
    await one.counts.renew()
    for (const i of [0, 999, 1000, 2499]) expect(await two.elsewhere(`address ${i}` as Name)).toBe(i + 1)
  })

  it('are those of the node alone while Redis does not answer', async () => {
    const [one, two] = [await new Node().start(), await new Node().start()]
    two.change(KEYS[0], 1)
    await two.elsewhere(KEYS[0])
    one.isCutOff = true
    expect(await one.elsewhere(KEYS[0])).toBe(0)
    one.isCutOff = false
    expect(await one.elsewhere(KEYS[0])).toBe(0)
    await one.counts.renew()
    expect(await one.elsewhere(KEYS[0])).toBe(1)
  })

  it('are right after any changes, outages of single nodes, ends of nodes and losses of data', async () => {
    const index = fc.nat(2)
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('open' as const), node: index, key: index }) },
      { weight: 5, arbitrary: fc.record({ kind: fc.constant('close' as const), node: index, key: index }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('cut', 'mend', 'renew', 'end'), node: index }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'flush' as const, node: 0 }) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }), async (steps) => {
        await connection.send(['FLUSHALL'])
        const nodes = [await new Node().start(), await new Node().start(), await new Node().start()]
        for (const each of steps) {
          const node = nodes[each.node] as Node
          if (each.kind === 'open' || each.kind === 'close') {
            const key = KEYS[each.key] as Name
            node.change(key, each.kind === 'open' ? 1 : -1)
            if (each.kind === 'close') node.counts.publish([[key, node.of(key)]])
            else await node.elsewhere(key)
          } else if (each.kind === 'flush') await connection.send(['FLUSHALL'])
          else if (each.kind === 'renew') void node.counts.renew()
          else if (each.kind === 'end') {
            await node.counts.close()
            // As its expiry does, if the node was cut off.
            await connection.send(['DEL', node.hash])
            nodes[each.node] = await new Node().start()
          } else node.isCutOff = each.kind === 'cut'
        }
        for (const node of nodes) {
          node.isCutOff = false
          // The first one may have begun before.
          await node.counts.renew()
          await node.counts.renew()
        }
        for (const key of KEYS) {
          const total = nodes.reduce((sum, node) => sum + node.of(key), 0)
          for (const node of nodes) expect(await node.elsewhere(key)).toBe(total - node.of(key))
        }
        for (const node of nodes) await node.counts.close()
      }),
      { numRuns: 60 },
    )
  })
})
