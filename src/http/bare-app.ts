import { Hono } from 'hono'
import { methodNotAllowed } from 'hono/method-not-allowed'
import { badRequest } from './body.ts'
import type { AppOptions, Env } from './context.ts'
import { errorResponse } from './error-response.ts'
import { access } from './middleware/access.ts'
import { MemoizedRouter } from './node/memoized-router.ts'
import { DOT_SEGMENT_PATH, pathUnder } from './node/request-path.ts'
import { empty } from './node/responses.ts'
import { RequestError } from './request-error.ts'

/** Creates an application without routes that counts and logs requests and renders every error as JSON. */
export function bareApp(options: AppOptions, basePath: string): Hono<Env> {
  const app = new Hono<Env>({ router: new MemoizedRouter(), getPath: pathUnder(basePath) })
  app.onError((error, c) => errorResponse(error, c, options))
  const refuseMethod = methodNotAllowed({
    app,
    onMethodNotAllowed(c, methods) {
      const allow = [...methods, 'OPTIONS'].join(', ')
      if (c.req.method === 'OPTIONS') return empty(204, { Allow: allow })
      const error = new RequestError('method-not-allowed', `${c.req.method} is not allowed here.`, { Allow: allow })
      return errorResponse(error, c, options)
    },
  })
  // Runs only where no route matched, so that matched requests do not pay for it.
  app.notFound(async (c) => {
    if (c.req.path === DOT_SEGMENT_PATH) return errorResponse(badRequest('The path holds a dot segment.'), c, options)
    c.res = errorResponse(new RequestError('not-found', 'Not found.'), c, options)
    await refuseMethod(c, () => Promise.resolve())
    return c.res
  })
  if (options.requestSpans !== undefined) app.use(options.requestSpans)
  app.use(access(options))
  return app
}
