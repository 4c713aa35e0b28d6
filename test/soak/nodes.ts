import { freePort } from '../support/free-port.ts'
import { type InspectedKomgate, type KomgateOptions, startInspectedKomgate } from '../support/komgate-process.ts'
import { startRoundRobin } from '../support/nginx.ts'
import { openHandles } from '../support/process-resources.ts'
import { startRedis } from '../support/redis-server.ts'
import type { Scope } from '../support/scope.ts'
import { CLUSTER_FLAGS, FLAGS, NGINX } from './settings.ts'

/** What all nodes are started with. */
export interface NodeSettings extends Pick<KomgateOptions, 'servers'> {
  /** returns what reads the log of a node */
  newLog(): (text: string) => void
}

/**
 * Starts a gateway: one process, or several nodes of a cluster with a Redis server, behind nginx, which gives each request to
 * the next node.
 *
 * @returns the processes, and the port for clients
 */
export async function startNodes(
  scope: Scope,
  count: number,
  { servers, newLog }: NodeSettings,
): Promise<{ nodes: readonly InspectedKomgate[]; port: number }> {
  const start = (args: readonly string[]) => startInspectedKomgate(scope, { servers, args, onLog: newLog() })
  if (count === 1) {
    const node = await start(FLAGS)
    return { nodes: [node], port: node.port }
  }
  const redis = scope.use(await startRedis(), (server) => server.close())
  const nodes: InspectedKomgate[] = []
  for (let i = 0; i < count; i++) {
    const nodeUrl = `http://127.0.0.1:${await freePort()}`
    nodes.push(await start([...FLAGS, ...CLUSTER_FLAGS, '--cluster', redis.url, '--node-url', nodeUrl]))
  }
  const ports = nodes.map(({ port }) => port)
  const nginx = scope.use(await startRoundRobin(ports, NGINX), (server) => server.close())
  return { nodes, port: nginx.port }
}

/** Returns the sum of a figure of all nodes. */
export async function totalOf(
  nodes: readonly InspectedKomgate[],
  figureOf: (node: InspectedKomgate) => Promise<number>,
): Promise<number> {
  return (await Promise.all(nodes.map(figureOf))).reduce((sum, figure) => sum + figure, 0)
}

/** Returns the number of open files and sockets of all nodes. */
export async function handlesOf(nodes: readonly InspectedKomgate[]): Promise<number> {
  return await totalOf(nodes, ({ pid }) => openHandles(pid))
}
