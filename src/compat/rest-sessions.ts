import type { Context, MiddlewareHandler } from 'hono'
import { z } from 'zod'
import { RequestError } from '../http/errors/request-error.ts'
import type { ParameterSchemas } from '../http/input/parameters.ts'
import { requireAppKey } from '../http/middleware/app-key.ts'
import { limitBody } from '../http/middleware/limit-body.ts'
import { json, text } from '../http/node/responses.ts'
import { jsonList, mapPages } from '../http/output/json-list.ts'
import type { AnyRoute, Route } from '../http/routes/route.ts'
import { keyOf, type SessionRecord } from '../store/record.ts'
import { type CompatOptions, NO_STORE, newToken } from './compat-api.ts'
import {
  App,
  AppOrServer,
  check,
  Dt,
  dataWith,
  Id,
  INPUT_ERRORS,
  Ip,
  inputReader,
  PersonId,
  ServerToken,
  Token,
  Ttl,
} from './rest-sessions-input.ts'
import { count, Session, SessionOrNothing, sessionJson } from './rest-sessions-json.ts'

const MAX_BODY_BYTES = 60_000
const TOKEN_LENGTH = 64
const MAX_LISTED = 10_000

/** The user in the path of a list. */
const User = Id.describe('The user. For a LysKOM server the number of a person, at least 1.')
const Killed = z.strictObject({ kill: count }).describe('The number of ended sessions.')

/** Options of `restSessionsApi`. */
export interface RestSessionsOptions extends CompatOptions {
  /** ids of the plain applications, which store their sessions in the gateway */
  appIds: ReadonlySet<string>
  /** ids of the LysKOM servers, whose sessions are in the same store with the server id as app */
  serverIds: ReadonlySet<string>
}

/**
 * The REST-Sessions API: sessions of plain applications by token, and lists, counts and kills for the sessions of LysKOM
 * servers, where the id is a person number and the token a connection id. At the root.
 */
