import type { Cluster, UnsignedRequest } from '../../cluster/cluster.ts'
import type { Registry } from '../../sessions/registry.ts'
import { CONNECTION_HEADER } from '../middleware/connection-id.ts'
import { empty } from '../node/responses.ts'

/** The path by which a node is asked whether a session is live. A query is the id of its server; the id is in a header. */
const PATH = '/.node/session'

/**
 * Returns the request by which the node of a session is asked whether it is live.
 * @param id a connection id
 * @param serverId the LysKOM server; undefined for any
 */
export function livenessRequest(id: string, serverId: string | undefined): UnsignedRequest {
  return {
    method: 'GET',
    target: serverId === undefined ? PATH : `${PATH}?${encodeURIComponent(serverId)}`,
    headers: [CONNECTION_HEADER, id],
    // The response comes at once.
    onGone: () => undefined,
  }
}

/**
 * Returns the response to such a request, 204 if the session is live and 404 if not; undefined for another request.
 * @param target path and query of the request
 */
export function livenessResponse(
  { headers }: Request,
  target: string,
  cluster: Cluster,
  registry: Registry,
): Promise<Response> | undefined {
  const [path, query] = target.split('?', 2)
  if (path !== PATH) return undefined
  const serverId = query && decodeURIComponent(query)
  return livenessOf(headers.get(CONNECTION_HEADER) ?? '', serverId)

  async function livenessOf(id: string, serverId: string | undefined): Promise<Response> {
    // Another node may have taken the slot while this process was stopped.
    await cluster.confirmSlot()
    const session = serverId === undefined ? registry.findAnywhere(id) : registry.find(serverId, id)
    return empty(session === undefined ? 404 : 204)
  }
}
