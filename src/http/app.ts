import { Hono, type MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import { methodNotAllowed } from 'hono/method-not-allowed'
import { getPathNoStrict } from 'hono/utils/url'
import type { AppOptions, Env } from './context.ts'
import { errorResponse, gatewayError } from './error-response.ts'
import { websocket } from './events/websocket.ts'
import { access } from './middleware/access.ts'
import { cors } from './middleware/cors.ts'
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

const WITHOUT_BODY = new Set(['GET', 'HEAD', 'OPTIONS'])

/** No route matches it. */
const NOWHERE = '/'.repeat(8)

/** Answers may change at any time; the few that do not say so themselves. */
const noCache: MiddlewareHandler = (c, next) => {
  c.header('Cache-Control', 'no-cache')
  return next()
}

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
      c.header('Allow', allow)
      // A Response of its own: the one before had a body, and its type would stay.
      if (c.req.method === 'OPTIONS') return new Response(null, { status: 204, headers: { Allow: allow } })
      return gatewayError(c, 405, `${c.req.method} is not allowed here.`)
    },
  })
  // Asked only where nothing was found, so that what is found need not pass it.
  app.notFound(async (c) => {
    c.res = gatewayError(c, 404, 'There is nothing here.')
    await refuseMethod(c, () => Promise.resolve())
    return c.res
  })

  app.use(access(counters, onAccess))
  app.use(noCache)
  app.use(cors({ origins: corsOrigins, maxAgeSeconds: corsMaxAgeSeconds }))
  const limitBody = bodyLimit({
    maxSize: maxBodyBytes,
    onError: (c) => gatewayError(c, 413, `The body is larger than ${maxBodyBytes} bytes.`),
  })
  // Looking for a body makes a whole Request of Node's, for which a GET has no use.
  app.use((c, next) => (WITHOUT_BODY.has(c.req.method) ? next() : limitBody(c, next)))

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
