import type { Context, MiddlewareHandler } from 'hono'
import { z } from 'zod'
import { SAMPLE_MS } from '../../ops/metrics/figures.ts'
import type { Metrics } from '../../ops/metrics/metrics.ts'
import type { GatewaySession } from '../../sessions/gateway-session.ts'
import type { GuessLimits } from '../../sessions/guess-limits.ts'
import { LIMITS } from '../../sessions/limit-error.ts'
import type { Registry } from '../../sessions/registry.ts'
import { handleOf } from '../../store/record.ts'
import { packageVersion } from '../../version.ts'
import type { Env } from '../env.ts'
import { RequestError } from '../errors/request-error.ts'
import { wireTrace } from '../events/wire-trace.ts'
import { numberParameter } from '../input/numbers.ts'
import { bearer } from '../middleware/app-key.ts'
import { AppKeys } from '../middleware/app-keys.ts'
import { closeOnRequest } from '../middleware/current-session.ts'
import { empty, json } from '../node/responses.ts'
import type { ErrorObservers } from '../output/error-response.ts'
import { jsonList, mapPages, pagesOf } from '../output/json-list.ts'
import { AdminFigures, AdminServer, AdminSession, type AdminSetting, AdminSettings } from '../output/schemas/index.ts'
import type { ListedServer } from './gateway.ts'
import { type AnyRoute, route } from './route.ts'

const ADMIN = 'admin'
/** Sessions per page of the list: some milliseconds of work. */
const PAGE = 500

/** Options of `adminRoutes`. */
export interface AdminRouteOptions {
  /** the LysKOM servers by id */
  servers: ReadonlyMap<string, ListedServer>
  registry: Registry
  metrics: Metrics
  observers: ErrorObservers
  /** when the gateway started */
  started: Date
  /** the settings in force, without secrets */
  settings: readonly AdminSetting[]
}

/** Options of `requireAdminKey`. */
export interface AdminKeyOptions {
  /** the key that allows access to the sessions of all clients */
  adminKey: string
  /** limits the rate of failed attempts on the key */
  keyGuesses: GuessLimits
  /** returns the client address of a request; see `clientAddressBehind` */
  clientAddress: (c: Context) => string
}

/** Lists, traces and ends the sessions of all clients, for operators with the admin key. */
export function adminRoutes({
  servers,
  registry,
  metrics,
  observers,
  started,
  settings,
}: AdminRouteOptions): AnyRoute[] {
  const find = (handle: string): GatewaySession => {
    for (const session of registry.all()) if (handleOf(session.key) === handle) return session
    throw new RequestError('not-found', 'There is no such session.')
  }

  return [
    route({
      method: 'GET',
      path: '/admin/servers',
      operation: 'listServerStates',
      summary: 'Lists the LysKOM servers and what is known of them',
      needs: 'admin-key',
      responses: { 200: { schema: z.strictObject({ servers: z.array(AdminServer) }) } },
      example: { session: 'anonymous' },
      handle: () => json({ servers: [...servers.values()].map((server) => serverJson(server, registry)) }),
    }),
    route({
      method: 'GET',
      path: '/admin/settings',
      operation: 'listSettings',
      summary: 'Lists the settings in force without secrets',
      needs: 'admin-key',
      responses: { 200: { schema: AdminSettings } },
      example: {},
      handle: () =>
        json({ version: packageVersion(), node: process.version, started: started.toISOString(), settings }),
    }),
    route({
      method: 'GET',
      path: '/admin/figures',
      operation: 'listFigures',
      summary: 'Lists the figures of the last 15 minutes',
      needs: 'admin-key',
      query: { after: numberParameter(Number.MAX_SAFE_INTEGER).default(0).describe('only samples after this time') },
      responses: { 200: { schema: AdminFigures } },
      example: {},
      handle: (_, { query: { after } }) => json(figuresJson(metrics, after)),
    }),
    route({
      method: 'GET',
      path: '/admin/sessions',
      operation: 'listAllSessions',
      summary: 'Lists the sessions of all clients',
      needs: 'admin-key',
      responses: { 200: { schema: z.strictObject({ sessions: z.array(AdminSession) }) } },
      example: { session: 'logged-in' },
      handle(c) {
        const now = performance.now()
        const pages = pagesOf(registry.all(), PAGE)
        return jsonList(
          c,
          'sessions',
          mapPages(pages, (session) => sessionJson(session, now)),
          observers.onInternalError,
        )
      },
    }),
    route({
      method: 'DELETE',
      path: '/admin/sessions/:handle',
      operation: 'endAnySession',
      summary: 'Ends a session of any client',
      needs: 'admin-key',
      params: { handle: z.string() },
      responses: { 204: {} },
      rejects: ['not-found'],
      example: { params: { handle: '3f9a1c04b7de' }, session: 'logged-in' },
      async handle(c, { params: { handle } }) {
        await closeOnRequest(c, find(handle), 'admin')
        return empty(204)
      },
    }),
    route({
      method: 'GET',
      path: '/admin/sessions/:handle/trace',
      operation: 'traceSession',
      summary: 'Streams what a session sends and receives',
      needs: 'admin-key',
      params: { handle: z.string() },
      responses: { 200: { type: 'text/event-stream' } },
      rejects: ['not-found', 'too-many-traces'],
      handle: (_, { params: { handle } }) => wireTrace(registry, find(handle)),
    }),
  ]
}

