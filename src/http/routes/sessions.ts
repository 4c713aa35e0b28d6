import { type Context, Hono } from 'hono'
import { z } from 'zod'
import { MAX_SESSION_NO } from '../../lyskom/numbers.ts'
import { KomError } from '../../protocol/errors.ts'
import type { Registry } from '../../sessions/registry.ts'
import type { Env } from '../env.ts'
import { RequestError } from '../errors/request-error.ts'
import { badRequest, confNo, latin1, readBody } from '../input/body.ts'
import { pathNumber } from '../input/parameters.ts'
import { CONNECTION_HEADER, type ConnectionIds } from '../middleware/connection-id.ts'
import { closeOnRequest, closeUnlessDelivered } from '../middleware/current-session.ts'
import { namedErrors } from '../middleware/named-errors.ts'
import { requireLogin, type SessionMiddleware } from '../middleware/session.ts'
import { empty, json, jsonWith } from '../node/responses.ts'
import { idleTimeoutHeader } from '../output/idle-timeout.ts'
import { personJson } from '../output/json.ts'

const Open = z.object({ client: z.object({ name: latin1, version: latin1 }, 'must be an object.') })
const Login = z.object({ pers_no: confNo.nullish(), pers_name: latin1.nullish(), passwd: latin1 })
const WorkingConference = z.object({ conf_no: confNo })

/** Options of `sessionRoutes`. */
export interface SessionRouteOptions {
  registry: Registry
  ids: ConnectionIds
  /** returns the client address of a request; see `clientAddressBehind` */
  clientAddress: (c: Context) => string
  /** the idle timeout of a session in milliseconds */
  sessionIdleMs: number
}

/** Opening, closing and using sessions; mounted under `/<server id>/sessions`. */
export function sessionRoutes(
  { requireSession, requireSessionWithQuery }: SessionMiddleware,
  { registry, ids, clientAddress: addressOf, sessionIdleMs }: SessionRouteOptions,
) {
  const idleTimeout = idleTimeoutHeader(sessionIdleMs)
  const jsonWithIdleTimeout = jsonWith(idleTimeout)

  return new Hono<Env>({ strict: false })
    .post('/', async (c) => {
      if (ids.of(c, 'header-or-query') !== undefined && !ids.isStaleCookie(c)) {
        throw new RequestError('session-exists', `${CONNECTION_HEADER} must be absent when a session is opened.`)
      }
      // The socket is gone after the client disconnects, so read its address first.
      const clientAddress = addressOf(c)
      const { client } = await readBody(c, Open)
      const { serverId, requestId } = c.var
      const { id, session } = await registry.open({ serverId, clientAddress, client, requestId })
      closeUnlessDelivered(c, session)
      const { sessionNo } = session.lyskom.connection
      return json({ session_no: sessionNo, connection_id: id }, 201, { ...idleTimeout, ...ids.headers(c, id) })
    })
    .get('/current/who-am-i', requireSessionWithQuery, async (c) => {
      const { sessionNo, person } = await c.get('session').lyskom.whoAmI()
      return jsonWithIdleTimeout({ person: person && personJson(person), session_no: sessionNo })
    })
    .post('/current/active', requireSession, async (c) => {
      await c.get('session').lyskom.active()
      return empty(204)
    })
    .post(
      '/current/login',
      requireSession,
      namedErrors({
        'invalid-password': 401,
        'undefined-person': 401,
        'login-disallowed': 401,
        'conference-zero': 401,
      }),
      async (c) => {
        const body = await readBody(c, Login)
        const person = await c.get('session').login(personToLogIn(body), body.passwd)
        return json(personJson(person), 201)
      },
    )
    .post('/current/logout', requireSession, requireLogin, async (c) => {
      await c.get('session').logout()
      return empty(204)
    })
    .post('/current/working-conference', requireSession, requireLogin, async (c) => {
      const { conf_no } = await readBody(c, WorkingConference)
      await c.get('session').lyskom.changeConference(conf_no)
      return empty(204)
    })
    .delete('/:no{[0-9]+}', requireSessionWithQuery, namedErrors({ 'undefined-session': 404 }), async (c) => {
      const session = c.get('session')
      const no = pathNumber(c, 'no', Number.MAX_SAFE_INTEGER)
      if (no === 0 || no === session.lyskom.connection.sessionNo) {
        await closeOnRequest(c, session, 'deleted')
        return empty(204, ids.headers(c))
      }
      if (no <= MAX_SESSION_NO) await session.lyskom.disconnect(no)
      else if (session.lyskom.persNo === 0) throw KomError.of('login-first', 0)
      else throw KomError.of('undefined-session', no)
      return empty(204)
    })
}

/**
 * Returns the person number or the name. Clients send an empty name together with a number.
 * @throws RequestError `invalid-request` (400) unless exactly one of them is given
 */
function personToLogIn({ pers_no, pers_name }: z.output<typeof Login>): { persNo: number } | { name: string } {
  const byNumber = pers_no ?? undefined
  const byName = pers_name === '' && byNumber !== undefined ? undefined : (pers_name ?? undefined)
  if (byNumber !== undefined && byName !== undefined) {
    throw badRequest('"pers_no" and "pers_name" are mutually exclusive.')
  }
  if (byNumber !== undefined) return { persNo: byNumber }
  if (byName !== undefined) return { name: byName }
  throw badRequest('Missing "pers_no" or "pers_name".')
}
