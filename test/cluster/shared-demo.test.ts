import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Address, SharedDemo, type SharedDemoOptions } from '../../src/cluster/shared-demo.ts'
import { RedisConnection } from '../../src/store/backends/redis/connection.ts'
import type { DatabaseServer } from '../support/database-server.ts'
import { freePort } from '../support/free-port.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { redisInstalled, startRedis, withRedis } from '../support/redis-server.ts'
import { Scope } from '../support/scope.ts'

const KEY = 'test:demo'
/** So long that the test makes the checks. */
const LONG_MS = 60_000

/** One node's part of a shared demo server, with the ports that it has started and closed. */
interface Node {
  demo: SharedDemo
  address: Address
  started: number[]
  closed: number[]
  /** whether Redis has known all leases for the time of a lease */
  isSettled: boolean
}

describe.skipIf(!redisInstalled())('a demo server of all nodes', () => {
  let redis: DatabaseServer
  let connection: RedisConnection
  let ports: number
  const nodes: Node[] = []
  beforeAll(async () => {
    redis = await startRedis()
  }, 30_000)
  beforeEach(async () => {
    ports = 0
    await withRedis(redis.url, (client) => client.flushAll())
    connection = await RedisConnection.open(new URL(redis.url))
  })
  afterEach(async () => {
    for (const { demo } of nodes.splice(0)) await demo.close()
    await connection.close()
  })
  afterAll(() => redis?.close())

  function node(options: Partial<SharedDemoOptions> = {}): Node {
    const address = { host: '', port: 0 }
    const started: number[] = []
    const closed: number[] = []
    const start = async () => {
      const port = ++ports
      started.push(port)
      return { port, limitHits: new Map(), close: async () => void closed.push(port) }
    }
    const confirmSettled = async (): Promise<boolean> => made.isSettled
    const demo = new SharedDemo({
      ...{ connection, key: KEY, leaseMs: LONG_MS, confirmSettled, host: '10.0.0.7', address, start },
      ...options,
    })
    const made: Node = { demo, address, started, closed, isSettled: true }
    nodes.push(made)
    return made
  }

  async function opened(): Promise<Node> {
    const made = node()
    await made.demo.open()
    return made
  }

  /** Deletes the lease, as its expiry or an empty start of Redis does. */
  const forget = () => withRedis(redis.url, (client) => client.del(KEY))

  it('is run by the first node, and by another one when that has closed it', async () => {
    const [first, second] = [await opened(), await opened()]
    expect([first.started, second.started]).toEqual([[1], []])
    expect(second.address).toEqual({ host: '10.0.0.7', port: 1 })
    await first.demo.close()
    expect(first.closed).toEqual([1])
    await second.demo.check()
    expect([second.started, second.address.port]).toEqual([[2], 2])
  })

  it('stays where it is when Redis has started empty, whichever node checks first', async () => {
    const [first, second] = [await opened(), await opened()]
    await forget()
    second.isSettled = false
    await second.demo.check()
    await second.demo.check()
    expect([second.started, second.address.port]).toEqual([[], 1])
    await first.demo.check()
    await second.demo.check()
    expect([first.closed, second.started, second.address.port]).toEqual([[], [], 1])
  })

  it('is run by another node a lease after an empty start of Redis, when its own node has ended', async () => {
    const [, second] = [await opened(), await opened()]
    await forget()
    second.isSettled = false
    await second.demo.check()
    expect(second.started).toEqual([])
    second.isSettled = true
    await second.demo.check()
    expect([second.started, second.address.port]).toEqual([[2], 2])
  })

  it('is closed by a node that was suspended while another one started it anew', async () => {
    const [first, second] = [await opened(), await opened()]
    await forget()
    await second.demo.check()
    await first.demo.check()
    expect([first.closed, first.address.port, second.address.port]).toEqual([[1], 2, 2])
    expect([second.closed, [...first.demo.limitHits]]).toEqual([[], []])
  })

  it('is started once by checks at the same time', async () => {
    const { demo, started, closed } = node()
    await Promise.all([demo.check(), demo.check(), demo.open()])
    expect([started, closed]).toEqual([[1], []])
  })

  it('is closed, and its lease released, by a node that is closed while it starts it', async () => {
    const { demo, started, closed } = node()
    const check = demo.check()
    await demo.close()
    await check
    expect([started, closed]).toEqual([[1], [1]])
    expect(await withRedis(redis.url, (client) => client.get(KEY))).toBeNull()
  })

  it('is closed when it has started and Redis fails', async () => {
    const failing = { send: async <T>() => null as T, run: () => Promise.reject(new Error('Redis is unavailable')) }
    const { demo, started, closed } = node({ connection: failing })
    await expect(demo.open()).rejects.toThrow('Redis is unavailable')
    expect([started, closed]).toEqual([[1], [1]])
  })

  it('is checked in each third of a lease', async () => {
    const [first, second] = [node({ leaseMs: 300 }), node({ leaseMs: 300 })]
    await first.demo.open()
    await second.demo.open()
    await first.demo.close()
    await expect.poll(() => second.started).toEqual([2])
    await forget()
    await expect.poll(() => withRedis(redis.url, (client) => client.get(KEY))).toContain('"port":2')
  })

  it('keeps its sessions when Redis is started empty', async () => {
    const gateways: TestGateway[] = []
    const scope = new Scope()
    try {
      const own = scope.use(await startRedis(), (server) => server.close())
      for (let i = 0; i < 3; i++) {
        const nodeUrl = `http://127.0.0.1:${await freePort()}`
        const settings = { cluster: own.url, clusterKey: 'k'.repeat(32), nodeUrl, leaseMs: 600 }
        gateways.push(scope.use(await startTestGateway([{ id: 'demo', demo: true }], settings), (each) => each.close()))
      }
      const ids = await Promise.all(gateways.map((gateway) => gateway.open()))
      await own.stop()
      await own.start()
      const holder = () => withRedis(own.url, (client) => client.get('komgate:cluster:demo:demo'))
      await expect.poll(holder, { timeout: 5000 }).not.toBeNull()
      // The servers of others would take the lease, or lose it and be closed, in the checks of a lease.
      const end = performance.now() + 1200
      while (performance.now() < end) {
        const answers = gateways.map((gateway, i) =>
          gateway.send('GET', '/demo/sessions/current/who-am-i', { id: ids[i] as string }),
        )
        expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200])
      }
    } finally {
      await scope.close()
    }
  }, 20_000)
})
