import { z } from 'zod'
import { CALLS, type CallName } from '../../protocol/calls/index.ts'
import { callJsonSchemas } from '../../protocol/json/json-schema.ts'
import { jsonName } from '../../protocol/json/mapping.ts'
import type { LimitErrorCode } from '../../sessions/limit-error.ts'
import { TypedCall } from '../input/typed-call.ts'
import type { ConnectionIds } from '../middleware/connection-id.ts'
import { closeOnRequest } from '../middleware/current-session.ts'
import { json } from '../node/responses.ts'
import { type AnyRoute, route } from './route.ts'

/** The limits of calls that check passwords. */
const LIMITED: Readonly<Partial<Record<CallName, readonly LimitErrorCode[]>>> = {
  login: ['logins-per-address', 'login-failures', 'sessions-per-person'],
  'login-old': ['logins-per-address', 'login-failures', 'sessions-per-person'],
  'set-passwd': ['login-failures'],
}

/** Parameters of examples. */
const EXAMPLES: Readonly<Partial<Record<CallName, unknown>>> = {
  'change-what-i-am-doing': { what_am_i_doing: 'reads' },
  'get-marks': {},
  'get-text-stat': { text_no: 46 },
  'get-uconf-stat': { conference: 8 },
  'get-unread-confs': { pers_no: 6 },
  'lookup-z-name': { name: 'demo', want_pers: true, want_confs: false },
  'query-read-texts': { person: 6, conference: 12, want_read_ranges: true, max_ranges: 0 },
}

/** The calls of Protocol A with parameters and replies in JSON. */
export function callRoutes(ids: ConnectionIds): AnyRoute[] {
  return (Object.keys(CALLS) as CallName[]).map((name) => callRoute(name, ids))
}

function callRoute(name: CallName, ids: ConnectionIds): AnyRoute {
  const { number, status }: (typeof CALLS)[CallName] = CALLS[name]
  const schemas = callJsonSchemas(name)
  const call = new TypedCall(name)
  return route({
    method: 'POST',
    path: `/:server/calls/${name}`,
    operation: `call_${jsonName(name)}`.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
    summary: `Makes call ${number} of Protocol A, ${name}`,
    deprecated: status === 'obsolete',
    needs: 'session',
    // The mapping reports an invalid field with an error of its own.
    body: z
      .unknown()
      .transform((parameters) => call.parameters(parameters))
      .meta(schemas.params),
    bodyIsOptional: true,
    responses: {
      200: {
        schema: z.strictObject({ reply: z.unknown().meta(schemas.reply) }),
        ...(name === 'disconnect' && { headers: ['Set-Cookie'] }),
      },
    },
    errors: { 'login-first': 401 },
    rejects: LIMITED[name] ?? [],
    ...(name in EXAMPLES && { example: { body: EXAMPLES[name] } }),
    async handle(c, { body: parameters }) {
      const session = c.get('session')
      if (call.ends(session, parameters)) {
        await closeOnRequest(c, session, 'deleted')
        return json({ reply: null }, 200, ids.headers(c))
      }
      return json({ reply: await call.perform(session, parameters) })
    },
  })
}
