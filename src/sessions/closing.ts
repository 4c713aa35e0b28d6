/** Timeout for the requests in flight, and then for the response to the closing request, milliseconds. */
const GRACE_MS = 2000

/** The request that closes a session. */
export interface ClosingRequest {
  /** id of the HTTP request, for the log */
  requestId: string
  /** whether it is one of the requests in flight on that session */
  isOwn: boolean
  /** resolves when its response was written or can no longer be written */
  response: Promise<unknown>
}

/** The operations on the session that `Closing` uses. */
interface ClosingSteps {
  /** Returns whether no request is in flight, not counting the closing request. */
  isDrained: () => boolean
  /** Closes the connection to the LysKOM server. */
  disconnect: () => Promise<void>
  /** Ends the session. */
  end: () => Promise<void>
}

/** Closes one session gracefully: requests in flight may finish first. */
export class Closing {
  /** Resolves when the session has ended. */
  readonly ended: Promise<void>
  #resolveEnded: () => void = () => undefined
  #onRequestEnd: (() => void) | undefined

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve
    })
  }

  /**
   * Waits at most 2 s for the requests in flight, then ends the session.
   * @param steps operations on the session
   * @param request the closing request, if a client closes the session. The promise then resolves when the response to
   *   this request can be written. The session ends after the response was written, at most 2 s later, and requests
   *   still in flight fail only then.
   */
  async run({ isDrained, disconnect, end }: ClosingSteps, request?: ClosingRequest): Promise<void> {
    const drained = (done: () => void): void => {
      this.#onRequestEnd = () => isDrained() && done()
    }
    const isIdle = isDrained() || (await withinGrace(drained))
    const finish = (): Promise<void> => {
      const ended = end()
      this.#resolveEnded()
      return ended
    }
    if (request === undefined) return finish()
    // No call is in flight that could fail, so disconnect before the response confirms the end of the session.
    if (isIdle) await disconnect()
    void withinGrace((done) => void request.response.then(done)).then(finish)
  }

  /** Reports the end of a request in flight. */
  requestEnded(): void {
    this.#onRequestEnd?.()
  }
}

/** Resolves with true when `done` is called, or with false after `GRACE_MS`. */
function withinGrace(start: (done: () => void) => void): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, GRACE_MS, false).unref()
    start(() => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}
