import type { Socket } from 'node:net'
import { upgradeWebSocket } from '@hono/node-server'
import type { Context } from 'hono'
import type { WSEvents } from 'hono/ws'
import type { WebSocket } from 'ws'
import { z } from 'zod'
import type { GatewaySession } from '../../sessions/gateway-session.ts'
import { networkOf } from '../../sessions/network.ts'
import { performRaw } from '../../sessions/raw-request.ts'
import type { Env } from '../env.ts'
import type { PublicError } from '../errors/public-error.ts'
import { RequestError } from '../errors/request-error.ts'
import { badRequest } from '../input/body.ts'
import { InvalidJsonError, parseJson } from '../input/parse-json.ts'
import { useSession } from '../middleware/current-session.ts'
import { findSession, type SessionLookup } from '../middleware/find-session.ts'
import type { UnreadBudget } from '../node/unread-budget.ts'
import { type ErrorObservers, reportedError } from '../output/error-response.ts'
import { WebSocketFlow } from './websocket-flow.ts'
import { MessageRateLimit, type OpenWebsockets, type WebsocketLimitOptions } from './websocket-limits.ts'

/** Any JSON value. */
const anything = z.unknown().refine((value) => value !== undefined)
const Message = z.object({ protocol: z.string(), ref_no: anything, request: anything })
type Message = z.output<typeof Message>

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
}

/**
 * Creates the handler of httpkom's WebSocket: concurrent requests on one session, each answered when it is done.
 * `{protocol: "echo" | "a", ref_no, request}` -> `{protocol, ref_no, reply}` or `{ref_no, error}`.
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
  const reply = async (text: string) => JSON.stringify(await answer(session, text, observers, requestId))
  const onAnswered = () => session.endRequest()
  let closeSocket: (() => void) | undefined
  let flow: WebSocketFlow | undefined
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
      const flowOptions = { connection, maxMessageBytes, budget, network, answer: reply, onAnswered, onLimit }
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
        flow?.send(JSON.stringify({ ref_no: refNo(text), ...errorJson(reportedError(limit, requestId, observers)) }))
        return
      }
      session.beginRequest()
      flow?.receive(text)
    },
    onClose() {
      flow?.close()
      if (closeSocket === undefined) return
      lyskom.off('close', closeSocket)
      websockets.remove(session)
      session.endStream()
    },
  }
}

/** Returns the reply to one message. Never rejects. */
async function answer(
  session: GatewaySession,
  text: string,
  observers: ErrorObservers,
  requestId: string,
): Promise<unknown> {
  try {
    const { protocol, ref_no, request } = parse(text)
    if (protocol === 'echo') return { protocol, ref_no, reply: request }
    if (protocol !== 'a') throw badRequest(`Unknown protocol: ${protocol}`)
    if (typeof request !== 'string') throw badRequest('"request" must be a string.')
    return { protocol, ref_no, reply: await performRaw(session, request) }
  } catch (error) {
    return { ref_no: refNo(text), ...errorJson(reportedError(error, requestId, observers)) }
  }
}

/** The format of errors on a WebSocket. An error of the gateway without a limit has `error` alone, as in httpkom. */
function errorJson({ message, fields, limit, retryAfter }: PublicError) {
  if (fields.error_type === 'httpkom' && limit === undefined) return { error: message }
  return { error: message, ...fields, ...(retryAfter !== undefined && { retry_after: retryAfter }) }
}

function parse(text: string): Message {
  let value: unknown
  try {
    value = parseJson(text)
  } catch (error) {
    throw badRequest(error instanceof InvalidJsonError ? error.sentence('The message') : 'The message is not JSON.')
  }
  const parsed = Message.safeParse(value)
  if (parsed.success) return parsed.data
  const field = parsed.error.issues[0]?.path[0]
  throw badRequest(field === undefined ? 'The message is not an object.' : `"${String(field)}" is missing or invalid.`)
}

/** Returns the reference number of an otherwise invalid message, so that the client can match the error to it. */
function refNo(text: string): unknown {
  try {
    return refNoOf(parseJson(text))
  } catch (error) {
    const ref_no = error instanceof InvalidJsonError ? refNoOf(error.value) : null
    return typeof ref_no === 'string' || typeof ref_no === 'number' ? ref_no : null
  }
}

function refNoOf(message: unknown): unknown {
  return (message as { ref_no?: unknown } | null | undefined)?.ref_no ?? null
}
