import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startDemoServer } from '../../src/demo/server.ts'
import { expectWithin, timed } from '../support/bound.ts'
import { build } from '../support/built-command.ts'
import { type Namespaces, namespacesFailure, startNamespaces } from '../support/namespaces.ts'
import { startRedis } from '../support/redis-server.ts'
import { Scope } from '../support/scope.ts'
import { canFail } from './fault-stage.ts'
import { LEASE_MS, load, NodeProcess, until } from './node-process.ts'

/** After this time without a response a node is asked on a new connection, and then has this time to answer. */
const SILENT_MS = 1000 + 5000
/** Bound for the return of a path after that of the network: the kernel looks for the address again. */
const BACK_MS = 2000
/** Bound for the return of Redis: an unanswered command takes 3 s, and the next connection a pause. */
const REDIS_BACK_MS = 5000
const NODE_PORT = 5002
const failure = namespacesFailure()

// A container may lack the right to make namespaces, on CI too.
describe.skipIf(!canFail || failure !== undefined)('nodes on machines of their own', () => {
  let scope: Scope
  let namespaces: Namespaces<'clients' | 'nodes' | 'redis'>
  let nodes: [NodeProcess, NodeProcess]
  /** sessions of the nodes, known to both */
  let ids: [string, string]
  beforeAll(build, 60_000)
  beforeEach(async () => {
    scope = new Scope()
    namespaces = await startNamespaces(scope, 2, ['clients', 'nodes', 'redis'])
    const { clients, nodes: between, redis: toRedis } = namespaces.networks
    const settings = ['--bind', `127.0.0.1 ${toRedis.own}`, '--protected-mode', 'no']
    const redis = scope.use(await startRedis({ settings }), (server) => server.close())
    const lyskom = scope.use(await startDemoServer({ host: clients.own }), (demo) => demo.close())
    const start = async (i: number) =>
      await NodeProcess.start(scope, {
        redisUrl: `redis://${toRedis.own}:${redis.port}/0`,
        lyskomPort: lyskom.port,
        nodeUrl: `http://${between.address(i)}:${NODE_PORT}`,
        place: { prefix: namespaces.prefix(i), host: clients.address(i), serverHost: clients.own },
      })
    nodes = [await start(0), await start(1)]
    ids = [await nodes[0].open(), await nodes[1].open()]
    for (const node of nodes) for (const id of ids) expect(await node.status(id)).toBe(200)
  }, 60_000)
  afterEach(() => scope.close(), 30_000)

  const opening = async (node: NodeProcess): Promise<number> => {
    const response = await node.tryOpen()
    await response.arrayBuffer()
    return response.status
  }

  it('cut off from each other: 504 for the sessions of the other one, which are kept', async () => {
    const [first, second] = nodes
    const own = load([() => first.status(ids[0]), () => second.status(ids[1])])
    await namespaces.networks.nodes.cut(0)
    const cut = await timed(() => Promise.all([first.status(ids[1]), second.status(ids[0]), second.status(ids[0])]))
    expect(cut.value).toEqual([504, 504, 504])
    expectWithin(SILENT_MS, cut.ms, 'partition between nodes: 504')
    expect(await Promise.all(nodes.map(opening))).toEqual([201, 201])
    await namespaces.networks.nodes.restore(0)
    for (const [node, id] of [
      [first, ids[1]],
      [second, ids[0]],
    ] as const) {
      const back = await until(
        () => node.status(id),
        (status) => status === 200,
      )
      expect(new Set(back.answers)).toEqual(new Set(back.answers.length > 1 ? [504, 200] : [200]))
      expectWithin(BACK_MS, back.ms, 'partition between nodes over: 200')
    }
    expect((await own.stop()).answers).toEqual([200])
  })

  it.each([
    ['first', 0],
    ['second', 1],
  ] as const)('the %s one cut off from Redis: all sessions go on, and only it opens none', async (_, i) => {
    const cutOff = nodes[i] as NodeProcess
    const other = nodes[1 - i] as NodeProcess
    const all = load(nodes.flatMap((node) => ids.map((id) => () => node.status(id))))
    await namespaces.networks.redis.cut(i)
    const refused = await until(
      () => opening(cutOff),
      (status) => status === 503,
    )
    expectWithin(LEASE_MS, refused.ms, 'a node cut off from Redis: no new sessions')
    expect(await opening(other)).toBe(201)
    await namespaces.networks.redis.restore(i)
    const back = await until(
      () => opening(cutOff),
      (status) => status === 201,
    )
    expectWithin(REDIS_BACK_MS, back.ms, 'a node reaches Redis again: new sessions')
    expect((await all.stop()).answers).toEqual([200])
    expect(await opening(other)).toBe(201)
  })
})
