import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Owner } from '../../src/cluster/owner.ts'
import { ClusterKeyError, SlotLease, type SlotLeaseOptions } from '../../src/cluster/slot-lease.ts'
import { RedisConnection } from '../../src/store/backends/redis/connection.ts'
import type { DatabaseServer } from '../support/database-server.ts'
import { redisInstalled, startRedis, withRedis } from '../support/redis-server.ts'

const URL_OF_NODE = 'http://10.0.0.7:5002'
/** Has the same first slot as `URL_OF_NODE`. */
const COLLIDING = 'http://10.0.0.7:2509'
const KEY = 'k'.repeat(32)
const PREFIX = 'test:'
/** A lease that lasts for as long as a test. */
const LONG_MS = 60_000
const SHORT_MS = 300

describe.skipIf(!redisInstalled())('the lease of a slot', () => {
  let redis: DatabaseServer
  let connection: RedisConnection
  const leases: SlotLease[] = []
  beforeAll(async () => {
    redis = await startRedis()
  }, 30_000)
  beforeEach(async () => {
    await redis.start()
    await withRedis(redis.url, (client) => client.flushAll())
    connection = await RedisConnection.open(new URL(redis.url))
  })
  afterEach(async () => {
    for (const lease of leases.splice(0)) await lease.release()
    await connection.close()
  })
  afterAll(() => redis?.close())

  /** A node that has not taken its slot. */
  function node(options: Partial<SlotLeaseOptions> = {}) {
    const lease = new SlotLease({
      ...{ connection, prefix: PREFIX, url: URL_OF_NODE, clusterKey: KEY, leaseMs: LONG_MS },
      ...options,
    })
    leases.push(lease)
    const lost: string[] = []
    lease.on('lost', (slot) => lost.push(slot))
    return { lease, lost }
  }

  async function taken(options: Partial<SlotLeaseOptions> = {}) {
    const made = node(options)
    await made.lease.take()
    return made
  }

  async function ownerOf(slot: string): Promise<Owner | undefined> {
    const json = await withRedis(redis.url, (client) => client.get(`${PREFIX}slot:${slot}`))
    return json === null ? undefined : JSON.parse(json)
  }

  /** Deletes the lease, as its expiry does. */
  const expire = (slot: string) => withRedis(redis.url, (client) => client.del(`${PREFIX}slot:${slot}`))

  it('names the node in Redis, and begins a new epoch with each start', async () => {
    const { lease } = await taken()
    expect(lease.slot).toMatch(/^[\da-f]{3}$/)
    expect(lease.slotForId()).toBe(lease.slot)
    expect(await ownerOf(lease.slot)).toEqual({ url: URL_OF_NODE, epoch: lease.owner.epoch })
    const restarted = await taken()
    expect(restarted.lease.slot).toBe(lease.slot)
    expect(restarted.lease.owner.epoch).not.toBe(lease.owner.epoch)
    expect(await ownerOf(lease.slot)).toEqual(restarted.lease.owner)
  })

  it('expires in Redis no later than on the node', async () => {
    const { lease } = await taken({ leaseMs: SHORT_MS })
    const left = await withRedis(redis.url, (client) => client.pTTL(`${PREFIX}slot:${lease.slot}`))
    expect(left).toBeGreaterThan(0)
    expect(left).toBeLessThanOrEqual(SHORT_MS)
  })

  it('is renewed before it expires', async () => {
    const { lease, lost } = await taken({ leaseMs: SHORT_MS })
    const { owner } = lease
    for (let i = 0; i < 12; i++) {
      await sleep(SHORT_MS / 4)
      expect(await ownerOf(lease.slot)).toEqual(owner)
      expect(lease.isHeld).toBe(true)
    }
    expect(lost).toEqual([])
  })

  it('is not held when it has not been renewed in time, and no ids are created', async () => {
    const { lease } = await taken({ leaseMs: SHORT_MS })
    await redis.stop()
    await expect.poll(() => lease.isHeld, { interval: 10, timeout: SHORT_MS + 500 }).toBe(false)
    expect(() => lease.slotForId()).toThrow(expect.objectContaining({ code: 'cluster-unavailable' }))
    await lease.renew()
    expect(lease.isHeld).toBe(false)
  })

  it('is taken again, with the same epoch, when it has expired and no other node has held the slot', async () => {
    const { lease, lost } = await taken()
    const { owner, slot } = lease
    await expire(slot)
    await lease.renew()
    expect(await ownerOf(slot)).toEqual(owner)
    expect([lease.slot, lost]).toEqual([slot, []])
  })

  it('is taken again, with the same epoch, in a Redis server that has restarted empty', async () => {
    const { lease, lost } = await taken()
    const { owner, slot } = lease
    const reports: unknown[] = []
    lease.on('renewal', (error) => reports.push(error))
    await redis.stop()
    await lease.renew()
    await lease.renew()
    expect(reports).toEqual([expect.objectContaining({ code: 'unavailable' })])
    await redis.start()
    await expect.poll(() => lease.renew().then(() => ownerOf(slot))).toEqual(owner)
    expect(reports).toHaveLength(2)
    expect(reports[1]).toBeUndefined()
    expect(lost).toEqual([])
  })

  it.each([true, false])(
    'is lost when another node has held the slot after its expiry, which has ended since: %j',
    async (hasEnded) => {
      const { lease, lost } = await taken()
      const { slot, owner } = lease
      await expire(slot)
      const second = await taken({ url: COLLIDING })
      expect(second.lease.slot).toBe(slot)
      if (hasEnded) await expire(slot)
      await lease.renew()
      expect(lost).toEqual([slot])
      expect(lease.owner.epoch).not.toBe(owner.epoch)
      expect(lease.isHeld).toBe(true)
      expect(lease.slot === slot).toBe(hasEnded)
      if (hasEnded) return
      expect(second.lease.isHeld).toBe(true)
      await second.lease.renew()
      expect(second.lost).toEqual([])
    },
  )

  it('is lost to a later start of the node, which keeps it', async () => {
    const first = await taken()
    const second = await taken()
    const { slot } = second.lease
    for (let i = 0; i < 3; i++) {
      await first.lease.renew()
      await second.lease.renew()
    }
    expect(first.lost).toEqual([slot])
    expect(second.lost).toEqual([])
    expect(first.lease.slot).not.toBe(slot)
    expect(await ownerOf(slot)).toEqual(second.lease.owner)
  })

  it('is of the next slot if a node with another URL has the first one', async () => {
    const first = await taken()
    const second = await taken({ url: COLLIDING })
    expect(Number.parseInt(second.lease.slot, 16)).toBe((Number.parseInt(first.lease.slot, 16) + 1) % 4096)
    await first.lease.renew()
    await second.lease.renew()
    expect([first.lost, second.lost]).toEqual([[], []])
  })

  it('is refused with another cluster key while a node is alive', async () => {
    const { lease } = await taken()
    const stranger = node({ url: 'http://10.0.0.8:5002', clusterKey: 'x'.repeat(32) }).lease
    await expect(stranger.take()).rejects.toBeInstanceOf(ClusterKeyError)
    expect(stranger.isHeld).toBe(false)
    const text = await withRedis(redis.url, (client) => client.get(`${PREFIX}key`))
    expect(text).not.toContain('kkkk')
    await lease.release()
    await expire(lease.slot)
    await withRedis(redis.url, (client) => client.del(`${PREFIX}key`))
    await stranger.take()
    expect(stranger.isHeld).toBe(true)
  })

  it('ends at once when it is released, and requests that come later do not renew it', async () => {
    const { lease } = await taken()
    const renewal = lease.renew()
    await lease.release()
    await renewal
    expect(await ownerOf(lease.slot)).toBeUndefined()
    await lease.renew()
    expect(await ownerOf(lease.slot)).toBeUndefined()
    expect(lease.isHeld).toBe(false)
  })

  it('is not released if another node has taken the slot', async () => {
    const { lease } = await taken()
    const { lease: second } = await taken()
    await lease.release()
    expect(await ownerOf(lease.slot)).toEqual(second.owner)
  })

  it('tells the time of Redis', async () => {
    const { lease } = await taken()
    const [seconds] = await withRedis(redis.url, (client) => client.sendCommand<[string, string]>(['TIME']))
    expect(Math.abs(lease.now() - Number(seconds) * 1000)).toBeLessThan(2000)
  })
})
