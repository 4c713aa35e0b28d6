import { Hono } from 'hono'
import { mustFitJson } from '../../lyskom/json-size.ts'
import { CALLS, type CallName, type Params } from '../../protocol/calls/index.ts'
import type { AnyCodec } from '../../protocol/codec.ts'
import { jsonMapping, jsonSize } from '../../protocol/json/mapping.ts'
import type { GatewaySession } from '../../sessions/gateway-session.ts'
import { performCall } from '../../sessions/perform-call.ts'
import { badRequest, readJson } from '../body.ts'
import type { AppOptions, Env } from '../context.ts'
import { closeOnRequest } from '../current-session.ts'
import { idHeaders } from '../middleware/connection-id.ts'
import { sessionMiddleware } from '../middleware/session.ts'
import { json } from '../node/responses.ts'
import { RequestError } from '../request-error.ts'

/** The calls of Protocol A with parameters and replies in JSON; mounted under `/<server id>/calls`. */
export function callRoutes(options: AppOptions) {
  const { requireSession } = sessionMiddleware(options)

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
      return json({ reply: null }, 200, idHeaders(c, options))
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
