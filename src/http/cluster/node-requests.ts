import type { Cluster } from '../../cluster/cluster.ts'
import { ClusterError } from '../../cluster/errors.ts'
import { PROBE_PATH, REFUSED_HEADER } from '../../cluster/forwarded.ts'
import { FORWARDED_HEADER } from '../../cluster/signature.ts'
import type { Registry } from '../../sessions/registry.ts'
import type { Env } from '../env.ts'
import { publicError } from '../errors/public-error.ts'
import { json, text } from '../node/responses.ts'
import { adminRequest } from './admin-requests.ts'
import { livenessResponse } from './liveness.ts'

type Fetch = (request: Request, env?: object) => Response | Promise<Response>

/** Options of `nodeRequests`. */
export interface NodeRequestOptions {
  cluster: Cluster
  /** the live sessions of this node */
  registry: Registry
  /** handles what clients have sent to other nodes */
  fetch: Fetch
  /** handles what operators have sent to other nodes */
  adminFetch: Fetch
  /** called with the error for each request that is rejected */
  onRejected: (error: ClusterError) => void
}

/** Returns a function that handles the requests of other nodes, and no others. */
export function nodeRequests({ cluster, registry, fetch, adminFetch, onRejected }: NodeRequestOptions): Fetch {
  return (request, env: NonNullable<Env['Bindings']> = {}) => {
    const target = env.incoming?.url ?? ''
    const header = request.headers.get(FORWARDED_HEADER) ?? ''
    try {
      const clientAddress = cluster.clientAddressIn({ method: request.method, target }, header)
      if (target === PROBE_PATH) return text(cluster.lease.owner.epoch)
      // It has given up its slot, and finishes what has begun.
      if (registry.isDraining) return refusal(new ClusterError('misdirected', 'this node is shutting down'))
      const liveness = livenessResponse(request, target, cluster, registry)
      if (liveness !== undefined) return liveness
      // The same object: Hono's Node server marks it when a WebSocket opens.
      Object.assign(env, { forwarded: { clientAddress } })
      const forOperators = adminRequest(request, target)
      return forOperators === undefined ? fetch(request, env) : adminFetch(forOperators, env)
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error
      onRejected(error)
      return refusal(error)
    }
  }
}

function refusal(error: ClusterError): Response {
  const { status, fields } = publicError(error)
  return json(fields, status, { [REFUSED_HEADER]: error.code })
}
