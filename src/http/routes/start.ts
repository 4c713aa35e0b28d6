import { z } from 'zod'
import { getStart, START_PARTS, type StartOptions, type Start as StartState } from '../../lyskom/start.ts'
import { formatPosition } from '../../sessions/event-log.ts'
import type { GatewaySession } from '../../sessions/gateway-session.ts'
import { RequestError } from '../errors/request-error.ts'
import { wholeNumber } from '../input/numbers.ts'
import { json } from '../node/responses.ts'
import { Start } from '../output/schemas/index.ts'
import { startJson } from '../output/start.ts'
import { type AnyRoute, route } from './route.ts'

const MAX_TEXTS = 100
const DEFAULT_TEXTS = 20
const DEFAULT_PARTS = START_PARTS.filter((part) => part !== 'sessions')

const StartBody = z.object({
  include: z
    .array(z.enum(START_PARTS, `must be one of ${START_PARTS.join(', ')}.`), 'must be a list.')
    .default(DEFAULT_PARTS)
    .describe('The parts to return, besides `position`, `session`, `person` and `texts`.'),
  texts: wholeNumber(MAX_TEXTS).default(DEFAULT_TEXTS).describe('The largest number of texts.'),
  order: z
    .literal('priority', 'must be priority.')
    .default('priority')
    .describe('The reading order of conferences: by descending priority, and then by position.'),
})

/** Everything that a client shows first. */
export function startRoute(): AnyRoute {
  return route({
    method: 'POST',
    path: '/:server/sessions/current/start',
    operation: 'start',
    tag: 'events',
    summary: 'Returns everything that a client shows first',
    description:
      'The memberships, unread texts and marks of the person, and the position in the event log from which a stream of ' +
      'events keeps them current.',
    needs: 'login',
    body: StartBody,
    bodyIsOptional: true,
    responses: { 200: { schema: Start } },
    example: { body: { include: ['unread', 'marks'], texts: 1 } },
    async handle(c, { body: { include, texts } }) {
      const { state, position } = await start(c.get('session'), { include: new Set(include), texts })
      return json(startJson(state, position))
    },
  })
}

/** Begins the event log and reads the state in the same burst of calls. Starts again if the person changes meanwhile. */
async function start(session: GatewaySession, options: StartOptions): Promise<{ state: StartState; position: string }> {
  const { lyskom } = session
  for (;;) {
    // The person may have logged out meanwhile.
    if (lyskom.persNo === 0) throw new RequestError('not-logged-in', 'Not logged in.')
    const { personChanges } = lyskom
    const { log, accepted } = session.beginEvents()
    // Events after this position may be part of the state as well, but none is missing.
    const position = formatPosition(log.position)
    try {
      const [state] = await Promise.all([getStart(lyskom, options), accepted])
      if (lyskom.personChanges === personChanges) return { state, position }
    } catch (error) {
      if (lyskom.personChanges === personChanges) throw error
    }
  }
}
