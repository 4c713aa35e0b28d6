import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { SessionCounts } from '../../src/cluster/session-counts.ts'
import { RedisConnection } from '../../src/store/backends/redis/connection.ts'
import type { DatabaseServer } from '../support/database-server.ts'
import { redisInstalled, startRedis, withRedis } from '../support/redis-server.ts'

const PREFIX = 'test:'
const LEASE_MS = 60_000
const KEYS = ['address 192.0.2.1', 'address 2001:db8::/64', 'person kom:4894 6'] as const
type Name = (typeof KEYS)[number]

describe.skipIf(!redisInstalled() && !process.env.CI)('counts of the sessions of nodes', () => {
  let redis: DatabaseServer
  let connection: RedisConnection
  let lastEpoch = 0
  beforeAll(async () => {
    redis = await startRedis()
    connection = await RedisConnection.open(new URL(redis.url))
  })
  beforeEach(() => withRedis(redis.url, (client) => client.flushAll()))
  afterAll(async () => {
    await connection.close()
    await redis.close()
  })

  /** A node with sessions, which fails to send commands while `isCutOff`. */
  class Node {
    readonly epoch = `epoch-${lastEpoch++}`
    readonly sessions = new Map<Name, number>()
    isCutOff = false
    readonly counts = new SessionCounts({
      connection: {
        send: async <T>(command: readonly string[]): Promise<T> => {
          if (this.isCutOff) throw new Error('cut off')
          return await connection.send<T>(command)
        },
      },
      prefix: PREFIX,
      epoch: () => this.epoch,
      leaseMs: LEASE_MS,
    })

    async start(): Promise<this> {
      await connection.send(['HSET', `${PREFIX}epochs`, this.epoch, this.epoch])
      await this.counts.start(() => this.sessions)
      return this
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
    expect(await one.counts.exchange([[key, 2]])).toEqual([{ sessions: 8, most: { process: two.epoch, sessions: 5 } }])
    expect(await two.counts.exchange([[KEYS[1], 1]])).toEqual([{ sessions: 0, most: undefined }])
  })

  it('expire with their node, also those written before it knew that Redis had restarted', async () => {
    const node = await new Node().start()
    const ttl = (): Promise<number> => connection.send<number>(['PTTL', `${PREFIX}sessions:${node.epoch}`])
    expect(await ttl()).toBeGreaterThan(LEASE_MS - 10_000)
    await connection.send(['FLUSHALL'])
    await node.elsewhere(KEYS[0])
    node.change(KEYS[0], 1)
    await node.elsewhere(KEYS[0])
    expect(await ttl()).toBeGreaterThan(LEASE_MS - 10_000)
  })

  it('are written anew in pieces', async () => {
    const [one, two] = [await new Node().start(), await new Node().start()]
    for (let i = 0; i < 2500; i++) one.sessions.set(`address ${i}` as Name, i + 1)
    await connection.send(['DEL', `${PREFIX}sessions:${one.epoch}`])
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
        const register = async (): Promise<void> => {
          for (const { epoch } of nodes) await connection.send(['HSET', `${PREFIX}epochs`, epoch, epoch])
        }
        for (const each of steps) {
          const node = nodes[each.node] as Node
          if (each.kind === 'open' || each.kind === 'close') {
            const key = KEYS[each.key] as Name
            node.change(key, each.kind === 'open' ? 1 : -1)
            if (each.kind === 'close') node.counts.publish([[key, node.of(key)]])
            else await node.elsewhere(key)
          } else if (each.kind === 'flush') {
            await connection.send(['FLUSHALL'])
            await register()
          } else if (each.kind === 'renew') void node.counts.renew()
          else if (each.kind === 'end') {
            await node.counts.close()
            // As its expiry does, if the node was cut off.
            await connection.send(['DEL', `${PREFIX}sessions:${node.epoch}`])
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
