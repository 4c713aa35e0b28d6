import { upgradeWebSocket } from '@hono/node-server'
import { createMiddleware } from 'hono/factory'
import { HTTPException } from 'hono/http-exception'
import type { WSContext, WSEvents } from 'hono/ws'
import { z } from 'zod'
import { performRaw } from '../../lyskom/raw.ts'
import { KomError } from '../../protocol/errors.ts'
import type { OpenedSession, Registry } from '../../sessions/registry.ts'
import type { AppOptions, Env } from '../context.ts'
import { komErrorJson } from '../error-response.ts'
import { connectionId } from '../middleware/connection-id.ts'

const Message = z.object({ protocol: z.string(), ref_no: z.json(), request: z.json() })
type Message = z.output<typeof Message>

/** Answers that a client may leave unread before it is taken for gone, bytes. */
const MAX_UNREAD = 4 * 1024 * 1024
/** Close codes of RFC 6455. */
const GOING_AWAY = 1001
const POLICY_VIOLATION = 1008

/**
 * httpkom's WebSocket: many requests at once on one session, each answered when it is done.
 * `{protocol: "echo" | "a", ref_no, request}` -> `{protocol, ref_no, reply}` or `{ref_no, error}`.
 */
export function websocket({ registry, corsOrigins, onInternalError }: AppOptions) {
  return createMiddleware<Env>(async (c, next) => {
    if (c.req.header('upgrade')?.toLowerCase() !== 'websocket') {
      throw new HTTPException(400, { message: 'This is for WebSockets.' })
    }
    const origin = c.req.header('origin')
    if (origin !== undefined && corsOrigins !== '*' && !corsOrigins.includes(origin)) {
      throw new HTTPException(403, { message: 'Pages of this origin may not connect.' })
    }
    const id = connectionId(c)
    const opened = id === undefined ? undefined : registry.findAnywhere(id)
    if (opened === undefined) throw new HTTPException(403, { message: 'There is no such session.' })
    c.set('opened', opened)
    return upgradeWebSocket(() => converse(registry, opened, onInternalError))(c, next)
  })
}

function converse(registry: Registry, opened: OpenedSession, report: (error: unknown) => void): WSEvents {
  const { connection } = opened.session
  let hangUp: (() => void) | undefined
  return {
    onOpen(_, socket) {
      hangUp = () => socket.close(GOING_AWAY, 'the session is closed')
      opened.streams++
      if (connection.dead !== undefined) hangUp()
      else connection.once('close', hangUp)
    },
    onMessage({ data }, socket) {
      registry.renew(opened)
      const text = typeof data === 'string' ? data : Buffer.from(data as ArrayBuffer).toString()
      void answer(opened, text, report).then((reply) => send(socket, reply))
    },
    onClose() {
      if (hangUp === undefined) return
      connection.off('close', hangUp)
      opened.streams--
      registry.renew(opened)
    },
  }
}

/** The answer to one message. Never rejects. */
async function answer(opened: OpenedSession, text: string, report: (error: unknown) => void): Promise<unknown> {
  const message = parse(text)
  if (typeof message === 'string') return { ref_no: refNo(text), error: message }
  const { protocol, ref_no, request } = message
  try {
    if (protocol === 'echo') return { protocol, ref_no, reply: request }
    if (protocol !== 'a') return { ref_no, error: `Unknown protocol: ${protocol}` }
    if (typeof request !== 'string') return { ref_no, error: '"request" must be a string.' }
    return { protocol, ref_no, reply: await performRaw(opened.session, request) }
  } catch (error) {
    if (error instanceof KomError) return { ref_no, error: error.message, ...komErrorJson(error) }
    if (error instanceof Error && 'code' in error) return { ref_no, error: error.message }
    report(error)
    return { ref_no, error: 'Internal error.' }
  }
}

function parse(text: string): Message | string {
  try {
    const parsed = Message.safeParse(JSON.parse(text))
    if (parsed.success) return parsed.data
    const field = parsed.error.issues[0]?.path[0]
    return field === undefined ? 'The message is no object.' : `"${String(field)}" is missing or wrong.`
  } catch {
    return 'The message is not JSON.'
  }
}

/** Whatever the client called a message that was wrong otherwise, so that it knows which one it was. */
function refNo(text: string): unknown {
  try {
    return (JSON.parse(text) as { ref_no?: unknown } | null)?.ref_no ?? null
  } catch {
    return null
  }
}

function send(socket: WSContext, reply: unknown): void {
  if (((socket.raw as { bufferedAmount?: number } | undefined)?.bufferedAmount ?? 0) > MAX_UNREAD) {
    socket.close(POLICY_VIOLATION, 'answers are left unread')
    return
  }
  socket.send(JSON.stringify(reply))
}
