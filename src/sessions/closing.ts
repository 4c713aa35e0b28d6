/** How long closing waits for requests in flight, and then for the closing request's response, milliseconds. */
const GRACE_MS = 2000

/** A session that can be closed while requests use it. */
interface Closable {
  /** requests in flight */
  requests: number
  closing: Closing | undefined
  readonly session: { close(): Promise<void> }
}

/** The request on which a session is closed. */
export interface ClosingRequest {
  requestId: string
  /** whether it is one of the session's own requests in flight */
  isOwn: boolean
  /** Resolves when its response is written, or can no longer be written. */
  response: Promise<unknown>
}

/** The state of a session that closes. */
export class Closing {
  /** Resolves when the session has ended. */
  readonly ended: Promise<void>
  resolveEnded: () => void = () => undefined
  /** Called when a request in flight has its response. */
  onRequestEnd: (() => void) | undefined

  constructor() {
    this.ended = new Promise((resolve) => {
      this.resolveEnded = resolve
    })
  }
}

/**
 * Closes a session: waits for the requests in flight, 2 s at most, and ends it. Closing on a request resolves when its
 * response is due, and ends the session after that is written: requests that are left fail only then.
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
  // No call is left that would fail: the LysKOM session ends before the response confirms it.
  if (isDrained) await opened.session.close()
  void inGrace((done) => void request.response.then(done)).then(finish)
}

/** Counts a request in flight as answered. */
export function endRequest(opened: Closable): void {
  opened.requests--
  opened.closing?.onRequestEnd?.()
}

/** Resolves with true when `done` is called, with false when the grace period is over. */
function inGrace(start: (done: () => void) => void): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, GRACE_MS, false).unref()
    start(() => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}
