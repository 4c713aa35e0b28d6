import type { Context, MiddlewareHandler } from 'hono'
import { z } from 'zod'
import type { Metrics } from '../../ops/metrics/metrics.ts'
import type { ErrorCode } from '../../protocol/komgate-error.ts'
import type { GatewaySession } from '../../sessions/gateway-session.ts'
import type { GuessLimits } from '../../sessions/guess-limits.ts'
import type { Registry } from '../../sessions/registry.ts'
import { handleOf } from '../../store/record.ts'
import { packageVersion } from '../../version.ts'
import type { OtherNodes } from '../cluster/other-nodes.ts'
import type { Env } from '../env.ts'
import { RequestError } from '../errors/request-error.ts'
import { wireTrace } from '../events/wire-trace.ts'
import { numberParameter } from '../input/numbers.ts'
import { bearer } from '../middleware/app-key.ts'
import { AppKeys } from '../middleware/app-keys.ts'
import { closeOnRequest } from '../middleware/current-session.ts'
import { empty, json } from '../node/responses.ts'
import { checkJson, figuresJson, serverJson, sessionJson } from '../output/admin-json.ts'
import type { ErrorObservers } from '../output/error-response.ts'
import { jsonList, pagesOf } from '../output/json-list.ts'
import {
  AdminCheck,
  AdminFigures,
  AdminServer,
  AdminSession,
  type AdminSetting,
  AdminSettings,
  MissingNodes,
} from '../output/schemas/index.ts'
import type { ListedServer } from './gateway.ts'
import { type AnyRoute, route } from './route.ts'

const ADMIN = 'admin'
/** Sessions per page of the list: some milliseconds of work. */
const PAGE = 500

/** The errors of a check of a LysKOM server. */
const CHECK_FAILURES = [
  'not-found',
  'unreachable',
  'not-lyskom',
  'connect-refused',
  'server-full',
  'open-files',
  'connect-timeout',
  'call-timeout',
  'kom-error',
  'unreadable',
  'over-bound',
  'message-too-large',
  'shutting-down',
] as const satisfies readonly ErrorCode[]

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
  /** the other nodes of the cluster */
  others: OtherNodes
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
  others,
}: AdminRouteOptions): AnyRoute[] {
  /** Returns a session of this node, or the response of the node that has it. */
  const find = async (c: Context<Env>, handle: string): Promise<GatewaySession | Response> => {
    for (const session of registry.all()) if (handleOf(session.key) === handle) return session
    const response = await others.firstFound(c)
    if (response !== undefined) return response
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
      method: 'POST',
      path: '/admin/servers/:id/check',
      operation: 'checkServer',
      summary: 'Opens a connection to a LysKOM server and asks for its time',
      needs: 'admin-key',
      params: { id: z.string() },
      responses: { 200: { schema: AdminCheck } },
      rejects: CHECK_FAILURES,
      example: { params: { id: 'demo' } },
      async handle(_, { params: { id } }) {
        if (!servers.has(id)) throw new RequestError('not-found', 'There is no such server.')
        return json(checkJson(await registry.check(id)))
      },
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
      responses: {
        200: { schema: z.strictObject({ sessions: z.array(AdminSession), missing: MissingNodes.optional() }) },
      },
      example: { session: 'logged-in' },
      handle(c) {
        return jsonList(c, 'sessions', allSessions(c, registry, others), observers.onInternalError)
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
      rejects: ['not-found', 'cluster-unavailable', 'node-unreachable'],
      example: { params: { handle: '3f9a1c04b7de' }, session: 'logged-in' },
      async handle(c, { params: { handle } }) {
        const session = await find(c, handle)
        if (session instanceof Response) return session
        await closeOnRequest(c, session, 'admin')
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
      rejects: ['not-found', 'too-many-traces', 'cluster-unavailable', 'node-unreachable'],
      async handle(c, { params: { handle } }) {
        const session = await find(c, handle)
        return session instanceof Response ? session : wireTrace(registry, session)
      },
    }),
  ]
}

/** Yields the sessions of this node, then those of the other nodes. Returns the field for nodes that have not answered. */
async function* allSessions(
  c: Context<Env>,
  registry: Registry,
  others: OtherNodes,
): AsyncGenerator<readonly AdminSession[], object, undefined> {
  const now = performance.now()
  for await (const page of pagesOf(registry.all(), PAGE)) yield page.map((session) => sessionJson(session, now))
  const { nodes, missing } = await others.readAll<{ sessions: AdminSession[] }>(c)
  for (const { value } of nodes) if (value !== undefined) yield* pagesOf(value.sessions, PAGE)
  return missing
}

/** Returns the middleware that requires the admin key. */
export function requireAdminKey({ adminKey, keyGuesses, clientAddress }: AdminKeyOptions): MiddlewareHandler<Env> {
  const keys = new AppKeys([{ app: ADMIN, key: adminKey }], { guesses: keyGuesses, subject: ADMIN })
  return (c, next) => {
    if (keys.allow(ADMIN, bearer(c), clientAddress(c))) return next()
    throw new RequestError('invalid-key', '"Authorization: Bearer" with the admin key is required.')
  }
}
