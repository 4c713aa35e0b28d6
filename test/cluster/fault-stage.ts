import { afterEach, beforeAll, beforeEach } from 'vitest'
import { startDemoServer } from '../../src/demo/server.ts'
import { build } from '../support/built-command.ts'
import type { DatabaseServer } from '../support/database-server.ts'
import { redisInstalled, startRedis } from '../support/redis-server.ts'
import { Scope } from '../support/scope.ts'
import { type NodeOptions, NodeProcess } from './node-process.ts'

/** Whether the tests run; on CI a missing Redis server is a failure. */
export const canFail = redisInstalled() || Boolean(process.env.CI)

/** A Redis server and a LysKOM server for each test, and nodes that are processes. */
export interface FaultStage {
  readonly scope: Scope
  readonly redis: DatabaseServer
  start(options?: Partial<NodeOptions>): Promise<NodeProcess>
  /** Starts nodes, each with a session. */
  nodes(count: number, options?: Partial<NodeOptions>): Promise<Nodes>
}

/** Nodes and the ids of their sessions. */
export interface Nodes {
  started: [NodeProcess, NodeProcess, NodeProcess]
  ids: [string, string, string]
}

/** Starts the servers for the tests of one `describe` block. */
export function onFaultStage(): FaultStage {
  let scope: Scope
  let redis: DatabaseServer
  let lyskomPort: number
  beforeAll(build, 60_000)
  beforeEach(async () => {
    scope = new Scope()
    redis = scope.use(await startRedis(), (server) => server.close())
    lyskomPort = scope.use(await startDemoServer(), (demo) => demo.close()).port
  }, 30_000)
  afterEach(() => scope.close(), 30_000)

  const start = (options: Partial<NodeOptions> = {}) =>
    NodeProcess.start(scope, { redisUrl: redis.url, lyskomPort, ...options })
  return {
    get scope() {
      return scope
    },
    get redis() {
      return redis
    },
    start,
    async nodes(count, options) {
      const started = await Promise.all(Array.from({ length: count }, () => start(options)))
      const ids = await Promise.all(started.map((node) => node.open()))
      return { started, ids } as unknown as Nodes
    },
  }
}
