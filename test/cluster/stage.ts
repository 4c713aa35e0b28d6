import { afterAll, beforeAll } from 'vitest'
import { BACKENDS, type Backend } from '../contract/backends.ts'
import type { TestSettings } from '../support/config.ts'
import { type Answer, type SendOptions, startCluster, type TestCluster, type TestGateway } from '../support/gateway.ts'
import { nginxInstalled } from '../support/nginx.ts'
import { redisInstalled } from '../support/redis-server.ts'

/** The id of the LysKOM server of the stage. */
export const SERVER = 'kom'
export const WHO_AM_I = `/${SERVER}/sessions/current/who-am-i`
/** The person `demo reader`. */
export const READER = { pers_no: 6, passwd: 'demo' }

/** Whether the tests run; on CI a missing server is a failure. */
export const canStartCluster = (redisInstalled() && nginxInstalled()) || Boolean(process.env.CI)

/** A node that has a session, and one that has not. */
export interface ClusterStage {
  readonly cluster: TestCluster
  /** opens sessions */
  readonly owner: TestGateway
  /** has no session, and forwards */
  readonly other: TestGateway
  /** Opens a session on the owner, logged in as `demo reader`. Resolves with its id. */
  logIn(node?: TestGateway): Promise<string>
  /** Sends the same request to the owner and to the other node. */
  sendBoth(method: string, path: string, options?: SendOptions): Promise<[own: Answer, forwarded: Answer]>
}

/**
 * Starts a cluster and a LysKOM server for the tests of one `describe` block.
 *
 * @param settings of each node
 * @param start starts the LysKOM server, by default the demo server
 */
export function onCluster(
  settings: TestSettings = {},
  start: () => Promise<Backend> = async () => await (BACKENDS[0] as (typeof BACKENDS)[number]).start(),
): ClusterStage {
  let backend: Backend
  let cluster: TestCluster
  beforeAll(async () => {
    backend = await start()
    cluster = await startCluster([{ id: SERVER, port: backend.port }], settings)
  }, 30_000)
  afterAll(async () => {
    await cluster?.close()
    await backend?.stop()
  })
  const node = (i: number): TestGateway => cluster.nodes[i] as TestGateway
  return {
    get cluster() {
      return cluster
    },
    get owner() {
      return node(0)
    },
    get other() {
      return node(1)
    },
    async logIn(at = node(0)) {
      const id = await at.open()
      const { status, text } = await at.send('POST', `/${SERVER}/sessions/current/login`, { id, json: READER })
      if (status !== 201) throw new Error(`login failed: ${status} ${text}`)
      return id
    },
    async sendBoth(method, path, options) {
      return [await node(0).send(method, path, options), await node(1).send(method, path, options)]
    },
  }
}
