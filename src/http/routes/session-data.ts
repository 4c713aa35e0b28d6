import { Hono } from 'hono'
import { z } from 'zod'
import type { GatewaySession } from '../../sessions/gateway-session.ts'
import { type SessionRecords, userOf } from '../../sessions/records.ts'
import type { Registry } from '../../sessions/registry.ts'
import { type Data, handleOf, type SessionRecord } from '../../store/record.ts'
import type { SessionStore } from '../../store/store.ts'
import type { Env } from '../env.ts'
import { RequestError } from '../errors/request-error.ts'
import { badRequest, readBody } from '../input/body.ts'
import { closeOnRequest } from '../middleware/current-session.ts'
import { requireLogin, type SessionMiddleware } from '../middleware/session.ts'
import { empty, json } from '../node/responses.ts'
import type { ErrorObservers } from '../output/error-response.ts'
import { jsonList, mapPages } from '../output/json-list.ts'

/** The size limit of a session's data, in bytes of JSON. */
const MAX_DATA_BYTES = 16_384
/** Any object. The value comes from JSON; a schema with keys would drop `__proto__`. */
const Patch = z.custom<Data>((value) => typeof value === 'object' && value !== null, 'must be an object.')

/** Options of `sessionDataRoutes`. */
export interface SessionDataRouteOptions {
  registry: Registry
  records: SessionRecords
  /** the store of the records */
  store: SessionStore
  observers: ErrorObservers
}

/** Data that clients store in their session, and the other sessions of the person; under `/<server id>/sessions`. */
export function sessionDataRoutes(
  { requireSession }: SessionMiddleware,
  { registry, records, store, observers }: SessionDataRouteOptions,
) {
  /** Rejects the request with 403 if there is no data: the session has just ended. */
  const found = (data: Data | undefined): Data => {
    if (data === undefined) throw new RequestError('invalid-session', 'There is no such session.')
    return data
  }

  return new Hono<Env>({ strict: false })
    .get('/current/data', requireSession, async (c) => json(found(await records.readData(c.get('session')))))
    .patch('/current/data', requireSession, async (c) => {
      const patch = await readBody(c, Patch)
      return json(found(await records.mergeData(c.get('session'), patch, MAX_DATA_BYTES)))
    })
    .get('/mine', requireSession, requireLogin, async (c) => {
      const own = await recorded(c.get('session'))
      const others = mapPages(store.listUser(own.serverId, userOf(own)), (record) =>
        record.key === own.key ? undefined : otherJson(record),
      )
      return await jsonList(c, 'sessions', others, observers.onInternalError)
    })
    .delete('/mine', requireSession, requireLogin, async (c) => {
      const except = c.req.query('except')
      if (except !== undefined && except !== 'current') throw badRequest('"except" must be current.')
      const own = await recorded(c.get('session'))
      const ended = await store.endUser(own.serverId, userOf(own), ({ key }) => key !== own.key)
      if (except === 'current') return json({ ended })
      await closeOnRequest(c, own, 'deleted')
      return json({ ended: ended + 1 })
    })
    .delete('/mine/:handle', requireSession, requireLogin, async (c) => {
      const own = await recorded(c.get('session'))
      const handle = c.req.param('handle')
      if (handle === handleOf(own.key)) {
        await closeOnRequest(c, own, 'deleted')
        return empty(204)
      }
      const ended = await store.endUser(own.serverId, userOf(own), ({ key }) => handleOf(key) === handle)
      if (ended === 0) throw new RequestError('not-found', 'There is no such session.')
      return empty(204)
    })

  async function recorded(session: GatewaySession): Promise<GatewaySession> {
    await records.ready(session)
    return session
  }

  /** Takes the idle time from the session if it is on this gateway: records are updated only from time to time. */
  function otherJson({ key, name, ip, lastActive }: SessionRecord) {
    const live = registry.byKey(key)
    const idleMs = live === undefined ? store.now() - lastActive : performance.now() - live.lastUsed
    return { handle: handleOf(key), client: name, address: ip, idle: Math.max(0, Math.round(idleMs / 1000)) }
  }
}
