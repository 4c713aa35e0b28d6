import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'
import type { Cluster } from '../../cluster/cluster.ts'
import type { Metrics } from '../../ops/metrics/metrics.ts'
import type { GatewaySession } from '../../sessions/gateway-session.ts'
import type { Registry } from '../../sessions/registry.ts'
import { handleOf, keyOf } from '../../store/record.ts'
import type { Env, MatchedRoute } from '../env.ts'
import { withoutIds } from '../input/ids.ts'
import { NamedResponse, REQUEST_ID_HEADER, RequestIds } from '../node/request-id.ts'
import { printablePath } from './unprintable.ts'

/** Characters of a path in the log. */
const MAX_PATH = 200

/** One line of the access log. Contains no secrets of clients. */
export interface AccessEntry {
  method: string
  /** without the query string; connection ids are replaced */
  path: string
  status: number
  ms: number
  /** the handle of the session, if the request carried a valid id */
  session: string | undefined
  requestId: string
}

/** Options of the access log and the metrics of requests. */
export interface AccessOptions {
  /** the live sessions, whose ids are no request ids */
  registry: Registry
  /** the nodes that have the sessions of other ids */
  cluster?: Cluster | undefined
  metrics: Metrics
  /**
   * Called for each request after its response.
   * @param isPart whether it belongs to another request that has an entry: to a batch, or to one that another node forwards
   */
  onAccess: (entry: AccessEntry, isPart: boolean) => void
}

/**
 * Returns middleware that assigns request ids, counts requests and reports responses. Register it before all others.
 */
export function access({ registry, cluster, metrics, onAccess }: AccessOptions) {
  const ids = new RequestIds(registry, cluster)
  return createMiddleware<Env>(async (c, next) => {
    // The node that forwards it counts it.
    const isForwarded = c.env?.forwarded !== undefined
    if (!isForwarded) metrics.http.received()
    const start = performance.now()
    const requestId = ids.of(c)
    c.set('requestId', requestId)
    const outgoing = c.env?.outgoing
    if (outgoing instanceof NamedResponse) outgoing.requestId = requestId
    await next()
    // A batch does not pass the header on.
    const batch = c.env?.batch
    if (!(outgoing instanceof NamedResponse) && batch === undefined) c.header(REQUEST_ID_HEADER, requestId)
    const { status } = c.res
    const ms = performance.now() - start
    const report = (): void => {
      const { path } = (c.get('route') as MatchedRoute | undefined) ?? {}
      if (!isForwarded) metrics.http.answered(path, c.req.method, status, ms)
      const entry = {
        method: c.req.method,
        path: printablePath(withoutIds(c.req.path).slice(0, MAX_PATH)),
        status,
        ms: Math.round(ms * 1000) / 1000,
        session: handleIn(c, status),
        requestId,
      }
      onAccess(entry, isForwarded || batch !== undefined)
      if (batch === undefined) endRequest(c)
    }
    if (batch !== undefined) {
      // Another request of the batch may close the session, which waits for this one.
      endRequest(c)
      batch.afterResponse(report)
      return
    }
    // Report after the response is written, so that the client does not wait for it. A response without an open
    // connection emits no `close`.
    if (outgoing instanceof NamedResponse && outgoing.socket?.destroyed === false) outgoing.once('close', report)
    else report()
  })
}

/** Returns the handle of the session of a request, on this node or another one. */
function handleIn(c: Context<Env>, status: number): string | undefined {
  const session = c.get('session') as GatewaySession | undefined
  if (session !== undefined) return handleOf(session.key)
  const foreignId = c.get('foreignId') as string | undefined
  // Its node may have answered that there is no such session.
  return foreignId === undefined || status === 403 ? undefined : handleOf(keyOf(foreignId))
}

/** Counts the request as no longer in flight on its session. */
function endRequest(c: Context<Env>): void {
  if (c.get('isReleased') !== true) (c.get('session') as GatewaySession | undefined)?.endRequest()
}
