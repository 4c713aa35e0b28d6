import { describe, expect, it } from 'vitest'
import { expectWithin } from '../support/bound.ts'
import type { DatabaseServer } from '../support/database-server.ts'
import { startProxy } from '../support/proxy.ts'
import { startRedis, withRedis } from '../support/redis-server.ts'
import { canFail, onFaultStage } from './fault-stage.ts'
import { LEASE_MS, load, type NodeProcess, until } from './node-process.ts'

/** Bound for the return of all functions after that of Redis, milliseconds. */
const BACK_MS = 2000

describe.skipIf(!canFail)('Redis', () => {
  const stage = onFaultStage()

  const opening = async (node: NodeProcess): Promise<number> => {
    const response = await node.tryOpen()
    await response.arrayBuffer()
    return response.status
  }

  const command = (server: DatabaseServer, ...args: string[]) =>
    withRedis(server.url, (client) => client.sendCommand(args))

  it('stopped: sessions and known nodes go on, and all works after its restart without data', async () => {
    const { started, ids } = await stage.nodes(3)
    const [first, second, third] = started
    // The first node knows the second one, and the third one knows neither.
    for (const id of ids.slice(0, 2)) expect(await first.status(id)).toBe(200)
    const running = load([
      () => first.status(ids[0]),
      () => second.status(ids[1]),
      () => third.status(ids[2]),
      () => first.status(ids[1]),
    ])
    await stage.redis.stop()
    const unknown = await third.ask(ids[0])
    expect(unknown.status).toBe(503)
    expect(Number(unknown.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await unknown.text()).toContain('The nodes of this gateway cannot agree at the moment')
    const refused = await until(
      () => opening(first),
      (status) => status === 503,
    )
    expectWithin(LEASE_MS, refused.ms, 'Redis stopped: no new sessions')
    expect(await third.status(ids[1])).toBe(503)
    expect((await running.stop()).answers).toEqual([200])
    // A node that is known and has ended may have been replaced.
    second.kill('SIGKILL')
    await until(
      () => first.status(ids[1]),
      (status) => status === 503,
    )
    await stage.redis.start()
    const back = await Promise.all(
      [first, third].map((node) =>
        until(
          () => opening(node),
          (status) => status === 201,
        ),
      ),
    )
    for (const { ms } of back) expectWithin(BACK_MS, ms, 'Redis restarted empty: new sessions')
    // Redis does not know all nodes before they have renewed their leases.
    const asked: [NodeProcess, string, number][] = [
      [third, ids[0], 200],
      [first, ids[2], 200],
      [first, ids[1], 403],
    ]
    for (const [node, id, expected] of asked) {
      const { ms, answers } = await until(
        () => node.status(id),
        (status) => status !== 503,
      )
      expect(answers.at(-1)).toBe(expected)
      expectWithin(LEASE_MS, ms, `Redis restarted empty: ${expected}`)
    }
    const fresh = await third.open()
    expect(fresh.slice(0, 3)).toBe(ids[2].slice(0, 3))
    expect(await first.status(fresh)).toBe(200)
  })

  it('out of reach of one node: its sessions go on, also through a node that starts meanwhile', async () => {
    const proxy = stage.scope.use(await startProxy({ host: '127.0.0.1', port: stage.redis.port }), (each) =>
      each.close(),
    )
    const first = await stage.start({ redisUrl: `redis://127.0.0.1:${proxy.port}/0` })
    const id = await first.open()
    await proxy.close()
    await until(
      () => opening(first),
      (status) => status === 503,
    )
    const slot = `komgate:cluster:slot:${id.slice(0, 3)}`
    await until(
      () => command(stage.redis, 'EXISTS', slot),
      (exists) => Number(exists) === 0,
    )
    const second = await stage.start()
    expect(await second.status(id)).toBe(200)
    first.kill('SIGKILL')
    const { ms } = await until(
      () => second.status(id),
      (status) => status === 403,
    )
    expectWithin(0, ms, 'a node that Redis did not reach is killed')
    const third = await stage.start()
    expect(await third.status(id)).toBe(403)
  })

  it('failed over to a replica: every session goes on, and new ones are opened again', async () => {
    const master = stage.scope.use(await startRedis({ settings: ['--repl-diskless-sync-delay', '0'] }), (server) =>
      server.close(),
    )
    const replica = stage.scope.use(
      await startRedis({ settings: ['--replicaof', '127.0.0.1', `${master.port}`] }),
      (server) => server.close(),
    )
    await expect
      .poll(() => command(replica, 'INFO', 'replication'), { timeout: 20_000 })
      .toMatch(/master_link_status:up/)
    const address = { host: '127.0.0.1', port: master.port }
    const proxy = stage.scope.use(await startProxy(address), (each) => each.close())
    const { started, ids } = await stage.nodes(2, { redisUrl: `redis://127.0.0.1:${proxy.port}/0` })
    const [first, second] = started
    const running = load([() => first.status(ids[0]), () => first.status(ids[1]), () => second.status(ids[0])])
    await command(master, 'WAIT', '1', '5000')
    await command(replica, 'REPLICAOF', 'NO', 'ONE')
    await command(master, 'REPLICAOF', '127.0.0.1', `${replica.port}`)
    // The connection stays open, and the old master says READONLY.
    await until(
      async () => `${first.log}${second.log}`,
      (log) => /the lease cannot be renewed/.test(log),
    )
    address.port = replica.port
    const back = await until(
      async () => /the lease is renewed again/.test(first.log) && /the lease is renewed again/.test(second.log),
      Boolean,
    )
    expectWithin(BACK_MS, back.ms, 'Redis failed over: leases renewed')
    expect(await Promise.all([opening(first), opening(second)])).toEqual([201, 201])
    expect((await running.stop()).answers).toEqual([200])
  })
})
