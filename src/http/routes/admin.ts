import type { Context, MiddlewareHandler } from 'hono'
import { z } from 'zod'
import type { GatewaySession } from '../../sessions/gateway-session.ts'
import type { GuessLimits } from '../../sessions/guess-limits.ts'
import type { Registry } from '../../sessions/registry.ts'
import { handleOf } from '../../store/record.ts'
import type { Env } from '../env.ts'
import { RequestError } from '../errors/request-error.ts'
import { wireTrace } from '../events/wire-trace.ts'
import { bearer } from '../middleware/app-key.ts'
import { AppKeys } from '../middleware/app-keys.ts'
import { closeOnRequest } from '../middleware/current-session.ts'
import { empty, json } from '../node/responses.ts'
import type { ErrorObservers } from '../output/error-response.ts'
import { jsonList, mapPages, pagesOf } from '../output/json-list.ts'
import { AdminServer, AdminSession } from '../output/schemas/index.ts'
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
  observers: ErrorObservers
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
export function adminRoutes({ servers, registry, observers }: AdminRouteOptions): AnyRoute[] {
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