/** Returns the middleware that requires the admin key. */
export function requireAdminKey({ adminKey, keyGuesses, clientAddress }: AdminKeyOptions): MiddlewareHandler<Env> {
  const keys = new AppKeys([{ app: ADMIN, key: adminKey }], { guesses: keyGuesses, subject: ADMIN })
  return (c, next) => {
    if (keys.allow(ADMIN, bearer(c), clientAddress(c))) return next()
    throw new RequestError('invalid-key', '"Authorization: Bearer" with the admin key is required.')
  }
}

/** @param after milliseconds since 1970 */
function figuresJson(metrics: Metrics, after: number): AdminFigures {
  return {
    interval_ms: SAMPLE_MS,
    limit_hits: Object.fromEntries(LIMITS.map((limit) => [limit, metrics.hitsOf(limit)])),
    samples: metrics.figures(after).map((figures) => ({
      time: figures.time,
      sessions: figures.sessions,
      requests_per_s: figures.requests,
      request_p50_ms: figures.requestP50,
      request_p99_ms: figures.requestP99,
      call_p50_ms: figures.callP50,
      call_p99_ms: figures.callP99,
      loop_p99_ms: figures.loopP99,
      loop_max_ms: figures.loopMax,
      memory_bytes: figures.memory,
      heap_bytes: figures.heap,
      limit_hits: figures.limitHits,
    })),
  }
}

function serverJson({ id, name, host, port }: ListedServer, registry: Registry): AdminServer {
  const { up = null, since, sessions = 0, openMs, lastFailure } = registry.serverState(id) ?? {}
  return {
    ...{ id, name, host, port, up, sessions },
    since: since?.toISOString() ?? null,
    open_ms: openMs == null ? null : Math.round(openMs * 1000) / 1000,
    last_error: lastFailure == null ? null : { code: lastFailure.code, time: lastFailure.time.toISOString() },
  }
}

/** @param now milliseconds of `performance.now()` */
function sessionJson(
  { key, serverId, clientAddress, lyskom, lastUsed, idleMs, hasStreams }: GatewaySession,
  now: number,
): AdminSession {
  const { name, version } = lyskom.client
  const idle = Math.max(0, now - lastUsed)
  return {
    handle: handleOf(key),
    server: serverId,
    session_no: lyskom.connection.sessionNo,
    pers_no: lyskom.persNo === 0 ? null : lyskom.persNo,
    client: `${name} ${version}`.trim(),
    address: clientAddress,
    idle: seconds(idle),
    calls: lyskom.connection.calls,
    // An open stream suspends the idle timeout.
    lease: hasStreams ? null : Math.max(0, seconds(idleMs - idle)),
  }
}

function seconds(ms: number): number {
  return Math.round(ms / 1000)
}
