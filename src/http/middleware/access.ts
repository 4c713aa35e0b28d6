import { createMiddleware } from 'hono/factory'
import { handleOf } from '../../sessions/store/record.ts'
import type { AppOptions, Env } from '../context.ts'
import { RequestIds, tellRequestId } from '../request-id.ts'
import { routePattern } from '../route-pattern.ts'

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi
/** The paths of REST-Sessions that end in a token, however it is written. */
const TOKEN_PATH = /^(\/[^/]*\/(?:get|set|kill)\/).+/s
const MAX_PATH = 200

/** Names each request, counts it, and reports it when it has been answered. Goes before everything else. */
export function access({ registry, counters, metrics, onAccess }: AppOptions) {
  const ids = new RequestIds(registry)
  return createMiddleware<Env>(async (c, next) => {
    counters.requests++
    const start = performance.now()
    const requestId = ids.of(c)
    c.set('requestId', requestId)
    const tellLater = tellRequestId(c, requestId)
    await next()
    tellLater?.()
    const { status } = c.res
    const ms = performance.now() - start
    counters.answered(status)
    metrics.http.answered(routePattern(c), c.req.method, status, ms)
    const opened = c.get('opened') as Env['Variables']['opened'] | undefined
    onAccess({
      method: c.req.method,
      path: withoutIds(c.req.path),
      status,
      ms: Math.round(ms * 1000) / 1000,
      session: opened && handleOf(opened.key),
      requestId,
    })
  })
}

/** Clients have been seen to put the id where a number belongs. */
function withoutIds(path: string): string {
  return path.replace(TOKEN_PATH, '$1<id>').replace(UUID, '<id>').slice(0, MAX_PATH)
}
