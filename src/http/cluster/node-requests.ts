import type { Cluster } from '../../cluster/cluster.ts'
import { ClusterError } from '../../cluster/errors.ts'
import { PROBE_PATH, REFUSED_HEADER } from '../../cluster/node-client.ts'
import { FORWARDED_HEADER } from '../../cluster/signature.ts'
import type { Env } from '../env.ts'
import { publicError } from '../errors/public-error.ts'
import { json, text } from '../node/responses.ts'

type Fetch = (request: Request, env?: object) => Response | Promise<Response>

/**
 * Returns a function that handles the requests of other nodes, and no others.
 *
 * @param fetch handles what clients have sent to other nodes
 * @param onRejected called with the error for each request that it does not handle
 */
export function nodeRequests(fetch: Fetch, cluster: Cluster, onRejected: (error: ClusterError) => void): Fetch {
  return (request, env: NonNullable<Env['Bindings']> = {}) => {
    const target = env.incoming?.url ?? ''
    const header = request.headers.get(FORWARDED_HEADER) ?? ''
    try {
      const clientAddress = cluster.clientAddressIn({ method: request.method, target }, header)
      if (target === PROBE_PATH) return text(cluster.lease.owner.epoch)
      // The same object: Hono's Node server marks it when a WebSocket opens.
      return fetch(request, Object.assign(env, { forwarded: { clientAddress } }))
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error
      onRejected(error)
      const { status, fields } = publicError(error)
      return json(fields, status, { [REFUSED_HEADER]: error.code })
    }
  }
}
