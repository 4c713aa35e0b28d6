import type { Context, Hono, MiddlewareHandler } from 'hono'
import type { Metrics } from '../ops/metrics/metrics.ts'
import type { Tracing } from '../ops/tracing.ts'
import type { GuessLimits } from '../sessions/guess-limits.ts'
import type { SessionRecords } from '../sessions/records.ts'
import type { Registry } from '../sessions/registry.ts'
import type { SessionStore } from '../store/store.ts'
import { bareApp, type Observers } from './bare-app.ts'
import { openApiDocument } from './description/document.ts'
import { descriptionRoute } from './description/route.ts'
import type { Env } from './env.ts'
import { RequestError } from './errors/request-error.ts'
import type { WebsocketLimitOptions } from './events/websocket-limits.ts'
import { type ConnectionIdOptions, ConnectionIds } from './middleware/connection-id.ts'
import { type CorsOptions, cors } from './middleware/cors.ts'
import { limitBody } from './middleware/limit-body.ts'
import { sessionMiddleware } from './middleware/session.ts'
import type { UnreadBudget } from './node/unread-budget.ts'
import { adminRoutes, requireAdminKey } from './routes/admin.ts'
import { callRoutes } from './routes/calls.ts'
import { conferenceRoutes } from './routes/conferences.ts'
import { gatewayRoutes, type ListedServer } from './routes/gateway.ts'
import { membershipRoutes } from './routes/memberships.ts'
import { observabilityRoutes } from './routes/observability.ts'
import { onlineRoutes } from './routes/online.ts'
import { personRoutes } from './routes/persons.ts'
import { referenceRoutes } from './routes/reference.ts'
import { type Guard, registerRoutes } from './routes/register.ts'
import type { AnyRoute } from './routes/route.ts'
import { serverRoutes } from './routes/server.ts'
import { sessionDataRoutes } from './routes/session-data.ts'
import { sessionRoutes } from './routes/sessions.ts'
import { textPageRoutes } from './routes/text-pages.ts'
import { textRoutes } from './routes/texts.ts'
import { textStatRoutes } from './routes/textstats.ts'
import { threadRoutes } from './routes/threads.ts'
import { websocketRoute } from './routes/websocket.ts'

/** Options of the HTTP interface, by topic. */
export interface AppOptions {
  /** the LysKOM servers by id */
  servers: ReadonlyMap<string, ListedServer>
  /** the live sessions, their records, and the store of the records */
  sessions: { registry: Registry; records: SessionRecords; store: SessionStore }
  http: AppHttpOptions
  limits: AppLimitOptions
  admin: AppAdminOptions
  /** returns the client address of a request; see `clientAddressBehind` */
  clientAddress: (c: Context) => string
  /** limits the rate of failed attempts on keys */
  keyGuesses: GuessLimits
  /** bounds the memory of messages that clients of WebSockets do not read */
  unreadBudget: UnreadBudget
  metrics: Metrics
  /** creates a span for each request */
  tracing?: Tracing | undefined
  observers: Observers
}

/** Settings of the HTTP interface. */
export interface AppHttpOptions extends ConnectionIdOptions, CorsOptions {
  /** the prefix of every path, `/kom` for example; empty for none */
  basePath: string
  /** the size limit of a request body, bytes */
  maxBodyBytes: number
  /** whether a request without a connection id gets a new session */
  autoCreate: boolean
}

/** Limits of the HTTP interface. */
export interface AppLimitOptions extends WebsocketLimitOptions {
  /** the idle timeout of a session in milliseconds */
  sessionIdleMs: number
}

/** Settings of metrics, health checks and administration. */
export interface AppAdminOptions {
  /** the port that serves them; undefined if the HTTP interface does */
  adminPort?: number | undefined
  /** the key that allows access to the sessions of all clients; empty disables that access */
  adminKey: string
}

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
  const { servers, sessions, http, limits, admin, clientAddress, metrics, tracing, observers } = options
  const { registry } = sessions
  const { sessionIdleMs } = limits
  const ids = new ConnectionIds(registry, http)
  const session = sessionMiddleware({ registry, ids, autoCreate: http.autoCreate, clientAddress, sessionIdleMs })
  const guardOf: Guard = ({ needs, idFrom }) => {
    if (needs === 'nothing') return undefined
    return idFrom === 'header-or-query' ? session.requireSessionWithQuery : session.requireSession
  }

  const app = bareApp({ basePath: http.basePath, registry, metrics, tracing, observers })
  app.use(cors(http))
  app.use(limitBody(http.maxBodyBytes))

  const operatorRoutes = admin.adminPort === undefined ? registerOperatorRoutes(app, options) : []
  for (const { path, app: api } of mounted) app.route(path, api)
  const ofGateway: AnyRoute[] = [
    ...gatewayRoutes({ servers, registry, metrics }),
    descriptionRoute(() =>
      openApiDocument([...ofGateway, ...routes, ...operatorRoutes], { ...http, serverIds: [...servers.keys()] }),
    ),
    ...referenceRoutes(),
    websocketRoute({ ...options, registry, ids, corsOrigins: http.corsOrigins, maxMessageBytes: http.maxBodyBytes }),
  ]
  registerRoutes(app, ofGateway)
  const routes = [
    ...sessionRoutes({ registry, ids, clientAddress, sessionIdleMs }),
    ...sessionDataRoutes({ ...sessions, observers }),
    ...serverRoutes(),
    ...conferenceRoutes(),
    ...personRoutes(),
    ...membershipRoutes(),
    ...textRoutes({ basePath: http.basePath, vary: ids.vary }),
    ...textStatRoutes(),
    ...textPageRoutes(),
    ...threadRoutes(),
    ...onlineRoutes(),
    ...callRoutes(ids),
  ]
  const isKnown = knownServer(servers)
  for (const prefix of serverPrefixes(routes)) app.use(`${prefix}/*`, isKnown)
  registerRoutes(app, routes, guardOf)
  return app
}

/** Creates the application for the separate port that only operators reach: metrics, health, administration. */
export function createAdminApp(options: AppOptions): Hono<Env> {
  const { sessions, metrics, tracing, observers } = options
  const app = bareApp({ basePath: '', registry: sessions.registry, metrics, tracing, observers })
  registerOperatorRoutes(app, options)
  return app
}

/** Registers metrics, health checks and, if an admin key is set, administration. Returns the routes. */
function registerOperatorRoutes(app: Hono<Env>, options: AppOptions): AnyRoute[] {
  const { sessions, admin, limits, metrics, observers } = options
  const { registry, store } = sessions
  const { adminKey } = admin
  const observability = observabilityRoutes({ registry, store, metrics })
  registerRoutes(app, observability)
  if (adminKey === '') return observability
  const requireKey = requireAdminKey({ ...options, adminKey })
  const administration = adminRoutes({ registry, sessionIdleMs: limits.sessionIdleMs, observers })
  registerRoutes(app, administration, () => requireKey)
  return [...observability, ...administration]
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
