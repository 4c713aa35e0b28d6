import type { Hono, MiddlewareHandler } from 'hono'
import { ClusterError } from '../cluster/errors.ts'
import { FORWARDED_HEADER } from '../cluster/signature.ts'
import type { AppOptions } from './app-options.ts'
import { bareApp, type Observers } from './bare-app.ts'
import {
  adminPages,
  declareRoutes,
  type MountedApi,
  type OperatorRoutes,
  operatorRoutes,
  sharedBy,
} from './declared-routes.ts'
import type { Env } from './env.ts'
import { RequestError } from './errors/request-error.ts'
import { cors } from './middleware/cors.ts'
import { limitBody } from './middleware/limit-body.ts'
import { sessionMiddleware } from './middleware/session.ts'
import { requireAdminKey } from './routes/admin.ts'
import { type Guard, registerRoutes } from './routes/register.ts'
import type { AnyRoute } from './routes/route.ts'

/**
 * Creates the HTTP interface as one Hono application. The application opens no port and holds no state.
 *
 * @param mounted other APIs that are served beside the gateway's own
 */
export function createApp(options: AppOptions, mounted: readonly MountedApi[] = []): Hono<Env> {
  const { servers, sessions, http, clientAddress, metrics, tracing, observers, cluster } = options
  const { registry } = sessions
  const shared = sharedBy(options, (request, bindings) => app.fetch(request, bindings))
  const requireSession = sessionMiddleware({
    ...{ registry, ...shared },
    autoCreate: http.autoCreate,
    clientAddress,
  })
  const guardOf: Guard = ({ needs, idFrom = 'header' }) => (needs === 'nothing' ? undefined : requireSession(idFrom))

  const app = bareApp({ basePath: http.basePath, registry, cluster, metrics, tracing, observers })
  if (cluster !== undefined) app.use(rejectForeignNodes(observers))
  app.use(cors(http))
  app.use(limitBody(http.maxBodyBytes))

  const declared = declareRoutes(options, mounted, shared)
  registerOperatorRoutes(app, declared, options)
  registerRoutes(app, declared.mounted)
  registerRoutes(app, declared.gateway)
  const isKnown = knownServer(servers)
  for (const prefix of serverPrefixes(declared.server)) app.use(`${prefix}/*`, isKnown)
  registerRoutes(app, declared.server, guardOf)
  return app
}

/** Returns middleware that rejects requests of clients that claim to be forwarded by a node. */
function rejectForeignNodes({ onForeignNode }: Observers): MiddlewareHandler<Env> {
  return (c, next) => {
    if (c.req.header(FORWARDED_HEADER) === undefined || c.env?.forwarded !== undefined) return next()
    const error = new ClusterError('foreign-node', `a client has sent ${FORWARDED_HEADER}`)
    onForeignNode?.(error)
    throw error
  }
}

/** Creates the application for the separate port that only operators reach: metrics, health, administration. */
export function createAdminApp(options: AppOptions): Hono<Env> {
  const { sessions, cluster, metrics, tracing, observers } = options
  const app = bareApp({ basePath: '', registry: sessions.registry, cluster, metrics, tracing, observers })
  const operator = operatorRoutes(options)
  registerOperatorRoutes(app, operator, options)
  registerRoutes(app, adminPages(operator, options))
  return app
}

function registerOperatorRoutes(
  app: Hono<Env>,
  { observability, administration }: OperatorRoutes,
  options: AppOptions,
): void {
  registerRoutes(app, observability)
  const requireKey = requireAdminKey({ ...options, adminKey: options.admin.adminKey })
  registerRoutes(app, administration, () => requireKey)
}

/** Returns the first two segments of the routes of LysKOM servers, `/:server/texts` for example. */
function serverPrefixes(routes: readonly AnyRoute[]): Set<string> {
  const prefixes = routes.map(({ path }) => /^\/:server\/[^/]+/.exec(path)?.[0])
  return new Set(prefixes.filter((prefix) => prefix !== undefined))
}

/** Returns middleware that sets the server id of the path, and rejects requests for an unknown server with 404. */
function knownServer(servers: ReadonlyMap<string, unknown>): MiddlewareHandler<Env> {
  return (c, next) => {
    const serverId = c.req.param('server') ?? ''
    if (!servers.has(serverId)) throw new RequestError('not-found', 'There is no such server.')
    c.set('serverId', serverId)
    return next()
  }
}
