import { finished } from 'node:stream/promises'
import { setImmediate } from 'node:timers/promises'
import type { Context } from 'hono'
import type { CloseReason, GatewaySession } from '../../sessions/gateway-session.ts'
import type { Env } from '../env.ts'
import { TrackedResponse } from '../node/tracked-response.ts'

/** Makes a session the one of the request. The request counts as in flight on it until the access log reports it. */
export function useSession(c: Context<Env>, session: GatewaySession): void {
  session.beginRequest()
  c.set('session', session)
}

/**
 * Ends the time in which the request counts as in flight on its session. Closing the session does not wait for its
 * response from now on.
 */
export function releaseSession(c: Context<Env>): void {
  c.set('isReleased', true)
  c.get('session').endRequest()
}

/** Closes a session because of a request. Resolves when the response to that request is due. */
export async function closeOnRequest(c: Context<Env>, session: GatewaySession, reason: CloseReason): Promise<void> {
  await session.close(reason, {
    requestId: c.get('requestId'),
    isOwn: c.get('session') === session,
    response: responseWritten(c).catch(() => undefined),
  })
}

/** Closes a new session if the response with its id does not reach the client, which cannot use the session then. */
export function closeUnlessDelivered(c: Context<Env>, session: GatewaySession): void {
  responseWritten(c).catch(() => closeOnRequest(c, session, 'deleted'))
}

/** Resolves when the response is handed to the operating system; rejects when the client disconnects before that. */
async function responseWritten(c: Context<Env>): Promise<void> {
  const { incoming, outgoing } = c.env ?? {}
  // A pipelined response has no socket until the responses before it are sent, and emits no close event until then.
  if (c.req.raw.signal.aborted || incoming?.socket.destroyed) throw new Error('the client has disconnected')
  // Without a Node response there is no event: the application has returned its response in the next tick.
  if (outgoing === undefined) {
    await setImmediate()
    return
  }
  await finished(outgoing).catch((error: unknown) => {
    // Streams end when their clients disconnect, which have received the beginning.
    if (!(outgoing instanceof TrackedResponse && outgoing.hasStreamed)) throw error
  })
  // Node emits `finish` also when the last write failed. Behind pipelined requests, only a write notices a reset.
  if (incoming?.socket.errored) throw new Error('the client has disconnected')
}
