import { TICKET_SECONDS, type Tickets } from '../../sessions/tickets.ts'
import { json } from '../node/responses.ts'
import { Ticket } from '../output/schemas/index.ts'
import { type AnyRoute, route } from './route.ts'

/** Tickets, which stand for the connection id in URLs. */
export function ticketRoutes(tickets: Tickets): AnyRoute[] {
  return [
    route({
      method: 'POST',
      path: '/:server/sessions/current/tickets',
      operation: 'createTicket',
      summary: 'Creates a ticket for one URL',
      description:
        'The ticket works once, within `expires_in` seconds, as the query parameter `ticket` of the WebSocket and of ' +
        'the bodies of texts on the same LysKOM server.',
      needs: 'session',
      uses: [],
      responses: { 201: { schema: Ticket } },
      rejects: ['tickets-per-session'],
      example: {},
      handle: (c) => json({ ticket: tickets.create(c.get('session')), expires_in: TICKET_SECONDS }, 201, NO_STORE),
    }),
  ]
}

const NO_STORE = { 'Cache-Control': 'no-store' }
