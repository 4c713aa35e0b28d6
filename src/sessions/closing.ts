/** Longest wait for the requests in flight, and then for the response of the closing request, milliseconds. */
const GRACE_MS = 2000

/** A session that can be closed while requests use it. */
interface Closable {
  /** number of requests in flight */
  requests: number
  closing: Closing | undefined
  readonly session: { close(): Promise<void> }
}

/** The request that closes a session. */
export interface ClosingRequest {
  requestId: string
  /** whether it is one of the requests in flight on that session */
  isOwn: boolean
  /** Resolves when its response was written or can no longer be written. */
  response: Promise<unknown>
}

/** The state of a session that is closing. */
export class Closing {
  /** Resolves when the session has ended. */
  readonly ended: Promise<void>
  resolveEnded: () => void = () => undefined
  /** Called when a request in flight gets its response. */
  onRequestEnd: (() => void) | undefined

  constructor() {
    this.ended = new Promise((resolve) => {
      this.resolveEnded = resolve
    })
  }
}

/**
 * Closes a session: waits at most 2 s for the requests in flight, then ends it. With a closing request, the promise
 * resolves when the response to that request can be written, and the session ends after the response was written:
 * requests that are still in flight fail only then.
 * @param end ends the session
 */
export async function closeGracefully(
  opened: Closable,
  request: ClosingRequest | undefined,
  end: () => Promise<void>,
): Promise<void> {
  const closing = new Closing()
  opened.closing = closing
  const left = request?.isOwn ? 1 : 0
  const isIdle = (): boolean => opened.requests <= left
  const drained = (done: () => void): void => {
    closing.onRequestEnd = () => isIdle() && done()
  }
  const isDrained = isIdle() || (await inGrace(drained))
  const finish = (): Promise<void> => {
    const ended = end()
    closing.resolveEnded()
    return ended
  }
  if (request === undefined) return finish()
  // No call is left that could fail, so the LysKOM session ends before the response confirms it.
  if (isDrained) await opened.session.close()
  void inGrace((done) => void request.response.then(done)).then(finish)
}

/** Marks a request in flight as answered. */
export function endRequest(opened: Closable): void {
  opened.requests--
  opened.closing?.onRequestEnd?.()
}

/** Resolves with true when `done` is called, with false after the grace period. */
function inGrace(start: (done: () => void) => void): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, GRACE_MS, false).unref()
    start(() => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}
