import { z } from 'zod'
import { sendMessage } from '../../lyskom/messages.ts'
import { getOnlineSessions } from '../../lyskom/online.ts'
import { MAX_INT32 } from '../../protocol/codec.ts'
import { confNo, numberParameter } from '../input/numbers.ts'
import { empty, json } from '../node/responses.ts'
import { onlineSessionJson } from '../output/reading.ts'
import { OnlineSession } from '../output/schemas/index.ts'
import { type AnyRoute, route } from './route.ts'

const Message = z.object({
  recipient: confNo.describe('A conference or person. 0 means everyone.'),
  message: z.string('must be a string.'),
})

/** The persons who are logged in on the LysKOM server, and messages to them. */
export function onlineRoutes(): AnyRoute[] {
  return [
    route({
      method: 'GET',
      path: '/:server/sessions',
      operation: 'listOnlineSessions',
      summary: 'Lists the sessions of persons on the LysKOM server',
      needs: 'session',
      idFrom: 'header-or-query',
      query: {
        active_within: numberParameter(MAX_INT32)
          .default(0)
          .describe('leaves out sessions that were idle for more seconds; 0 for none'),
      },
      responses: { 200: { schema: z.strictObject({ sessions: z.array(OnlineSession) }) } },
      example: {},
      async handle(c, { query: { active_within } }) {
        const sessions = await getOnlineSessions(c.get('session').lyskom, active_within)
        return json({ sessions: sessions.map(onlineSessionJson) })
      },
    }),
    route({
      method: 'POST',
      path: '/:server/messages',
      operation: 'sendMessage',
      summary: 'Sends a message to the sessions of persons',
      needs: 'login',
      body: Message,
      responses: { 204: {} },
      async handle(c, { body: { recipient, message } }) {
        await sendMessage(c.get('session').lyskom, recipient, message)
        return empty(204)
      },
    }),
  ]
}
