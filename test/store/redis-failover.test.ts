import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { replyKind } from '../../src/store/backends/redis/replies.ts'
import { openBackend } from '../../src/store/open.ts'
import { keyOf } from '../../src/store/record.ts'
import { SessionStore } from '../../src/store/store.ts'
import type { DatabaseServer } from '../support/database-server.ts'
import { startProxy, type TcpProxy } from '../support/proxy.ts'
import { redisInstalled, startRedis, withRedis } from '../support/redis-server.ts'

const UNAVAILABLE = { name: 'StoreError', code: 'unavailable' }
/** Maximum time until the store is available after a new master is, milliseconds. */
const FAILOVER_MS = 2000

const command = (server: DatabaseServer, ...args: string[]) =>
  withRedis(server.url, (client) => client.sendCommand(args))

describe.skipIf(!redisInstalled())('Redis with a replica', () => {
  let first: DatabaseServer
  let second: DatabaseServer
  /** One address for both servers, like a virtual IP or a proxy. */
  let address: { host: string; port: number }
  let proxy: TcpProxy
  let store: SessionStore
  let failures: string[]
  let recoveries: number

  beforeEach(async () => {
    first = await startRedis({ settings: ['--repl-diskless-sync-delay', '0', '--enable-protected-configs', 'yes'] })
    second = await startRedis({ settings: ['--replicaof', '127.0.0.1', `${first.port}`] })
    await expect
      .poll(() => command(second, 'INFO', 'replication'), { timeout: 20_000 })
      .toMatch(/master_link_status:up/)
    address = { host: '127.0.0.1', port: first.port }
    proxy = await startProxy(address)
    store = await SessionStore.open(`redis://127.0.0.1:${proxy.port}/0`)
    failures = []
    recoveries = 0
    store.on('failing', (error) => failures.push(String(error)))
    store.on('recovered', () => recoveries++)
  }, 60_000)
  afterEach(async () => {
    await store?.close()
    await proxy?.close()
    await second?.close()
    await first?.close()
  })

  const create = async () => await store.create({ key: keyOf(randomUUID()), app: 'a', user: 'u' })
  const untilItWorks = () => expect.poll(() => create().catch(() => undefined), { timeout: FAILOVER_MS, interval: 20 })

  test('leaves a demoted master for the new master within 2 s, although the connection stays open', async () => {
    const { key } = await create()
    await command(first, 'WAIT', '1', '5000')
    await command(second, 'REPLICAOF', 'NO', 'ONE')
    await command(first, 'REPLICAOF', '127.0.0.1', `${second.port}`)
    await expect(store.touch('a', key)).rejects.toMatchObject(UNAVAILABLE)
    expect(store.unavailable).toMatchObject({ kind: expect.stringMatching(/^(READONLY|LOADING|MASTERDOWN)$/) })

    // The old master is not used for reads either, since its records may be outdated.
    await expect(store.find('a', key)).rejects.toMatchObject(UNAVAILABLE)
    await expect(store.ping()).rejects.toMatchObject(UNAVAILABLE)
    address.port = second.port
    await untilItWorks().toBeDefined()
    expect(await store.touch('a', key)).toBeDefined()
    expect(store.unavailable).toBeUndefined()
    expect(failures.join()).toMatch(/READONLY|LOADING|MASTERDOWN/)
    expect(new Set(failures).size).toBe(failures.length)
    expect(recoveries).toBe(1)
  }, 60_000)

  test('rejects a replica at startup with a message that states the reason', async () => {
    await expect(openBackend(second.url)).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: expect.stringContaining('READONLY'),
    })
  })

  test('rejects calls while the master has too few replicas, and accepts calls when it has enough', async () => {
    await command(first, 'CONFIG', 'SET', 'min-replicas-to-write', '2')
    await expect.poll(() => create().then(() => undefined, String), { timeout: 5000 }).toMatch(/NOREPLICAS/)
    expect(store.unavailable).toMatchObject({ kind: 'NOREPLICAS' })
    await command(first, 'CONFIG', 'SET', 'min-replicas-to-write', '0')
    await untilItWorks().toBeDefined()
  }, 30_000)

  test('reports why a server that cannot save is unavailable, and keeps its connection', async () => {
    const before = store.interruptions
    await command(first, 'CONFIG', 'SET', 'save', '1 1', 'dir', '/proc')
    await command(first, 'SET', 'theirs', '1')
    await expect.poll(() => create().then(() => undefined, String), { timeout: 10_000 }).toMatch(/MISCONF/)
    expect(store.interruptions).toBe(before)
    await command(first, 'CONFIG', 'SET', 'save', '')
    await untilItWorks().toBeDefined()
  }, 30_000)

  test('detects the new master without a request', async () => {
    await command(second, 'REPLICAOF', 'NO', 'ONE')
    await command(first, 'REPLICAOF', '127.0.0.1', `${second.port}`)
    await expect(create()).rejects.toMatchObject(UNAVAILABLE)
    address.port = second.port
    await expect.poll(() => store.unavailable, { timeout: 5000 }).toBeUndefined()
    expect(recoveries).toBe(1)
  }, 30_000)
})

describe.skipIf(!redisInstalled())('Redis Cluster', () => {
  test.for<{ settings: string[] }>([
    { settings: [] },
    { settings: ['--user', 'default', 'on', 'nopass', '~*', '+@all', '-info', '-role'] },
  ])(
    'aborts startup with one line that names the cluster (settings $settings)',
    { timeout: 60_000 },
    async ({ settings }) => {
      const server = await startRedis({ settings: ['--cluster-enabled', 'yes', ...settings] })
      const refused = expect.objectContaining({
        name: 'TypeError',
        message: expect.stringMatching(/^Redis Cluster.*$/),
      })
      await expect(openBackend(server.url)).rejects.toEqual(refused)
      await command(server, 'CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
      await expect.poll(() => command(server, 'CLUSTER', 'INFO'), { timeout: 10_000 }).toMatch(/cluster_state:ok/)
      await expect(openBackend(server.url)).rejects.toEqual(refused)
      await server.close()
    },
  )
})

test.for([
  ["READONLY You can't write against a read only replica. script: 1f, on @user_script:3.", 'READONLY'],
  ["ERR Error running script (call to f_1f): @user_script:9: @user_script: 9: -READONLY You can't write", 'READONLY'],
  ['LOADING Redis is loading the dataset in memory', 'LOADING'],
  ['MOVED 3999 127.0.0.1:6381', 'MOVED'],
  ['OOM command not allowed when used memory > maxmemory', 'OOM'],
  ['BUSYGROUP Consumer Group name already exists', 'connection'],
  ['Socket closed unexpectedly', 'connection'],
])('replyKind classifies the error reply %j as %s', ([message, kind]) => {
  expect(replyKind(new Error(message))).toBe(kind)
})
