import type { Socket } from 'node:net'
import { upgradeWebSocket } from '@hono/node-server'
import type { Context } from 'hono'
import type { WSEvents } from 'hono/ws'
import type { WebSocket } from 'ws'
import type { GatewaySession } from '../../sessions/gateway-session.ts'
import { networkOf } from '../../sessions/network.ts'
import type { Forwarding } from '../cluster/forwarding.ts'
import type { Env } from '../env.ts'
import { RequestError } from '../errors/request-error.ts'
import { useSession } from '../middleware/current-session.ts'
import { findSession, type SessionLookup } from '../middleware/find-session.ts'
import type { UnreadBudget } from '../node/unread-budget.ts'
import { type ErrorObservers, reportedError } from '../output/error-response.ts'
import { EventSubscription } from './event-subscription.ts'
import { type FlowReply, WebSocketFlow } from './websocket-flow.ts'
import { MessageRateLimit, type OpenWebsockets, type WebsocketLimitOptions } from './websocket-limits.ts'
import { errorReply, parseMessage } from './websocket-messages.ts'
import { type ProtocolContext, performRequest } from './websocket-protocols.ts'

/** Close codes (RFC 6455, 7.4.1) and the ready state of an open WebSocket. */
const GOING_AWAY = 1001
const POLICY_VIOLATION = 1008
const OPEN = 1

/** Options of `websocket`. */
export interface WebsocketOptions extends SessionLookup {
  limits: WebsocketLimitOptions
  websockets: OpenWebsockets
  /** `*`, or the origins whose pages may open a WebSocket */
  corsOrigins: '*' | readonly string[]
  /** returns the client address of a request; see `clientAddressBehind` */
  clientAddress: (c: Context) => string
  /** bounds the memory of replies that clients do not read */
  unreadBudget: UnreadBudget
  /** the largest message, in bytes */
  maxMessageBytes: number
  observers: ErrorObservers
  /** answers requests for sessions of other nodes */
  forwarding?: Forwarding | undefined
}

/**
 * Creates the handler of httpkom's WebSocket: concurrent requests on one session, each answered when it is done.
 * `{protocol, ref_no, request}` -> `{protocol, ref_no, reply}` or `{ref_no, error}`, and the events of the session.
 */
export function websocket(options: WebsocketOptions): (c: Context<Env>) => Promise<Response> {
  const { websockets, corsOrigins, clientAddress } = options
  return async (c) => {
    const connection = c.env?.incoming?.socket
    // An ordinary request has a Node response, whatever its headers say.
    if (
      connection === undefined ||
      c.env?.outgoing !== undefined ||
      c.req.header('upgrade')?.toLowerCase() !== 'websocket'
    ) {
      throw new RequestError('invalid-request', 'This endpoint accepts WebSocket upgrades only.')
    }
    const origin = c.req.header('origin')
    if (origin !== undefined && corsOrigins !== '*' && !corsOrigins.includes(origin)) {
      throw new RequestError('foreign-origin', 'This origin is not allowed.')
    }
    const elsewhere = await options.forwarding?.respondToUpgrade(c, 'header-query-or-ticket')
    if (elsewhere !== undefined) return elsewhere
    const session = await findSession(c, 'header-query-or-ticket', options)
    if (session === undefined) throw new RequestError('invalid-session', 'There is no such session.')
    useSession(c, session)
    websockets.check(session)
    const requestId = c.get('requestId')
    const network = networkOf(clientAddress(c))
    return await upgradeWebSocket(c, eventsOf(options, session, { requestId, network, connection }))
  }
}

function eventsOf(
  { limits, websockets, unreadBudget: budget, maxMessageBytes, observers }: WebsocketOptions,
  session: GatewaySession,
  { requestId, network, connection }: { requestId: string; network: string; connection: Socket },
): WSEvents {
  const { onLimit } = observers
  const lyskom = session.lyskom.connection
  const rate = new MessageRateLimit(limits)
  const onAnswered = () => session.endRequest()
  let closeSocket: (() => void) | undefined
  let flow: WebSocketFlow | undefined
  let subscription: EventSubscription | undefined
  const subscribe: ProtocolContext['subscribe'] = (log, reader) => {
    subscription?.stop()
    if (flow !== undefined && closeSocket !== undefined) subscription = new EventSubscription(flow, log, reader)
  }
  /** Never rejects. */
  const answer = async (text: string): Promise<FlowReply> => {
    try {
      const { protocol, ref_no, request } = parseMessage(text)
      const { reply, onSent } = await performRequest(protocol, request, { session, subscribe })
      return { text: JSON.stringify({ protocol, ref_no, reply }), onSent }
    } catch (error) {
      return { text: errorReply(text, reportedError(error, requestId, observers)) }
    }
  }
  return {
    onOpen(_, socket) {
      try {
        // Other WebSockets may have opened during the handshake of this one.
        websockets.check(session)
      } catch (error) {
        onLimit('websockets-per-session')
        socket.close(POLICY_VIOLATION, (error as Error).message)
        return
      }
      closeSocket = () => socket.close(GOING_AWAY, 'the session is closed')
      const flowOptions = { connection, maxMessageBytes, budget, network, answer, onAnswered, onLimit }
      flow = new WebSocketFlow(socket.raw as WebSocket, flowOptions)
      websockets.add(session)
      session.beginStream()
      if (lyskom.dead !== undefined) closeSocket()
      else lyskom.once('close', closeSocket)
    },
    onMessage({ data }, socket) {
      // The client sent this message before it learned that the session is closing.
      if (socket.readyState !== OPEN || session.isClosing) return
      const limit = rate.take()
      if (limit === 'flood') {
        socket.close(POLICY_VIOLATION, 'too many messages')
        return
      }
      session.renew()
      const text = typeof data === 'string' ? data : Buffer.from(data as ArrayBuffer).toString()
      if (limit !== undefined) {
        flow?.send(errorReply(text, reportedError(limit, requestId, observers)))
        return
      }
      session.beginRequest()
      flow?.receive(text)
    },
    onClose() {
      flow?.close()
      subscription?.stop()
      if (closeSocket === undefined) return
      lyskom.off('close', closeSocket)
      closeSocket = undefined
      websockets.remove(session)
      session.endStream()
    },
  }
}
