import { Hono, type MiddlewareHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { methodNotAllowed } from 'hono/method-not-allowed'
import { getPathNoStrict } from 'hono/utils/url'
import { empty } from './answer.ts'
import type { AppOptions, Env } from './context.ts'
import { errorResponse, gatewayError } from './error-response.ts'
import { websocket } from './events/websocket.ts'
import { access } from './middleware/access.ts'
import { cors } from './middleware/cors.ts'
import { limitBody } from './middleware/limit-body.ts'
import { conferenceRoutes } from './routes/conferences.ts'
import { gatewayRoutes } from './routes/gateway.ts'
import { membershipRoutes } from './routes/memberships.ts'
import { personRoutes } from './routes/persons.ts'
import { serverRoutes } from './routes/server.ts'
import { sessionRoutes } from './routes/sessions.ts'
import { textRoutes } from './routes/texts.ts'
import { textStatRoutes } from './routes/textstats.ts'

/** What a LysKOM server has, by the first part of the path behind its id. */
const RESOURCES = [
  ['sessions', sessionRoutes],
  ['server', serverRoutes],
  ['conferences', conferenceRoutes],
  ['persons', personRoutes],
  ['persons', membershipRoutes],
  ['texts', textRoutes],
  ['textstats', textStatRoutes],
] as const

/** No route matches it. */
const NOWHERE = '/'.repeat(8)

/** The whole HTTP interface as one Hono application. It listens nowhere and keeps no state of its own. */
export function createApp(options: AppOptions): Hono<Env> {
  const { servers, counters, corsOrigins, corsMaxAgeSeconds, maxBodyBytes, onAccess, onInternalError } = options

  const knownServer: MiddlewareHandler<Env> = (c, next) => {
    const serverId = c.req.param('server') ?? ''
    if (!servers.has(serverId)) throw new HTTPException(404, { message: 'There is no such server.' })
    c.set('serverId', serverId)
    return next()
  }

  const app = new Hono<Env>({ getPath: pathUnder(options.basePath) })
  app.onError((error, c) => errorResponse(error, c, onInternalError))
  const refuseMethod = methodNotAllowed({
    app,
    onMethodNotAllowed(c, methods) {
      const allow = [...methods, 'OPTIONS'].join(', ')
      if (c.req.method === 'OPTIONS') return empty(204, { Allow: allow })
      return gatewayError(405, `${c.req.method} is not allowed here.`, { Allow: allow })
    },
  })
  // Asked only where nothing was found, so that what is found need not pass it.
  app.notFound(async (c) => {
    c.res = gatewayError(404, 'There is nothing here.')
    await refuseMethod(c, () => Promise.resolve())
    return c.res
  })

  app.use(access(counters, onAccess))
  app.use(cors({ origins: corsOrigins, maxAgeSeconds: corsMaxAgeSeconds }))
  app.use(limitBody(maxBodyBytes))

  app.route('/', gatewayRoutes(options))
  app.get('/websocket', websocket(options))
  for (const [resource, routes] of RESOURCES) {
    app.use(`/:server/${resource}/*`, knownServer)
    app.route(`/:server/${resource}`, routes(options))
  }
  return app
}

/** The path of a request below the base path; what is not below it is nowhere. */
function pathUnder(basePath: string): (request: Request) => string {
  if (basePath === '') return getPathNoStrict
  return (request) => {
    const path = getPathNoStrict(request)
    if (path === basePath) return '/'
    return path.startsWith(`${basePath}/`) ? path.slice(basePath.length) : NOWHERE
  }
}
