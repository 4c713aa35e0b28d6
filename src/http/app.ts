import type { Hono, MiddlewareHandler } from 'hono'
import { bareApp } from './bare-app.ts'
import type { AppOptions, Env } from './context.ts'
import { websocket } from './events/websocket.ts'
import { cors } from './middleware/cors.ts'
import { limitBody } from './middleware/limit-body.ts'
import { RequestError } from './request-error.ts'
import { callRoutes } from './routes/calls.ts'
import { conferenceRoutes } from './routes/conferences.ts'
import { gatewayRoutes } from './routes/gateway.ts'
import { membershipRoutes } from './routes/memberships.ts'
import { observabilityRoutes } from './routes/observability.ts'
import { personRoutes } from './routes/persons.ts'
import { serverRoutes } from './routes/server.ts'
import { sessionDataRoutes } from './routes/session-data.ts'
import { sessionRoutes } from './routes/sessions.ts'
import { textRoutes } from './routes/texts.ts'
import { textStatRoutes } from './routes/textstats.ts'

/** The resources of a LysKOM server, by the path segment after the server id. */
const RESOURCES = [
  ['sessions', sessionRoutes],
  ['sessions', sessionDataRoutes],
  ['server', serverRoutes],
  ['conferences', conferenceRoutes],
  ['persons', personRoutes],
  ['persons', membershipRoutes],
  ['texts', textRoutes],
  ['textstats', textStatRoutes],
  ['calls', callRoutes],
] as const

/** An application with an HTTP interface of its own, and the path to mount it on. */
export interface MountedApi {
  path: string
  app: Hono<Env>
}

/**
 * Creates the HTTP interface as one Hono application. The application opens no port and holds no state.
 *
 * @param mounted other HTTP interfaces that are served beside the gateway's own
 */
export function createApp(options: AppOptions, mounted: readonly MountedApi[] = []): Hono<Env> {
  const { servers, corsOrigins, corsMaxAgeSeconds, maxBodyBytes } = options

  const knownServer: MiddlewareHandler<Env> = (c, next) => {
    const serverId = c.req.param('server') ?? ''
    if (!servers.has(serverId)) throw new RequestError('not-found', 'There is no such server.')
    c.set('serverId', serverId)
    return next()
  }

  const app = bareApp(options, options.basePath)
  app.use(
    cors({
      origins: corsOrigins,
      maxAgeSeconds: corsMaxAgeSeconds,
      credentials: options.transports.includes('cookie'),
    }),
  )
  app.use(limitBody(maxBodyBytes))

  app.route('/', gatewayRoutes(options))
  if (!options.hasAdminPort) app.route('/', observabilityRoutes(options))
  for (const { path, app: api } of mounted) app.route(path, api)
  app.get('/websocket', websocket(options))
  for (const [resource, routes] of RESOURCES) {
    app.use(`/:server/${resource}/*`, knownServer)
    app.route(`/:server/${resource}`, routes(options))
  }
  return app
}
