import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startGateway } from '../../src/gateway.ts'
import { configFor, type TestServer, type TestSettings } from '../support/config.ts'
import type { DatabaseServer } from '../support/database-server.ts'
import { freePort } from '../support/free-port.ts'
import { startRedis, withRedis } from '../support/redis-server.ts'
import { CLUSTER_KEY } from './node-process.ts'
import { canStartCluster } from './stage.ts'

const DEMO = [{ id: 'demo', demo: true }]

describe.skipIf(!canStartCluster)('a node that cannot be started', () => {
  let redis: DatabaseServer
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(async () => {
    await redis?.close()
  })

  /** Starts a node, which fails. */
  async function fail(settings: TestSettings, servers: readonly TestServer[] = DEMO): Promise<void> {
    const nodeUrl = `http://127.0.0.1:${await freePort()}`
    const options = configFor(servers, { cluster: redis.url, clusterKey: CLUSTER_KEY, nodeUrl, ...settings })
    await expect(startGateway(options)).rejects.toThrow()
  }

  /** What of a node is left in this process and in Redis. */
  async function left(): Promise<{ timers: number; sockets: number; clients: number; keys: string[] }> {
    const resources = process.getActiveResourcesInfo()
    const of = (name: string) => resources.filter((each) => each === name).length
    return await withRedis(redis.url, async (client) => ({
      timers: of('Timeout'),
      sockets: of('TCPServerWrap'),
      clients: (await client.clientList()).length,
      keys: (await client.keys('komgate:cluster:demo:*')).concat(await client.keys('komgate:cluster:slot:*')),
    }))
  }

  it.each<[string, () => Promise<TestSettings>]>([
    ['its store cannot be opened', async () => ({ store: `redis://127.0.0.1:${await freePort()}/0` })],
    ['its port is taken', async () => ({ port: redis.port })],
    [
      'its node URL is that of something else',
      async () => ({ nodeUrl: redis.url.replace('redis', 'http').replace('/0', '') }),
    ],
  ])('leaves nothing open if %s', async (_, settings) => {
    const before = await left()
    await fail(await settings())
    await expect.poll(left).toEqual({ ...before, keys: [] })
  })
})
