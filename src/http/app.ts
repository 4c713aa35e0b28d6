import type { Context, Hono, MiddlewareHandler } from 'hono'
import type { Metrics } from '../ops/metrics/metrics.ts'
import type { Tracing } from '../ops/tracing.ts'
import type { GuessLimits } from '../sessions/guess-limits.ts'
import type { SessionRecords } from '../sessions/records.ts'
import type { Registry } from '../sessions/registry.ts'
import { Tickets } from '../sessions/tickets.ts'
import type { SessionStore } from '../store/store.ts'
import { bareApp, type Observers } from './bare-app.ts'
import { openApiDocument } from './description/document.ts'
import { descriptionRoute } from './description/route.ts'
import type { Env } from './env.ts'
import { RequestError } from './errors/request-error.ts'
import { OpenWebsockets, type WebsocketLimitOptions } from './events/websocket-limits.ts'
import { type ConnectionIdOptions, ConnectionIds } from './middleware/connection-id.ts'
import { type CorsOptions, cors } from './middleware/cors.ts'
import { limitBody } from './middleware/limit-body.ts'
import { sessionMiddleware } from './middleware/session.ts'
import type { UnreadBudget } from './node/unread-budget.ts'
import { adminRoutes, requireAdminKey } from './routes/admin.ts'
import { type BatchRouteOptions, batchRoute } from './routes/batch.ts'
import { callRoutes } from './routes/calls.ts'
import { conferenceRoutes } from './routes/conferences.ts'
import { eventRoute } from './routes/events.ts'
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
import { ticketRoutes } from './routes/tickets.ts'
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

/** Another API that the gateway serves. */
export interface MountedApi {
  /** for persons */
  name: string
  /** A path that ends in `*` matches what no other route of the API does. */
  routes: readonly AnyRoute[]
}

/**
 * The declared routes of an application: those of the gateway itself, of LysKOM servers, of other APIs, metrics and health
 * checks, and administration.
 */
export type DeclaredRoutes = Readonly<
  Record<'gateway' | 'server' | 'mounted' | 'observability' | 'administration', readonly AnyRoute[]>
>

/** What routes and middleware share. */
interface Shared {
  ids: ConnectionIds
  tickets: Tickets
  /** handles the requests of batches */
  fetch: BatchRouteOptions['fetch']
}

/** @param fetch default: for routes that are only read */
function sharedBy(
  { sessions: { registry }, http }: AppOptions,
  fetch: Shared['fetch'] = () => Promise.reject(new Error('there is no application')),
): Shared {
  return { ids: new ConnectionIds(registry, http), tickets: new Tickets(registry), fetch }
}

/**
 * Declares the routes of the HTTP interface.
 *
 * @param mounted other APIs that are served beside the gateway's own
 */
export function declareRoutes(
  options: AppOptions,
  mounted: readonly MountedApi[] = [],
  { ids, tickets, fetch }: Shared = sharedBy(options),
): DeclaredRoutes {
  const { servers, sessions, http, limits, admin, clientAddress, metrics, observers } = options
  const { registry } = sessions
  const { sessionIdleMs } = limits
  const websockets = new OpenWebsockets(limits)
  const declared: DeclaredRoutes = {
    gateway: [
      ...gatewayRoutes({ servers, registry, metrics }),
      descriptionRoute(() =>
        openApiDocument(Object.values(declared).flat(), { ...http, serverIds: [...servers.keys()] }),
      ),
      ...referenceRoutes(),
      websocketRoute({
        ...{ ...options, registry, ids, tickets, websockets },
        corsOrigins: http.corsOrigins,
        maxMessageBytes: http.maxBodyBytes,
      }),
    ],
    server: [
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
      ...ticketRoutes(tickets),
      batchRoute({ ...options, ...http, fetch }),
      eventRoute({ registry, websockets, observers }),
    ],
    mounted: mounted.flatMap(({ name, routes }) => routes.map((route) => ({ ...route, tag: name }))),
    ...(admin.adminPort === undefined ? operatorRoutes(options) : { observability: [], administration: [] }),
  }
  return declared
}

/**
 * Creates the HTTP interface as one Hono application. The application opens no port and holds no state.
 *
 * @param mounted other APIs that are served beside the gateway's own
 */
export function createApp(options: AppOptions, mounted: readonly MountedApi[] = []): Hono<Env> {
  const { servers, sessions, http, limits, clientAddress, metrics, tracing, observers } = options
  const { registry } = sessions
  const shared = sharedBy(options, (request, bindings) => app.fetch(request, bindings))
  const requireSession = sessionMiddleware({
    ...{ registry, ...shared },
    autoCreate: http.autoCreate,
    clientAddress,
    sessionIdleMs: limits.sessionIdleMs,
  })
  const guardOf: Guard = ({ needs, idFrom = 'header' }) => (needs === 'nothing' ? undefined : requireSession(idFrom))

  const app = bareApp({ basePath: http.basePath, registry, metrics, tracing, observers })
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

/** Creates the application for the separate port that only operators reach: metrics, health, administration. */
export function createAdminApp(options: AppOptions): Hono<Env> {
  const { sessions, metrics, tracing, observers } = options
  const app = bareApp({ basePath: '', registry: sessions.registry, metrics, tracing, observers })
  registerOperatorRoutes(app, operatorRoutes(options), options)
  return app
}

type OperatorRoutes = Pick<DeclaredRoutes, 'observability' | 'administration'>

/** Declares metrics, health checks and, if an admin key is set, administration. */
function operatorRoutes({ sessions, admin, limits, metrics, observers }: AppOptions): OperatorRoutes {
  const { registry, store } = sessions
  const { sessionIdleMs } = limits
  return {
    observability: observabilityRoutes({ registry, store, metrics }),
    administration: admin.adminKey === '' ? [] : adminRoutes({ registry, sessionIdleMs, observers }),
  }
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
