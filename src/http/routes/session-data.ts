import { z } from 'zod'
import type { GatewaySession } from '../../sessions/gateway-session.ts'
import { type SessionRecords, userOf } from '../../sessions/records.ts'
import type { Registry } from '../../sessions/registry.ts'
import { type Data, handleOf, type SessionRecord } from '../../store/record.ts'
import type { SessionStore } from '../../store/store.ts'
import { RequestError } from '../errors/request-error.ts'
import { closeOnRequest } from '../middleware/current-session.ts'
import { empty, json } from '../node/responses.ts'
import type { ErrorObservers } from '../output/error-response.ts'
import { jsonList, mapPages } from '../output/json-list.ts'
import { OwnSession, SessionData } from '../output/schemas/index.ts'
import { type AnyRoute, route } from './route.ts'

/** The size limit of a session's data, in bytes of JSON. */
const MAX_DATA_BYTES = 16_384
/** Any object. The value comes from JSON; a schema with keys would drop `__proto__`. */
const Patch = z
  .custom<Data>((value) => typeof value === 'object' && value !== null && !Array.isArray(value))
  .meta({ type: 'object', description: 'the changed keys; null deletes a key' })

/** Options of `sessionDataRoutes`. */
export interface SessionDataRouteOptions {
  registry: Registry
  records: SessionRecords
  /** the store of the records */
  store: SessionStore
  observers: ErrorObservers
}

/** Data that clients store in their session, and the other sessions of the person. */
export function sessionDataRoutes({ registry, records, store, observers }: SessionDataRouteOptions): AnyRoute[] {
  /** Rejects the request with 403 if there is no data: the session has just ended. */
  const found = (data: Data | undefined): Data => {
    if (data === undefined) throw new RequestError('invalid-session', 'There is no such session.')
    return data
  }

  return [
    route({
      method: 'GET',
      path: '/:server/sessions/current/data',
      operation: 'getSessionData',
      summary: "Returns the client's data in the session",
      needs: 'session',
      uses: ['store'],
      responses: { 200: { schema: SessionData } },
      example: {},
      handle: async (c) => json(found(await records.readData(c.get('session')))),
    }),
    route({
      method: 'PATCH',
      path: '/:server/sessions/current/data',
      operation: 'changeSessionData',
      summary: "Changes the client's data in the session",
      needs: 'session',
      uses: ['store'],
      body: Patch,
      responses: { 200: { schema: SessionData } },
      example: { body: { draft: { subject: 'Hej' }, theme: 'dark' } },
      handle: async (c, { body }) => json(found(await records.mergeData(c.get('session'), body, MAX_DATA_BYTES))),
    }),
    route({
      method: 'GET',
      path: '/:server/sessions/mine',
      operation: 'listOwnSessions',
      summary: "Lists the person's other sessions",
      needs: 'login',
      uses: ['store-lists'],
      responses: { 200: { schema: z.strictObject({ sessions: z.array(OwnSession) }) } },
      example: { hasOtherSession: true },
      async handle(c) {
        const own = await recorded(c.get('session'))
        const others = mapPages(store.listUser(own.serverId, userOf(own)), (record) =>
          record.key === own.key ? undefined : otherJson(record),
        )
        return await jsonList(c, 'sessions', others, observers.onInternalError)
      },
    }),
    route({
      method: 'DELETE',
      path: '/:server/sessions/mine',
      operation: 'endOwnSessions',
      summary: 'Ends all sessions of the person',
      needs: 'login',
      uses: ['store-lists'],
      query: {
        except: z
          .literal('current', 'must be current.')
          .optional()
          .describe('`current` keeps the session of the request'),
      },
      responses: {
        200: { description: 'The number of ended sessions', schema: z.strictObject({ ended: z.int().min(0) }) },
      },
      example: {},
      async handle(c, { query: { except } }) {
        const own = await recorded(c.get('session'))
        const ended = await store.endUser(own.serverId, userOf(own), ({ key }) => key !== own.key)
        if (except === 'current') return json({ ended })
        await closeOnRequest(c, own, 'deleted')
        return json({ ended: ended + 1 })
      },
    }),
    route({
      method: 'DELETE',
      path: '/:server/sessions/mine/:handle',
      operation: 'endOwnSession',
      summary: "Ends one of the person's sessions",
      needs: 'login',
      uses: ['store-lists'],
      params: { handle: z.string() },
      responses: { 204: {} },
      example: { params: { handle: '3f9a1c04b7de' }, hasOtherSession: true },
      async handle(c, { params: { handle } }) {
        const own = await recorded(c.get('session'))
        if (handle === handleOf(own.key)) {
          await closeOnRequest(c, own, 'deleted')
          return empty(204)
        }
        const ended = await store.endUser(own.serverId, userOf(own), ({ key }) => handleOf(key) === handle)
        if (ended === 0) throw new RequestError('not-found', 'There is no such session.')
        return empty(204)
      },
    }),
  ]

  async function recorded(session: GatewaySession): Promise<GatewaySession> {
    await records.ready(session)
    return session
  }

  /** Takes the idle time from the session if it is on this gateway: records are updated only from time to time. */
  function otherJson({ key, name, ip, lastActive }: SessionRecord): OwnSession {
    const live = registry.byKey(key)
    const idleMs = live === undefined ? store.now() - lastActive : performance.now() - live.lastUsed
    return { handle: handleOf(key), client: name, address: ip, idle: Math.max(0, Math.round(idleMs / 1000)) }
  }
}
