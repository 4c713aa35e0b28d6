import { ConnectionError, type ConnectionErrorCode } from '../connection/errors.ts'
import { KomError, ProtocolError } from '../protocol/errors.ts'
import { KomgateError } from '../protocol/komgate-error.ts'

declare module '../protocol/komgate-error.ts' {
  interface ErrorCodes extends Record<ServerDownError['code'], ServerDownError> {}
}

/** Consecutive failures that open the circuit. */
const MAX_FAILURES = 3

/** Codes of failed attempts after which the LysKOM server counts as down. */
const DOWN: ReadonlySet<ConnectionErrorCode> = new Set(['unreachable', 'connect-timeout', 'not-lyskom'])
/** Codes of refusals by a running server that is full or closed to new sessions. */
const REFUSED: ReadonlySet<ConnectionErrorCode> = new Set(['connect-refused', 'server-full'])

/** The circuit breaker is open: the LysKOM server failed several times in a row, so the attempt was not made. */
export class ServerDownError extends KomgateError {
  readonly code = 'server-down'

  constructor(
    /** milliseconds until the next attempt is allowed; 0 or less while one is being made */
    override readonly retryAfterMs: number,
    private readonly lastFailure: KomgateError,
  ) {
    super(`the LysKOM server is down: ${lastFailure.message}`, { cause: lastFailure })
  }

  override get clientMessage(): string {
    return `the LysKOM server is down: ${this.lastFailure.clientMessage}`
  }
}

/**
 * The circuit breaker of one LysKOM server: rejects attempts to open sessions while the server is down, so that clients
 * do not wait for a timeout. Three consecutive failures open it. After a delay it is half-open: it allows one attempt,
 * whose result closes it or opens it again.
 */
export class CircuitBreaker {
  readonly #retryMs: number
  #state: 'closed' | 'open' | 'half-open' = 'closed'
  #failures = 0
  /** milliseconds of `performance.now()`, which no clock adjustment changes */
  #openedAt = 0
  #lastFailure = new ConnectionError('unreachable', 'no attempt has been made')
  #up: boolean | null = null
  #upSince: Date | null = null
  #sessions = 0

  /** @param retryMs delay before the next attempt while the circuit breaker is open, milliseconds */
  constructor(retryMs: number) {
    this.#retryMs = retryMs
  }

  /**
   * Whether the last attempt reached the server; null before the first attempt, and after the connection of the last
   * session was lost.
   */
  get up(): boolean | null {
    return this.#up
  }

  /** When `up` got its value; null before the first attempt. */
  get upSince(): Date | null {
    return this.#upSince
  }

  /** Whether an attempt would be made now. */
  get allowsAttempt(): boolean {
    return this.#state === 'closed' || (this.#state === 'open' && this.#waitMs() <= 0)
  }

  /** The number of live sessions on the server. */
  get sessions(): number {
    return this.#sessions
  }

  /**
   * Makes an attempt if the circuit breaker allows it.
   * @param attempt opens a session
   * @returns the result of `attempt`
   * @throws ServerDownError if the circuit breaker is open
   * @throws the error of `attempt`
   */
  async try<T>(attempt: () => Promise<T>): Promise<T> {
    if (!this.allowsAttempt) throw new ServerDownError(this.#waitMs(), this.#lastFailure)
    return this.tryAnyway(attempt)
  }

  /**
   * Makes an attempt even if the circuit breaker is open.
   * @returns the result of `attempt`
   * @throws the error of `attempt`
   */
  async tryAnyway<T>(attempt: () => Promise<T>): Promise<T> {
    if (this.#state === 'open') this.#state = 'half-open'
    try {
      const result = await attempt()
      this.#reached()
      return result
    } catch (error) {
      if (isRefusal(error)) this.#reached()
      else if (isDown(error)) this.#failed(error)
      // The error is not the server's, so the next attempt is allowed immediately.
      else if (this.#state === 'half-open') this.#state = 'open'
      throw error
    }
  }

  /** Counts a session that was opened. */
  sessionOpened(): void {
    this.#sessions++
  }

  /**
   * Counts a session whose connection ended.
   * @param lost whether the connection ended without the gateway closing it
   */
  sessionClosed(lost: boolean): void {
    this.#sessions--
    // Without other sessions it is unknown whether the server is down or has ended only this session.
    if (lost && this.#sessions === 0 && this.#up === true) this.#setUp(null)
  }

  #reached(): void {
    this.#state = 'closed'
    this.#failures = 0
    this.#setUp(true)
  }

  #failed(error: ConnectionError): void {
    this.#setUp(false)
    this.#lastFailure = error
    this.#failures++
    if (this.#state === 'closed' && this.#failures < MAX_FAILURES) return
    this.#state = 'open'
    this.#openedAt = performance.now()
  }

  #setUp(up: boolean | null): void {
    if (up !== this.#up) this.#upSince = new Date()
    this.#up = up
  }

  #waitMs(): number {
    return this.#openedAt + this.#retryMs - performance.now()
  }
}

/** Whether the server answered the attempt with a refusal. */
function isRefusal(error: unknown): boolean {
  if (error instanceof ConnectionError) return REFUSED.has(error.code)
  return error instanceof KomError || error instanceof ProtocolError
}

function isDown(error: unknown): error is ConnectionError {
  return error instanceof ConnectionError && DOWN.has(error.code)
}
