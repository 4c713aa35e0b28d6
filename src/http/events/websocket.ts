import { upgradeWebSocket } from '@hono/node-server'
import { createMiddleware } from 'hono/factory'
import { HTTPException } from 'hono/http-exception'
import type { WSEvents } from 'hono/ws'
import type { WebSocket } from 'ws'
import { z } from 'zod'
import { KomError } from '../../protocol/errors.ts'
import type { GatewaySession } from '../../sessions/gateway-session.ts'
import { networkOf } from '../../sessions/network.ts'
import { performRaw } from '../../sessions/raw-request.ts'
import type { AppOptions, Env } from '../context.ts'
import { refuseId, useSession } from '../current-session.ts'
import { komErrorJson, limitOf, toldOf } from '../error-response.ts'
import { connectionId } from '../middleware/connection-id.ts'
import { parseJson, UnfitJsonError } from '../parse-json.ts'
import { WebSocketFlow } from './websocket-flow.ts'
import { MessagePace, OpenWebsockets } from './websocket-limits.ts'

/** Any JSON value. */
const anything = z.unknown().refine((value) => value !== undefined)
const Message = z.object({ protocol: z.string(), ref_no: anything, request: anything })
type Message = z.output<typeof Message>

/** Close codes (RFC 6455, 7.4.1) and the ready state of an open WebSocket. */
const GOING_AWAY = 1001
const POLICY_VIOLATION = 1008
const OPEN = 1

/**
 * Creates the handler of httpkom's WebSocket: concurrent requests on one session, each answered when it is done.
 * `{protocol: "echo" | "a", ref_no, request}` -> `{protocol, ref_no, reply}` or `{ref_no, error}`.
 */
export function websocket(options: AppOptions) {
  const { registry, corsOrigins } = options
  const websockets = new OpenWebsockets(options)
  return createMiddleware<Env>(async (c, next) => {
    // An ordinary request has a Node response, whatever its headers say.
    if (c.env?.outgoing !== undefined || c.req.header('upgrade')?.toLowerCase() !== 'websocket') {
      throw new HTTPException(400, { message: 'This is for WebSockets.' })
    }
    const origin = c.req.header('origin')
    if (origin !== undefined && corsOrigins !== '*' && !corsOrigins.includes(origin)) {
      throw new HTTPException(403, { message: 'Pages of this origin may not connect.' })
    }
    const id = connectionId(c, options, 'header-or-query')
    if (id === undefined) throw new HTTPException(403, { message: 'There is no such session.' })
    const session = registry.findAnywhere(id)
    if (session === undefined) return refuseId(registry, id)
    useSession(c, session)
    websockets.check(session)
    const requestId = c.get('requestId')
    const named = { ...options, onInternalError: (error: unknown) => options.onInternalError(error, requestId) }
    return upgradeWebSocket(() => eventsOf(named, session, websockets, networkOf(options.clientAddress(c))))(c, next)
  })
}

function eventsOf(options: AppOptions, session: GatewaySession, websockets: OpenWebsockets, network: string): WSEvents {
  const { unreadBudget: budget, onLimit } = options
  const { connection } = session.lyskom
  const pace = new MessagePace(options)
  const reply = async (text: string) => JSON.stringify(await answer(session, text, options))
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
      flow = new WebSocketFlow(socket.raw as WebSocket, { budget, network, answer: reply, onAnswered, onLimit })
      websockets.add(session)
      session.beginStream()
      if (connection.dead !== undefined) closeSocket()
      else connection.once('close', closeSocket)
    },
    onMessage({ data }, socket) {
      // The client sent this message before it learned that the session is closing.
      if (socket.readyState !== OPEN || session.isClosing) return
      const limit = pace.take()
      if (limit === 'flood') {
        socket.close(POLICY_VIOLATION, 'too many messages')
        return
      }
      session.renew()
      const text = typeof data === 'string' ? data : Buffer.from(data as ArrayBuffer).toString()
      if (limit !== undefined) {
        flow?.send(JSON.stringify({ ref_no: refNo(text), ...errorJson(limit, options) }))
        return
      }
      session.beginRequest()
      flow?.receive(text)
    },
    onClose() {
      flow?.close()
      if (closeSocket === undefined) return
      connection.off('close', closeSocket)
      websockets.remove(session)
      session.endStream()
    },
  }
}

/** Returns the reply to one message. Never rejects. */
async function answer(session: GatewaySession, text: string, options: AppOptions): Promise<unknown> {
  const message = parse(text)
  if (typeof message === 'string') return { ref_no: refNo(text), error: message }
  const { protocol, ref_no, request } = message
  try {
    if (protocol === 'echo') return { protocol, ref_no, reply: request }
    if (protocol !== 'a') return { ref_no, error: `Unknown protocol: ${protocol}` }
    if (typeof request !== 'string') return { ref_no, error: '"request" must be a string.' }
    return { protocol, ref_no, reply: await performRaw(session, request) }
  } catch (error) {
    return { ref_no, ...errorJson(error, options) }
  }
}

function errorJson(error: unknown, { onLimit, onInternalError }: AppOptions) {
  if (error instanceof KomError) return { error: error.message, ...komErrorJson(error) }
  const limit = limitOf(error)
  const { status, message, headers } = toldOf(error as Error)
  if (limit !== undefined) {
    onLimit(limit)
    const retryAfter = headers?.['Retry-After']
    const wait = retryAfter !== undefined && { retry_after: Number(retryAfter) }
    return { error: message, error_type: 'httpkom', error_msg: message, limit, ...wait }
  }
  if (status === 500) onInternalError(error)
  return { error: message }
}

function parse(text: string): Message | string {
  try {
    const parsed = Message.safeParse(parseJson(text))
    if (parsed.success) return parsed.data
    const field = parsed.error.issues[0]?.path[0]
    return field === undefined ? 'The message is no object.' : `"${String(field)}" is missing or wrong.`
  } catch (error) {
    return error instanceof UnfitJsonError ? error.sentence('The message') : 'The message is not JSON.'
  }
}

/** Returns the reference number of an otherwise invalid message, so that the client can match the error to it. */
function refNo(text: string): unknown {
  try {
    return refNoOf(parseJson(text))
  } catch (error) {
    const ref_no = error instanceof UnfitJsonError ? refNoOf(error.value) : null
    return typeof ref_no === 'string' || typeof ref_no === 'number' ? ref_no : null
  }
}

function refNoOf(message: unknown): unknown {
  return (message as { ref_no?: unknown } | null | undefined)?.ref_no ?? null
}
