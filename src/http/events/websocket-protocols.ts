import { z } from 'zod'
import { CALLS, type CallName } from '../../protocol/calls/index.ts'
import type { EventLog } from '../../sessions/event-log.ts'
import { EventReader } from '../../sessions/event-reader.ts'
import { EVENT_TYPES } from '../../sessions/event-types.ts'
import type { GatewaySession } from '../../sessions/gateway-session.ts'
import { performRaw } from '../../sessions/raw-request.ts'
import { badRequest, validated } from '../input/body.ts'
import { TypedCall } from '../input/typed-call.ts'

/** The reply to a request on a WebSocket. */
export interface ProtocolReply {
  reply: unknown
  /** called when the reply is sent */
  onSent?: () => void
}

/** What the protocols use of a WebSocket. */
export interface ProtocolContext {
  session: GatewaySession
  /** Sends the events that a reader reads, instead of those of an earlier one. */
  subscribe: (log: EventLog, reader: EventReader) => void
}

type Protocol = (request: unknown, context: ProtocolContext) => ProtocolReply | Promise<ProtocolReply>

const CallRequest = z.object({
  call: z.custom<CallName>((name) => Object.hasOwn(CALLS, String(name)), 'is not a call of Protocol A.'),
  params: z.unknown().optional(),
})

const EventRequest = z.object({
  since: z.string('must be a position.').optional(),
  types: z.array(z.enum(EVENT_TYPES, 'is not a type of events.'), 'must be a list.').optional(),
})

const PROTOCOLS: Readonly<Record<string, Protocol>> = {
  echo: (request) => ({ reply: request }),

  async a(request, { session }) {
    if (typeof request !== 'string') throw badRequest('"request" must be a string.')
    return { reply: await performRaw(session, request) }
  },

  async calls(request, { session }) {
    const { call: name, params = {} } = validated(CallRequest, request)
    const call = new TypedCall(name)
    const parameters = call.parameters(params)
    if (call.ends(session, parameters)) return { reply: null, onSent: () => void session.close('deleted') }
    return { reply: await call.perform(session, parameters) }
  },

  async events(request, { session, subscribe }) {
    const { since, types } = validated(EventRequest, request)
    const log = await session.events()
    const reader = new EventReader(log, { since, types: types && new Set(types) })
    return { reply: { position: reader.position }, onSent: () => subscribe(log, reader) }
  },
}

/**
 * Carries out a request of a protocol.
 * @throws RequestError `invalid-request` for an unknown protocol or an invalid request, and what the request causes
 */
export async function performRequest(
  protocol: string,
  request: unknown,
  context: ProtocolContext,
): Promise<ProtocolReply> {
  const perform = Object.hasOwn(PROTOCOLS, protocol) ? PROTOCOLS[protocol] : undefined
  if (perform === undefined) throw badRequest(`Unknown protocol: ${protocol}`)
  return await perform(request, context)
}