export function restSessionsApi(options: RestSessionsOptions): AnyRoute[] {
  const { store, appIds, serverIds, observers } = options
  const { onInternalError } = observers
  const key = requireAppKey(options, appOf)
  const limit = limitBody(MAX_BODY_BYTES)
  /** Rejects requests for an application that stores no sessions here with 404. */
  const plainApp = knownApp((app) => appIds.has(app))
  /** Rejects requests for neither such an application nor a LysKOM server with 404. */
  const anyApp = knownApp((app) => appIds.has(app) || serverIds.has(app))

  /**
   * Completes a declaration. The app is checked after the key, so that clients without a key learn nothing, and before
   * the rest of the input.
   */
  function declared<
    P extends ParameterSchemas = Record<never, never>,
    Q extends ParameterSchemas = Record<never, never>,
    B extends z.ZodType = z.ZodUndefined,
  >({ guards = [], rejects = [], ...declaration }: Route<P, Q, B>): AnyRoute {
    const { needs, params, query, body } = declaration
    const hasInput = query !== undefined || body !== undefined || Object.keys(params ?? {}).length > 1
    return {
      ...declaration,
      guards: [...(needs === 'app-key' ? [key] : []), ...(body === undefined ? [] : [limit]), ...guards],
      read: inputReader(declaration),
      rejects: ['not-found', ...(hasInput ? INPUT_ERRORS.codes : []), ...rejects],
      errorFormat: INPUT_ERRORS,
    }
  }

  return [
    {
      method: 'GET',
      path: '/ping',
      operation: 'restSessionsPing',
      summary: 'Checks the session store',
      needs: 'nothing',
      uses: ['store'],
      responses: { 200: { schema: z.literal('PONG'), type: 'text/plain' } },
      async handle() {
        await store.ping()
        return text('PONG')
      },
    },
    declared({
      method: 'PUT',
      path: '/:app/create/:id',
      operation: 'restSessionsCreate',
      summary: 'Creates a session of an application',
      needs: 'app-key',
      uses: ['store'],
      guards: [plainApp],
      params: { app: App, id: Id },
      query: { ip: Ip, ttl: Ttl },
      body: dataWith(0),
      bodyIsOptional: true,
      responses: { 200: { schema: z.strictObject({ token: Token }) } },
      rejects: ['too-large'],
      async handle(_, { params: { app, id }, query: { ip, ttl }, body: data }) {
        const token = newToken(TOKEN_LENGTH)
        await store.create({ key: keyOf(token), app, user: id, ip, idleMs: ttl * 1000, data })
        return json({ token }, 200, NO_STORE)
      },
    }),
    declared({
      method: 'GET',
      path: '/:app/get/:token',
      operation: 'restSessionsGet',
      summary: 'Returns a session of an application, and resets its idle time',
      needs: 'nothing',
      uses: ['store'],
      guards: [plainApp],
      params: { app: App, token: Token },
      responses: { 200: { schema: SessionOrNothing } },
      async handle(_, { params: { app, token } }) {
        const record = await store.touch(app, keyOf(token))
        return json(record === undefined ? {} : listedJson(record))
      },
    }),
    declared({
      method: 'POST',
      path: '/:app/set/:token',
      operation: 'restSessionsSet',
      summary: 'Changes the data of a session of an application',
      description: 'Keys that the body does not hold keep their values. Null deletes a key.',
      needs: 'nothing',
      uses: ['store'],
      guards: [plainApp],
      params: { app: App, token: Token },
      body: dataWith(1),
      responses: { 200: { schema: SessionOrNothing } },
      rejects: ['too-large'],
      async handle(_, { params: { app, token }, body: data }) {
        const key = keyOf(token)
        const before = await store.find(app, key)
        const after = before && (await store.merge(app, key, data))
        return json(before && after ? sessionJson(after, before, store.now()) : {})
      },
    }),
    declared({
      method: 'GET',
      path: '/:app/activity',
      operation: 'restSessionsCountActive',
      summary: 'Counts the users that were active in the last seconds',
      needs: 'app-key',
      uses: ['store-lists'],
      guards: [anyApp],
      params: { app: AppOrServer },
      query: { dt: Dt },
      responses: { 200: { schema: z.strictObject({ activity: count }) } },
      handle: async (_, { params: { app }, query: { dt } }) =>
        json({ activity: await store.countActiveUsers(app, dt * 1000) }),
    }),
    declared({
      method: 'GET',
      path: '/:app/soapp',
      operation: 'restSessionsListActive',
      summary: 'Lists the sessions that were active in the last seconds',
      needs: 'app-key',
      uses: ['store-lists'],
      guards: [anyApp],
      params: { app: AppOrServer },
      query: { dt: Dt },
      responses: {
        200: {
          schema: z.strictObject({
            sessions: z.array(Session).max(MAX_LISTED),
            truncated: z.literal(true).exactOptional().describe('Set if there are more sessions.'),
          }),
        },
      },
      async handle(c, { params: { app }, query: { dt } }) {
        const pages = store.listActive(app, dt * 1000, MAX_LISTED + 1)
        return await jsonList(c, 'sessions', mapPages(pages, listedJson, MAX_LISTED), onInternalError)
      },
    }),
    declared({
      method: 'GET',
      path: '/:app/soid/:id',
      operation: 'restSessionsListOfUser',
      summary: 'Lists the sessions of a user',
      needs: 'app-key',
      uses: ['store-lists'],
      guards: [anyApp],
      params: { app: AppOrServer, id: User },
      responses: { 200: { schema: z.strictObject({ sessions: z.array(Session) }) } },
      async handle(c, { params: { app, id } }) {
        if (serverIds.has(app)) check('id', id, PersonId)
        return await jsonList(c, 'sessions', mapPages(store.listUser(app, id), listedJson), onInternalError)
      },
    }),
    declared({
      method: 'DELETE',
      path: '/:app/kill/:token',
      operation: 'restSessionsEnd',
      summary: 'Ends a session',
      needs: 'nothing',
      uses: ['store'],
      guards: [anyApp],
      params: {
        app: AppOrServer,
        token: z
          .union([Token, ServerToken])
          .describe('64 letters and digits; for a session of a LysKOM server its connection id'),
      },
      responses: { 200: { schema: z.strictObject({ kill: z.literal([0, 1]) }) } },
      async handle(_, { params: { app, token } }) {
        check('token', token, serverIds.has(app) ? ServerToken : Token)
        const ended = await store.end(app, keyOf(token))
        return json({ kill: ended === undefined ? 0 : 1 })
      },
    }),
    declared({
      method: 'DELETE',
      path: '/:app/killsoid/:id',
      operation: 'restSessionsEndOfUser',
      summary: 'Ends the sessions of a user',
      needs: 'app-key',
      uses: ['store-lists'],
      guards: [anyApp],
      params: { app: AppOrServer, id: User },
      responses: { 200: { schema: Killed } },
      async handle(_, { params: { app, id } }) {
        if (serverIds.has(app)) check('id', id, PersonId)
        return json({ kill: await store.endUser(app, id) })
      },
    }),
    declared({
      method: 'DELETE',
      path: '/:app/killall',
      operation: 'restSessionsEndAll',
      summary: 'Ends all sessions of an application or a LysKOM server',
      needs: 'app-key',
      uses: ['store-lists'],
      guards: [anyApp],
      params: { app: AppOrServer },
      responses: { 200: { schema: Killed } },
      handle: async (_, { params: { app } }) => json({ kill: await store.endApp(app) }),
    }),
  ]

  function listedJson(record: SessionRecord) {
    return sessionJson(record, record, store.now())
  }
}

/** Returns middleware that rejects requests with 404 unless `isKnown` knows the app in their path. */
function knownApp(isKnown: (app: string) => boolean): MiddlewareHandler {
  return (c, next) => {
    if (isKnown(appOf(c))) return next()
    throw new RequestError('not-found', 'There is no such application.')
  }
}

function appOf(c: Context): string {
  return c.req.param('app') ?? ''
}
