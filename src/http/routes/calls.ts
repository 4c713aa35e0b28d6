import { Hono } from 'hono'
import { mustFitJson } from '../../lyskom/json-size.ts'
import { CALLS, type CallName, type Params } from '../../protocol/calls/index.ts'
import type { AnyCodec } from '../../protocol/codec.ts'
import { jsonMapping, jsonSize } from '../../protocol/json/mapping.ts'
import type { GatewaySession } from '../../sessions/gateway-session.ts'
import { performCall } from '../../sessions/perform-call.ts'
import type { Env } from '../env.ts'
import { RequestError } from '../errors/request-error.ts'
import { badRequest, readJson } from '../input/body.ts'
import type { ConnectionIds } from '../middleware/connection-id.ts'
import { closeOnRequest } from '../middleware/current-session.ts'
import type { SessionMiddleware } from '../middleware/session.ts'
import { json } from '../node/responses.ts'

/** The calls of Protocol A with parameters and replies in JSON; mounted under `/<server id>/calls`. */
export function callRoutes({ requireSession }: SessionMiddleware, ids: ConnectionIds) {
  return new Hono<Env>({ strict: false }).post('/:name', requireSession, async (c) => {
    const name = c.req.param('name')
    if (!isCall(name)) throw new RequestError('not-found', 'There is no such call.')
    if (name === 'accept-async') {
      throw badRequest('accept-async is not available here: asynchronous messages are events, not replies.')
    }
    const call: { params: AnyCodec; reply: AnyCodec } = CALLS[name]
    const params: unknown = jsonMapping(call.params, 'client').fromJson(await readJson(c, {}))
    const session = c.get('session')
    if (name === 'disconnect' && isOwn(session, params as Params<'disconnect'>)) {
      await closeOnRequest(c, session, 'deleted')
      return json({ reply: null }, 200, ids.headers(c))
    }
    const reply = await performCall(session, name, params)
    const mapping = jsonMapping(call.reply, 'server')
    mustFitJson(session.lyskom.connection, jsonSize(mapping, reply))
    return json({ reply: mapping.toJson(reply) })
  })
}

function isCall(name: string): name is CallName {
  return Object.hasOwn(CALLS, name)
}

/** Returns whether a session number is that of the session itself, which Protocol A also calls 0. */
function isOwn({ lyskom }: GatewaySession, { sessionNo }: Params<'disconnect'>): boolean {
  return sessionNo === 0 || sessionNo === lyskom.connection.sessionNo
}
