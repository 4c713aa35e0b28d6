import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } from 'cockatiel'
import { ConnectionError, type ConnectionErrorCode } from '../connection/errors.ts'
import { KomError, ProtocolError } from '../protocol/errors.ts'

/** After so many failures in a row a server is left alone for a while. */
const FAILURES = 3

/** Failures that mean that there is no LysKOM server to reach. */
const DOWN: ReadonlySet<ConnectionErrorCode> = new Set(['unreachable', 'connect-timeout', 'not-lyskom'])
/** Failures with which the server answers: it is up, and full or closed to new sessions. */
const REFUSED: ReadonlySet<ConnectionErrorCode> = new Set(['connect-refused', 'server-full'])

/** The server has failed some times in a row, and is not tried now. */
export class ServerDownError extends Error {
  readonly code = 'server-down'

  constructor(
    /** until an attempt may be let through; not over 0 while one is under way */
    readonly retryAfterMs: number,
    cause: Error,
  ) {
    super(`the LysKOM server is down: ${cause.message}`, { cause })
    this.name = 'ServerDownError'
  }
}

/**
 * Stands before the attempts to open sessions on one server, so that nobody waits for a dead one. After some failures
 * in a row attempts are refused; each time a while has passed one is let through, until one succeeds.
 */
export class Breaker {
  readonly #retryMs: number
  readonly #policy
  #up: boolean | null = null
  #failedAt = 0
  #lines = 0

  constructor(retryMs: number) {
    this.#retryMs = retryMs
    this.#policy = circuitBreaker(handleWhen(isDown), {
      // We keep the time ourselves: the policy goes by the clock on the wall, which may be set back.
      halfOpenAfter: Number.NEGATIVE_INFINITY,
      breaker: new ConsecutiveBreaker(FAILURES),
    })
    this.#policy.onBreak(() => {
      this.#failedAt = performance.now()
    })
  }

  /** Whether the last attempt has found the server; null while there was none, or nobody can know. */
  get up(): boolean | null {
    return this.#up
  }

  /** Whether an attempt would be let through. */
  get isLetting(): boolean {
    const { state } = this.#policy
    return state === CircuitState.Closed || (state === CircuitState.Open && this.#waitMs() <= 0)
  }

  /** Makes an attempt, or rejects with a `ServerDownError` at once. Rejects as `attempt` does. */
  async try<T>(attempt: () => Promise<T>): Promise<T> {
    // The policy would have those who come during the one attempt wait for its end.
    if (!this.isLetting) throw new ServerDownError(this.#waitMs(), this.#reason())
    try {
      const outcome = await this.#policy.execute(() => settle(attempt))
      this.#up = true
      if ('refusal' in outcome) throw outcome.refusal
      return outcome.made
    } catch (error) {
      if (isDown(error)) this.#up = false
      throw error
    }
  }

  /** The live sessions on the server. */
  get sessions(): number {
    return this.#lines
  }

  /** A session has come to be. */
  lineOpened(): void {
    this.#lines++
  }

  /** @param lost whether the line died without our doing */
  lineClosed(lost: boolean): void {
    this.#lines--
    // Is the server gone, or has it thrown out one session? While there are others, they will tell.
    if (lost && this.#lines === 0 && this.#up === true) this.#up = null
  }

  #waitMs(): number {
    return this.#failedAt + this.#retryMs - performance.now()
  }

  #reason(): Error {
    const failure = this.#policy.lastFailure
    return failure !== undefined && 'error' in failure ? failure.error : new Error('it does not answer')
  }
}

/** An attempt that the server has answered, whatever its answer, is a success of the circuit. */
async function settle<T>(attempt: () => Promise<T>): Promise<{ made: T } | { refusal: unknown }> {
  try {
    return { made: await attempt() }
  } catch (error) {
    if (isRefusal(error)) return { refusal: error }
    throw error
  }
}

function isRefusal(error: unknown): boolean {
  if (error instanceof ConnectionError) return REFUSED.has(error.code)
  return error instanceof KomError || error instanceof ProtocolError
}

function isDown(error: unknown): boolean {
  return error instanceof ConnectionError && DOWN.has(error.code)
}
