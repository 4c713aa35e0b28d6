/** Longest wait for the requests in flight, and then for the response of the closing request, milliseconds. */
const GRACE_MS = 2000

/** The request that closes a session. */
export interface ClosingRequest {
  requestId: string
  /** whether it is one of the requests in flight on that session */
  isOwn: boolean
  /** Resolves when its response was written or can no longer be written. */
  response: Promise<unknown>
}

/** What `Closing` does with a session. */
interface ClosingSteps {
  /** Returns whether no request is in flight, not counting the closing request. */
  isDrained: () => boolean
  /** Closes the connection to the LysKOM server. */
  disconnect: () => Promise<void>
  /** Ends the session. */
  end: () => Promise<void>
}

/** Closes one session that requests may be using. */
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
   * Waits at most 2 s for the requests in flight, then ends the session. With a closing request, the promise resolves
   * when the response to that request can be written, and the session ends after the response was written: requests
   * that are still in flight fail only then.
   */
  async run({ isDrained, disconnect, end }: ClosingSteps, request?: ClosingRequest): Promise<void> {
    const drained = (done: () => void): void => {
      this.#onRequestEnd = () => isDrained() && done()
    }
    const isIdle = isDrained() || (await inGrace(drained))
    const finish = (): Promise<void> => {
      const ended = end()
      this.#resolveEnded()
      return ended
    }
    if (request === undefined) return finish()
    // No call is left that could fail, so the LysKOM session ends before the response confirms it.
    if (isIdle) await disconnect()
    void inGrace((done) => void request.response.then(done)).then(finish)
  }

  /** Reports that a request in flight has its response. */
  requestEnded(): void {
    this.#onRequestEnd?.()
  }
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
