import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { SlotLease } from '../../src/cluster/slot-lease.ts'
import { ConfigError } from '../../src/config/config-error.ts'
import { startDemoServer } from '../../src/demo/server.ts'
import { RedisConnection } from '../../src/store/backends/redis/connection.ts'
import type { TestSettings } from '../support/config.ts'
import type { DatabaseServer } from '../support/database-server.ts'
import { freePort } from '../support/free-port.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { redisInstalled, startRedis, withRedis } from '../support/redis-server.ts'
import { canFail, onFaultStage } from './fault-stage.ts'
import { CLUSTER_KEY } from './node-process.ts'
import { SERVER, WHO_AM_I } from './stage.ts'

/** The lease of a node on another machine. */
const LEASE = { prefix: 'komgate:cluster:', clusterKey: CLUSTER_KEY, leaseMs: 1500 }

describe.skipIf(!redisInstalled() && !process.env.CI)('a node that starts', () => {
  let redis: DatabaseServer
  let lyskom: Awaited<ReturnType<typeof startDemoServer>>
  const nodes: TestGateway[] = []
  beforeAll(async () => {
    redis = await startRedis()
    lyskom = await startDemoServer()
  }, 30_000)
  afterEach(async () => {
    for (const node of nodes.splice(0)) await node.close()
    await withRedis(redis.url, (client) => client.flushAll())
  })
  afterAll(async () => {
    await lyskom?.close()
    await redis?.close()
  })

  async function start(settings: TestSettings): Promise<TestGateway> {
    const cluster = { cluster: redis.url, clusterKey: CLUSTER_KEY, ...settings }
    const node = await startTestGateway([{ id: SERVER, port: lyskom.port }], cluster)
    nodes.push(node)
    return node
  }

  const freeUrl = async () => `http://127.0.0.1:${await freePort()}`
  const otherKey = { clusterKey: CLUSTER_KEY.toUpperCase() }
  const otherHost = { nodeHost: '127.0.0.2' }

  it('is refused with another cluster key than that of the nodes', async () => {
    const first = await start({ nodeUrl: await freeUrl() })
    const second = start({ nodeUrl: await freeUrl(), ...otherKey })
    await expect(second).rejects.toThrow('the nodes on this Redis database have another cluster key')
    const id = await first.open()
    expect((await first.send('GET', WHO_AM_I, { id })).status).toBe(200)
  })

  it('is refused with the URL of another node, which keeps its slot', async () => {
    const nodeUrl = await freeUrl()
    const first = await start({ nodeUrl })
    const id = await first.open()
    await expect(start({ nodeUrl })).rejects.toThrow('EADDRINUSE')
    await expect(start({ nodeUrl, ...otherHost })).rejects.toThrow(`another node answers at ${nodeUrl}`)
    const stranger = start({ nodeUrl, ...otherHost, ...otherKey })
    await expect(stranger).rejects.toThrow(`a node with another cluster key answers at ${nodeUrl}`)
    const third = await start({ nodeUrl: await freeUrl() })
    expect((await third.send('GET', WHO_AM_I, { id })).status).toBe(200)
  })

  it('is refused with another lease than that of the others', async () => {
    await start({ nodeUrl: await freeUrl(), leaseMs: 10_000 })
    const refused = start({ nodeUrl: await freeUrl(), leaseMs: 9000 })
    await expect(refused).rejects.toThrow('cluster.leaseMs: the nodes on this Redis database have a lease of 10000 ms')
    await expect(refused).rejects.toBeInstanceOf(ConfigError)
  })

  it('is refused with the URL of something else, the port for clients too', async () => {
    const first = await start({ nodeUrl: await freeUrl() })
    await expect(start({ nodeUrl: first.url, ...otherHost })).rejects.toThrow(`something else answers at ${first.url}`)
  })

  it('is refused with the URL of a living node on another machine, although it answers there itself', async () => {
    const nodeUrl = await freeUrl()
    const connection = await RedisConnection.open(new URL(redis.url))
    const elsewhere = new SlotLease({ connection, ...LEASE, url: nodeUrl })
    await elsewhere.take()
    const startedAt = performance.now()
    const refused = start({ nodeUrl, leaseMs: LEASE.leaseMs })
    await expect(refused).rejects.toThrow(`cluster.nodeUrl: another node has the URL ${nodeUrl}`)
    await expect(refused).rejects.toBeInstanceOf(ConfigError)
    expect(performance.now() - startedAt).toBeLessThan(LEASE.leaseMs * 0.4 + 1000)
    expect(elsewhere.isHeld).toBe(true)
    await elsewhere.release()
    await connection.close()
    await start({ nodeUrl, leaseMs: LEASE.leaseMs })
  })

  it.each([
    ['a loopback URL', () => freeUrl(), 'http://10.0.0.9:5002'],
    ['a URL for other machines', async () => 'http://node.invalid:5002', 'http://127.0.0.1:5002'],
  ])('is refused with %s, if another node has not such a one', async (_, urlOf, other) => {
    const nodeUrl = await urlOf()
    const connection = await RedisConnection.open(new URL(redis.url))
    const elsewhere = new SlotLease({ connection, ...LEASE, url: other })
    await elsewhere.take()
    const refused = start({ nodeUrl, nodeHost: '127.0.0.1', leaseMs: LEASE.leaseMs })
    const [local, remote] = other.includes('127') ? [other, nodeUrl] : [nodeUrl, other]
    await expect(refused).rejects.toThrow(
      `cluster.nodeUrl: ${local} is a loopback address, at which the node ${remote} cannot reach a node`,
    )
    await expect(refused).rejects.toBeInstanceOf(ConfigError)
    await elsewhere.release()
    await connection.close()
  })

  it('does not send requests to a URL that no node has written, and logs a warning', async () => {
    const victim = await start({ nodeUrl: await freeUrl() })
    const node = await start({ nodeUrl: await freeUrl() })
    const id = await victim.open()
    const forged = JSON.stringify({ epoch: randomUUID(), url: await freeUrl(), mac: '' })
    const name = `komgate:cluster:slot:${id.slice(0, 3)}`
    await withRedis(redis.url, (client) => client.set(name, forged))
    for (let i = 0; i < 2; i++) expect((await node.send('GET', WHO_AM_I, { id })).status).toBe(503)
    const warnings = node.log.filter((line) => line.includes(`${name} in Redis was not written by a node`))
    expect(warnings).toHaveLength(1)
    await withRedis(redis.url, (client) => client.del(name))
  })

  it('logs a warning if Redis evicts leases, and when it does after an interruption', async () => {
    const evict = (policy: string) =>
      withRedis(redis.url, (client) => client.configSet({ maxmemory: '100mb', 'maxmemory-policy': policy }))
    await evict('allkeys-lru')
    const warnings = (node: TestGateway) => node.log.filter((line) => line.includes('Redis evicts keys')).length
    const first = await start({ nodeUrl: await freeUrl(), leaseMs: 300 })
    expect(warnings(first)).toBe(1)
    await evict('noeviction')
    const second = await start({ nodeUrl: await freeUrl(), leaseMs: 300 })
    await evict('volatile-ttl')
    await withRedis(redis.url, (client) => client.clientKill({ filter: 'TYPE', type: 'normal' }))
    await expect.poll(() => warnings(second)).toBe(1)
    await withRedis(redis.url, (client) => client.configSet({ maxmemory: '0', 'maxmemory-policy': 'noeviction' }))
  })

  it('logs a warning if nothing answers at its URL, and 504 is the answer for its sessions', async () => {
    const nodeUrl = await freeUrl()
    const node = await start({ nodeUrl, ...otherHost })
    expect(node.log.join('')).toContain(`nothing answers at ${nodeUrl}, the URL of this node`)
    const second = await start({ nodeUrl: await freeUrl() })
    const id = await node.open()
    const { status, json } = await second.send('GET', WHO_AM_I, { id })
    expect([status, json.error_msg]).toEqual([504, 'The node of this gateway that has the session does not answer.'])
    expect((await node.send('GET', WHO_AM_I, { id })).status).toBe(200)
  })
})

