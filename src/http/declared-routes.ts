import { Tickets } from '../sessions/tickets.ts'
import type { AppOptions } from './app-options.ts'
import { Forwarding } from './cluster/forwarding.ts'
import { OtherNodes } from './cluster/other-nodes.ts'
import { openApiDocument } from './description/document.ts'
import { descriptionRoute } from './description/route.ts'
import { OpenWebsockets } from './events/websocket-limits.ts'
import { ConnectionIds } from './middleware/connection-id.ts'
import { adminRoutes } from './routes/admin.ts'
import { adminNodeRoute } from './routes/admin-nodes.ts'
import { type BatchRouteOptions, batchRoute } from './routes/batch.ts'
import { callRoutes } from './routes/calls.ts'
import { conferenceRoutes } from './routes/conferences.ts'
import { eventRoute } from './routes/events.ts'
import { gatewayRoutes } from './routes/gateway.ts'
import { membershipRoutes } from './routes/memberships.ts'
import { observabilityRoutes } from './routes/observability.ts'
import { onlineRoutes } from './routes/online.ts'
import { personRoutes } from './routes/persons.ts'
import { referenceRoutes } from './routes/reference.ts'
import type { AnyRoute } from './routes/route.ts'
import { serverRoutes } from './routes/server.ts'
import { sessionDataRoutes } from './routes/session-data.ts'
import { sessionRoutes } from './routes/sessions.ts'
import { startRoute } from './routes/start.ts'
import { textPageRoutes } from './routes/text-pages.ts'
import { textRoutes } from './routes/texts.ts'
import { textStatRoutes } from './routes/textstats.ts'
import { threadRoutes } from './routes/threads.ts'
import { ticketRoutes } from './routes/tickets.ts'
import { assetRoute, consoleRoute, readerRoutes } from './routes/web.ts'
import { websocketRoute } from './routes/websocket.ts'

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
export interface Shared {
  ids: ConnectionIds
  tickets: Tickets
  /** answers requests for sessions of other nodes of a cluster */
  forwarding: Forwarding | undefined
  /** handles the requests of batches */
  fetch: BatchRouteOptions['fetch']
}

/** @param fetch default: for routes that are only read */
export function sharedBy(
  { sessions: { registry }, http, cluster, clientAddress }: AppOptions,
  fetch: Shared['fetch'] = () => Promise.reject(new Error('there is no application')),
): Shared {
  const ids = new ConnectionIds(registry, http)
  const tickets = new Tickets(registry, { prefix: () => cluster?.lease.slot ?? '' })
  const forwarding = cluster && new Forwarding({ cluster, registry, ids, clientAddress })
  return { ids, tickets, forwarding, fetch }
}

/**
 * Declares the routes of the HTTP interface.
 *
 * @param mounted other APIs that are served beside the gateway's own
 */
export function declareRoutes(
  options: AppOptions,
  mounted: readonly MountedApi[] = [],
  { ids, tickets, forwarding, fetch }: Shared = sharedBy(options),
): DeclaredRoutes {
  const { servers, sessions, http, limits, admin, clientAddress, metrics, observers } = options
  const { registry } = sessions
  const websockets = new OpenWebsockets(limits)
  const declared: DeclaredRoutes = {
    gateway: [
      ...gatewayRoutes({ servers, registry, metrics, hasWeb: http.web === 'on' }),
      descriptionRoute(() =>
        openApiDocument(Object.values(declared).flat(), { ...http, serverIds: [...servers.keys()] }),
      ),
      ...referenceRoutes(),
      ...(http.web === 'on' ? [...readerRoutes(), assetRoute()] : []),
      ...(http.web === 'on' && admin.adminPort === undefined ? [consoleRoute()] : []),
      websocketRoute({
        ...{ ...options, registry, ids, tickets, forwarding, websockets },
        corsOrigins: http.corsOrigins,
        maxMessageBytes: http.maxBodyBytes,
      }),
    ],
    server: [
      ...sessionRoutes({ registry, ids, clientAddress, forwarding }),
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
      startRoute(),
    ],
    mounted: mounted.flatMap(({ name, routes }) => routes.map((route) => ({ ...route, tag: name }))),
    ...(admin.adminPort === undefined ? operatorRoutes(options) : { observability: [], administration: [] }),
  }
  return declared
}

/** The routes that only operators need. */
export type OperatorRoutes = Pick<DeclaredRoutes, 'observability' | 'administration'>

/** Declares metrics, health checks and, if an admin key is set, administration. */
export function operatorRoutes({
  servers,
  sessions,
  admin,
  metrics,
  observers,
  cluster,
  clientAddress,
}: AppOptions): OperatorRoutes {
  const { registry, store } = sessions
  const others = new OtherNodes({ cluster, registry, clientAddress })
  return {
    observability: observabilityRoutes({ registry, store, metrics, isNode: cluster !== undefined }),
    administration:
      admin.adminKey === ''
        ? []
        : [
            ...adminRoutes({ servers, registry, metrics, observers, others, ...admin }),
            adminNodeRoute({ registry, cluster, others, ...admin }),
          ],
  }
}

/** Declares the description of the admin port and, unless web clients are off, the console. */
export function adminPages({ observability, administration }: OperatorRoutes, { http }: AppOptions): AnyRoute[] {
  const pages: AnyRoute[] = [
    descriptionRoute(() =>
      openApiDocument([...observability, ...administration, ...pages], { ...http, basePath: '', serverIds: [] }),
    ),
    ...(http.web === 'on' ? [consoleRoute(), assetRoute()] : []),
  ]
  return pages
}
