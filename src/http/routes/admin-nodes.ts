import { z } from 'zod'
import type { Cluster } from '../../cluster/cluster.ts'
import type { Registry } from '../../sessions/registry.ts'
import { packageVersion } from '../../version.ts'
import type { OtherNodes } from '../cluster/other-nodes.ts'
import { json } from '../node/responses.ts'
import { AdminNode, MissingNodes } from '../output/schemas/index.ts'
import { type AnyRoute, route } from './route.ts'

/** Options of `adminNodeRoute`. */
export interface AdminNodeRouteOptions {
  registry: Registry
  cluster?: Cluster | undefined
  others: OtherNodes
  /** when the gateway started */
  started: Date
}

/** Lists the nodes of the cluster, for operators with the admin key. */
export function adminNodeRoute({ registry, cluster, others, started }: AdminNodeRouteOptions): AnyRoute {
  return route({
    method: 'GET',
    path: '/admin/nodes',
    operation: 'listNodes',
    summary: 'Lists the nodes of the cluster',
    needs: 'admin-key',
    responses: { 200: { schema: z.strictObject({ nodes: z.array(AdminNode), missing: MissingNodes.optional() }) } },
    example: {},
    async handle(c) {
      if (cluster === undefined) return json({ nodes: [] })
      const { owner, slot } = cluster.lease
      const state = { version: packageVersion(), started: started.toISOString(), sessions: registry.size }
      const nodes: AdminNode[] = [{ url: owner.url, slot, is_asked: c.env?.forwarded === undefined, ...state }]
      const answers = await others.readAll<{ nodes: AdminNode[] }>(c)
      for (const { owner, slot, value } of answers.nodes) {
        const silent = { url: owner.url, slot, is_asked: false, version: null, started: null, sessions: null }
        nodes.push(value?.nodes[0] ?? silent)
      }
      return json({ nodes, ...answers.missing })
    },
  })
}
