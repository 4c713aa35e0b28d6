import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { ClusterSettingError } from '../../src/cluster/errors.ts'
import { type Owner, parseOwner } from '../../src/cluster/owner.ts'
import { SlotLease, type SlotLeaseOptions } from '../../src/cluster/slot-lease.ts'
import type { Slot } from '../../src/cluster/slots.ts'
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
/** A lease of which a part can be measured. */
const LEASE_MS = 1500

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

  /** Returns the connection to Redis with a function around each script. */
  const around = (work: <T>(run: () => Promise<T>) => Promise<T>): SlotLeaseOptions['connection'] => ({
    interruptions: connection.interruptions,
    send: (command) => connection.send(command),
    run: (...args) => work(() => connection.run(...args)),
  })

  async function ownerOf(slot: Slot): Promise<Owner | undefined> {
    const json = await withRedis(redis.url, (client) => client.get(`${PREFIX}slot:${slot}`))
    return json === null ? undefined : parseOwner(slot, json, KEY)
  }

  /** Deletes the lease, as its expiry does. */
  const expire = (slot: string) => withRedis(redis.url, (client) => client.del(`${PREFIX}slot:${slot}`))

  /** Makes the leases of a node those of one that has crashed: they end some time after their last renewal. */
  async function crash({ lease }: Awaited<ReturnType<typeof taken>>, leftMs: number): Promise<void> {
    lease.renew = async () => undefined
    await withRedis(redis.url, (client) => client.pExpire(`${PREFIX}slot:${lease.slot}`, leftMs))
  }

  it('has a record in Redis, and begins a new epoch with each start', async () => {
    const first = await taken()
    const { lease } = first
    expect(lease.slot).toMatch(/^[\da-f]{3}$/)
    expect(lease.slotForId()).toBe(lease.slot)
    expect(await ownerOf(lease.slot)).toEqual({ url: URL_OF_NODE, epoch: lease.owner.epoch })
    await crash(first, LONG_MS / 2)
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
    const { lease, lost } = await taken({ leaseMs: LEASE_MS })
    const { owner } = lease
    for (let i = 0; i < 8; i++) {
      await sleep(LEASE_MS / 4)
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

  it('is not confirmed by a reply that has waited while another node took the slot', async () => {
    let reply: Promise<void> | undefined
    const { lease, lost } = await taken({
      leaseMs: SHORT_MS,
      connection: around(async (run) => {
        const result = await run()
        await reply
        return result
      }),
    })
    const { slot } = lease
    let resume = (): void => undefined
    reply = new Promise((resolve) => {
      resume = resolve
    })
    const renewed = lease.renew()
    await expect.poll(() => ownerOf(slot), { interval: 10 }).toBeUndefined()
    const other = await taken({ url: COLLIDING, leaseMs: SHORT_MS })
    expect(other.lease.slot).toBe(slot)
    const confirmed = lease.confirm()
    reply = undefined
    resume()
    await renewed
    await confirmed
    expect(lost).toEqual([slot])
    expect(lease.slot).not.toBe(slot)
  })

  it('is not confirmed by a connection that has timed out, but when it is made again', async () => {
    let isDown = false
    const { lease, lost } = await taken({
      connection: around(async (run) => {
        if (isDown) throw new Error('Redis is unavailable')
        return await run()
      }),
      leaseMs: SHORT_MS,
    })
    const { slot } = lease
    isDown = true
    await expire(slot)
    await taken({ url: COLLIDING, leaseMs: SHORT_MS })
    await expect.poll(() => lease.isHeld, { interval: 10 }).toBe(false)
    const confirmed = lease.confirm()
    await sleep(100)
    expect(lost).toEqual([])
    isDown = false
    await confirmed
    expect(lost).toEqual([slot])
    isDown = true
    await expect.poll(() => lease.isHeld, { interval: 10 }).toBe(false)
    await lease.confirm()
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
    await withRedis(redis.url, (client) => client.pExpire(`${PREFIX}slot:${first.lease.slot}`, LONG_MS / 2))
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

  it('is taken within 0.4 leases from a node that has crashed, whenever that was', async () => {
    for (const leftMs of [LEASE_MS, LEASE_MS * 0.8, LEASE_MS * 0.6, 10]) {
      const first = await taken({ leaseMs: LEASE_MS })
      await crash(first, leftMs)
      const start = performance.now()
      const second = await taken({ leaseMs: LEASE_MS })
      const waitMs = Math.max(0, leftMs - LEASE_MS * 0.6)
      expect(performance.now() - start).toBeGreaterThan(waitMs - 50)
      expect(performance.now() - start).toBeLessThan(waitMs + 300)
      expect(second.lease.slot).toBe(first.lease.slot)
      await second.lease.release()
    }
  })

  it('is refused to a second node with the same URL, and the first one keeps it', async () => {
    const first = await taken({ leaseMs: LEASE_MS })
    const { owner, slot } = first.lease
    const second = node({ leaseMs: LEASE_MS }).lease
    const start = performance.now()
    const refusal = second.take()
    await expect(refusal).rejects.toMatchObject({ setting: 'nodeUrl' })
    await expect(refusal).rejects.toThrow(`another node has the URL ${URL_OF_NODE}`)
    expect(performance.now() - start).toBeLessThan(LEASE_MS * 0.4 + 300)
    expect(second.isHeld).toBe(false)
    expect(await ownerOf(slot)).toEqual(owner)
    expect(first.lost).toEqual([])
  })

  it('ends with a later start of the node that takes another slot, also for the earlier one', async () => {
    const other = await taken({ url: COLLIDING })
    const first = await taken()
    const { slot } = first.lease
    await other.lease.release()
    await withRedis(redis.url, (client) => client.pExpire(`${PREFIX}slot:${slot}`, LONG_MS / 2))
    const second = await taken()
    expect(second.lease.slot).toBe(other.lease.slot)
    expect(await ownerOf(slot)).toBeUndefined()
    // The sessions of an epoch are counted once.
    const owners = await withRedis(redis.url, (client) => client.hVals(`${PREFIX}owners`))
    expect(owners.filter((json) => json.includes(second.lease.owner.epoch))).toHaveLength(1)
    // It was suspended.
    await first.lease.renew()
    expect(first.lost).toEqual([slot])
  })

  it('is taken although Redis has something else under the same names', async () => {
    await withRedis(redis.url, async (client) => {
      await client.hSet(`${PREFIX}owners`, { '001': 'e', '002': 'e', '003': 'e' })
      await client.set(`${PREFIX}slot:001`, '{')
      await client.set(`${PREFIX}slot:002`, '[1]')
    })
    const { lease } = await taken()
    expect(lease.isHeld).toBe(true)
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
    await expect(stranger.take()).rejects.toMatchObject({ setting: 'clusterKey' })
    await expect(stranger.checkSettings()).rejects.toBeInstanceOf(ClusterSettingError)
    await lease.checkSettings()
    expect(stranger.isHeld).toBe(false)
    const text = await withRedis(redis.url, (client) => client.get(`${PREFIX}settings`))
    expect(text).not.toContain('kkkk')
    await lease.release()
    await expire(lease.slot)
    await withRedis(redis.url, (client) => client.del(`${PREFIX}settings`))
    await stranger.take()
    expect(stranger.isHeld).toBe(true)
  })

  it('is refused with another time than that of the nodes that are alive', async () => {
    await taken()
    const hasty = node({ url: 'http://10.0.0.8:5002', leaseMs: LONG_MS / 2 }).lease
    const refusal = { setting: 'leaseMs', message: `the nodes on this Redis database have a lease of ${LONG_MS} ms` }
    await expect(hasty.take()).rejects.toMatchObject(refusal)
    await expect(hasty.checkSettings()).rejects.toMatchObject(refusal)
    expect(hasty.isHeld).toBe(false)
  })

  it('leaves the record of the last owner when it expires, and none when it is released', async () => {
    const { lease } = await taken()
    const last = () => withRedis(redis.url, (client) => client.hGet(`${PREFIX}owners`, lease.slot))
    await expire(lease.slot)
    expect(parseOwner(lease.slot, (await last()) ?? '', KEY)).toEqual(lease.owner)
    await lease.release()
    expect(await last()).toBe('ended')
  })

  it('is not of a slot while Redis fails between the loss of one and the next', async () => {
    let isDown = false
    let failsAfterLoss = false
    const { lease, lost } = await taken({
      connection: around(async (run) => {
        if (isDown) throw new Error('Redis is unavailable')
        const result = await run()
        isDown = failsAfterLoss
        return result
      }),
    })
    const { slot } = lease
    expect(lease.has(slot)).toBe(true)
    await expire(slot)
    const other = await taken({ url: COLLIDING })
    expect(other.lease.slot).toBe(slot)
    failsAfterLoss = true
    await lease.renew()
    expect(lost).toEqual([slot])
    expect([lease.has(slot), lease.isHeld]).toEqual([false, false])
    isDown = false
    failsAfterLoss = false
    await lease.renew()
    expect(lease.has(lease.slot)).toBe(true)
    expect(lease.slot).not.toBe(slot)
    expect(lost).toEqual([slot])
    expect(await ownerOf(lease.slot)).toEqual(lease.owner)
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
    await withRedis(redis.url, (client) => client.pExpire(`${PREFIX}slot:${lease.slot}`, LONG_MS / 2))
    const { lease: second } = await taken()
    await lease.release()
    expect(await ownerOf(lease.slot)).toEqual(second.owner)
  })

  it('has the time of Redis, also before it is taken', async () => {
    const { lease } = node()
    vi.spyOn(Date, 'now').mockReturnValue(0)
    await lease.readClock()
    vi.restoreAllMocks()
    const [seconds] = await withRedis(redis.url, (client) => client.sendCommand<[string, string]>(['TIME']))
    expect(Math.abs(lease.now() - Number(seconds) * 1000)).toBeLessThan(2000)
  })
})
