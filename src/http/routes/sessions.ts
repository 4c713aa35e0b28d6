import type { Context } from 'hono'
import { z } from 'zod'
import { MAX_SESSION_NO } from '../../lyskom/numbers.ts'
import { KomError } from '../../protocol/errors.ts'
import type { Registry } from '../../sessions/registry.ts'
import type { Forwarding } from '../cluster/forwarding.ts'
import { RequestError } from '../errors/request-error.ts'
import { badRequest, latin1 } from '../input/body.ts'
import { confNo, numberParameter } from '../input/numbers.ts'
import { CONNECTION_HEADER, type ConnectionIds } from '../middleware/connection-id.ts'
import { closeOnRequest, closeUnlessDelivered } from '../middleware/current-session.ts'
import { empty, json } from '../node/responses.ts'
import { idleTimeoutHeader } from '../output/idle-timeout.ts'
import { personJson } from '../output/json.ts'
import { Person, SessionOpened, WhoAmI } from '../output/schemas/index.ts'
import { type AnyRoute, route } from './route.ts'

const Open = z.object({ client: z.object({ name: latin1, version: latin1 }, 'must be an object.') })
const Login = z.object({ pers_no: confNo.nullish(), pers_name: latin1.nullish(), passwd: latin1 }).meta({
  // `personToLogIn` checks that there is one of them.
  anyOf: [
    {
      required: ['pers_no'],
      properties: { pers_no: { type: ['integer', 'string'] }, pers_name: { enum: ['', null] } },
    },
    { required: ['pers_name'], properties: { pers_no: { type: 'null' }, pers_name: { type: 'string' } } },
  ],
})
/** Beyond any session number, so that such a number is unknown and not invalid. */
const MAX_SESSION_PARAMETER = 10 ** 15 - 1

/** Options of `sessionRoutes`. */
export interface SessionRouteOptions {
  registry: Registry
  ids: ConnectionIds
  /** returns the client address of a request; see `clientAddressBehind` */
  clientAddress: (c: Context) => string
  /** finds sessions of other nodes */
  forwarding?: Forwarding | undefined
}

/** Opening, closing and using sessions. */
export function sessionRoutes({
  registry,
  ids,
  clientAddress: addressOf,
  forwarding,
}: SessionRouteOptions): AnyRoute[] {
  return [
    route({
      method: 'POST',
      path: '/:server/sessions',
      operation: 'openSession',
      summary: 'Opens a session',
      needs: 'nothing',
      uses: ['new-session'],
      isBatchable: false,
      body: Open,
      responses: {
        201: { schema: SessionOpened, headers: ['Httpkom-Connection', 'Komgate-Lease', 'Set-Cookie'] },
      },
      rejects: ['session-exists'],
      guards: [
        async (c, next) => {
          const cookies = ids.inCookies(c, 'header-or-query')
          // Browsers send the cookies of ended sessions too.
          const hasSession =
            cookies.length === 0
              ? ids.of(c, 'header-or-query') !== undefined
              : ((await forwarding?.firstLive(c, cookies)) ?? cookies.find((id) => ids.isLive(c, id))) !== undefined
          if (hasSession) {
            throw new RequestError('session-exists', `${CONNECTION_HEADER} must be absent when a session is opened.`)
          }
          // The socket is gone after the client disconnects, so its address is read before the body.
          c.set('clientAddress', addressOf(c))
          return next()
        },
      ],
      example: { body: { client: { name: 'curl', version: '8' } } },
      async handle(c, { body: { client } }) {
        const { serverId, requestId, clientAddress } = c.var
        const { id, session } = await registry.open({ serverId, clientAddress, client, requestId })
        closeUnlessDelivered(c, session)
        const { sessionNo } = session.lyskom.connection
        const headers = { ...idleTimeoutHeader(session.idleMs), ...ids.headers(c, id) }
        return json({ session_no: sessionNo, connection_id: id }, 201, headers)
      },
    }),
    route({
      method: 'GET',
      path: '/:server/sessions/current/who-am-i',
      operation: 'whoAmI',
      summary: 'Returns the logged-in person and the session number',
      needs: 'session',
      idFrom: 'header-or-query',
      responses: { 200: { schema: WhoAmI, headers: ['Komgate-Lease'] } },
      example: {},
      async handle(c) {
        const session = c.get('session')
        const { sessionNo, person } = await session.lyskom.whoAmI()
        const body = { person: person && personJson(person), session_no: sessionNo }
        return json(body, 200, idleTimeoutHeader(session.idleMs))
      },
    }),
    route({
      method: 'POST',
      path: '/:server/sessions/current/active',
      operation: 'reportActivity',
      summary: 'Resets the idle time that other users see',
      needs: 'session',
      responses: { 204: {} },
      example: {},
      async handle(c) {
        await c.get('session').lyskom.active()
        return empty(204)
      },
    }),
    route({
      method: 'POST',
      path: '/:server/sessions/current/login',
      operation: 'login',
      summary: 'Logs in',
      needs: 'session',
      body: Login,
      responses: { 201: { schema: Person, headers: ['Komgate-Lease'] } },
      rejects: ['logins-per-address', 'login-failures', 'sessions-per-person'],
      errors: { 'invalid-password': 401, 'undefined-person': 401, 'login-disallowed': 401, 'conference-zero': 401 },
      example: { body: { pers_name: 'd r', passwd: 'demo' }, session: 'anonymous' },
      async handle(c, { body }) {
        const session = c.get('session')
        const person = await session.login(personToLogIn(body), body.passwd)
        return json(personJson(person), 201, idleTimeoutHeader(session.idleMs))
      },
    }),
    route({
      method: 'POST',
      path: '/:server/sessions/current/logout',
      operation: 'logout',
      summary: 'Logs out',
      needs: 'login',
      responses: { 204: {} },
      example: {},
      async handle(c) {
        await c.get('session').logout()
        return empty(204)
      },
    }),
    route({
      method: 'POST',
      path: '/:server/sessions/current/working-conference',
      operation: 'setWorkingConference',
      summary: 'Sets the conference that other users see',
      needs: 'login',
      body: z.object({ conf_no: confNo }),
      responses: { 204: {} },
      example: { body: { conf_no: 8 } },
      async handle(c, { body: { conf_no } }) {
        await c.get('session').lyskom.changeConference(conf_no)
        return empty(204)
      },
    }),
    route({
      method: 'DELETE',
      path: '/:server/sessions/:session_no{[0-9]+}',
      operation: 'endSession',
      summary: 'Ends a session',
      needs: 'session',
      idFrom: 'header-or-query',
      params: { session_no: numberParameter(MAX_SESSION_PARAMETER).describe('0 for the session of the request') },
      responses: { 204: { headers: ['Set-Cookie'] } },
      errors: { 'login-first': 401, 'undefined-session': 404 },
      example: { params: { session_no: 0 } },
      async handle(c, { params: { session_no } }) {
        const session = c.get('session')
        if (session_no === 0 || session_no === session.lyskom.connection.sessionNo) {
          await closeOnRequest(c, session, 'deleted')
          return empty(204, ids.headers(c))
        }
        if (session_no <= MAX_SESSION_NO) await session.lyskom.disconnect(session_no)
        else if (session.lyskom.persNo === 0) throw KomError.of('login-first', 0)
        else throw KomError.of('undefined-session', session_no)
        return empty(204)
      },
    }),
  ]
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
