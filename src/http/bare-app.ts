import { Hono } from 'hono'
import { methodNotAllowed } from 'hono/method-not-allowed'
import type { AppOptions, Env } from './context.ts'
import { errorResponse, gatewayError, limitOf } from './error-response.ts'
import { access } from './middleware/access.ts'
import { MemoizedRouter } from './node/memoized-router.ts'
import { DOT_SEGMENT_PATH, pathUnder } from './node/request-path.ts'
import { empty } from './node/responses.ts'

/** Creates an application without routes that counts and logs requests and renders every error as JSON. */
export function bareApp(options: AppOptions, basePath: string): Hono<Env> {
  const app = new Hono<Env>({ router: new MemoizedRouter(), getPath: pathUnder(basePath) })
  app.onError((error, c) => {
    const limit = limitOf(error)
    if (limit !== undefined) options.onLimit(limit)
    return errorResponse(error, c, options.onInternalError)
  })
  const refuseMethod = methodNotAllowed({
    app,
    onMethodNotAllowed(c, methods) {
      const allow = [...methods, 'OPTIONS'].join(', ')
      if (c.req.method === 'OPTIONS') return empty(204, { Allow: allow })
      return gatewayError(405, `${c.req.method} is not allowed here.`, { Allow: allow })
    },
  })
  // Runs only where no route matched, so that matched requests do not pay for it.
  app.notFound(async (c) => {
    if (c.req.path === DOT_SEGMENT_PATH) return gatewayError(400, 'The path holds a dot segment.')
    c.res = gatewayError(404, 'There is nothing here.')
    await refuseMethod(c, () => Promise.resolve())
    return c.res
  })
  if (options.requestSpans !== undefined) app.use(options.requestSpans)
  app.use(access(options))
  return app
}
