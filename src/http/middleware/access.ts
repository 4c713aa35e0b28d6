import { createMiddleware } from 'hono/factory'
import type { AccessEntry, Env } from '../context.ts'
import type { HttpCounters } from '../counters.ts'

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi
const MAX_PATH = 200

/** Counts each request and reports it when it has been answered. Goes before everything else. */
export function access(counters: HttpCounters, onAccess: (entry: AccessEntry) => void) {
  return createMiddleware<Env>(async (c, next) => {
    counters.requests++
    const start = performance.now()
    await next()
    const { status } = c.res
    counters.answered(status)
    const opened = c.get('opened') as Env['Variables']['opened'] | undefined
    onAccess({
      method: c.req.method,
      path: withoutIds(c.req.path),
      status,
      ms: Math.round((performance.now() - start) * 1000) / 1000,
      session: opened?.handle,
    })
  })
}

/** Clients have been seen to put the id where a number belongs. */
function withoutIds(path: string): string {
  return path.replace(UUID, '<id>').slice(0, MAX_PATH)
}