/** Returns the flags of Node that add a number of milliseconds, an expression, to the clock of the process. */
function clock(added: string): string[] {
  const script = `
    const { now } = Date, Real = Date
    const shifted = () => now() + ${added}
    globalThis.Date = class extends Real {
      constructor(...args) { args.length === 0 ? super(shifted()) : super(...args) }
      static now() { return shifted() }
    }`
  return ['--import', `data:text/javascript,${encodeURIComponent(script)}`]
}

describe.skipIf(!canFail)('nodes with wrong clocks', () => {
  const stage = onFaultStage()

  it('work like others, be it ten minutes ahead or jumping an hour each half second', async () => {
    const [ahead, jumping, right] = await Promise.all([
      stage.start({ nodeArgs: clock('600_000') }),
      stage.start({ nodeArgs: clock('Math.floor(performance.now() / 500) % 2 * 3_600_000') }),
      stage.start(),
    ])
    const nodes = [ahead, jumping, right]
    const ids = await Promise.all(nodes.map((node) => node.open()))
    // More than the lease and two jumps.
    const end = performance.now() + 2000
    while (performance.now() < end) {
      const asked = nodes.flatMap((node) => ids.map((id) => node.status(id)))
      expect(new Set(await Promise.all(asked))).toEqual(new Set([200]))
    }
    expect(await right.status(await jumping.open())).toBe(200)
    for (const { log, errors } of nodes) expect([log.match(/"level":[456]0.*/g), errors]).toEqual([null, ''])
    const times = nodes.map(({ log }) => Number(/"time":(\d+)/.exec(log)?.[1]))
    expect((times[0] as number) - (times[2] as number)).toBeGreaterThan(500_000)
  })
})

describe.skipIf(!canFail)('a process with a wrong cluster key or the URL of another node', () => {
  const stage = onFaultStage()

  it('exits with code 2, and states the setting', async () => {
    const { nodeUrl } = await stage.start()
    const strange = stage.start({ key: CLUSTER_KEY.toUpperCase() })
    await expect(strange).rejects.toThrow(
      /komgate ended with 2.*cluster\.clusterKey: the nodes on this Redis database have another cluster key\n$/,
    )
    const second = stage.start({ nodeUrl, nodeHost: '127.0.0.2' })
    await expect(second).rejects.toThrow(`cluster.nodeUrl: another node answers at ${nodeUrl}, the URL of this node`)
    await expect(second).rejects.toThrow('komgate ended with 2')
  })
})
