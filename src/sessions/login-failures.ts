import { LRUCache } from 'lru-cache'
import { ConnectionError } from '../connection/errors.ts'
import { KomError } from '../protocol/errors.ts'
import { LimitError } from './limit-error.ts'

export interface LoginFailureOptions {
  /** so many failures in a row cost nothing */
  free: number
  /** the longest wait after a failure, milliseconds */
  maxDelayMs: number
  /** milliseconds, from any beginning */
  clock?: () => number
}

/** What is remembered of somebody who tries to log a person in. */
interface Attempts {
  /** in a row */
  failures: number
  /** under way */
  pending: number
  /** no attempt before this moment */
  notBefore: number
}

const FIRST_DELAY_MS = 1000
/** Those who fail, known at a time; the one that was longest away is forgotten first. */
const MAX_KEYS = 10_000
/** So many times the longest delay after the last failure all is forgiven: waiting for that gains no guesses. */
const FORGIVEN_AFTER = 12
const WRONG: ReadonlySet<string> = new Set<KomError['errorName']>(['invalid-password', 'undefined-person'])

/** Lets those who fail to log in wait before they try again, longer each time. */
export class LoginFailures {
  readonly #free: number
  readonly #maxDelayMs: number
  readonly #clock: () => number
  readonly #attempts: LRUCache<string, Attempts>

  constructor({ free, maxDelayMs, clock = () => performance.now() }: LoginFailureOptions) {
    this.#free = free
    this.#maxDelayMs = maxDelayMs
    this.#clock = clock
    this.#attempts = new LRUCache({
      max: MAX_KEYS,
      ttl: maxDelayMs * FORGIVEN_AFTER,
      ttlResolution: 0,
      perf: { now: clock },
    })
  }

  /**
   * Makes an attempt, or rejects at once with a `LimitError`. Rejects as `attempt` does, to which is told how many with
   * the same key are under way, itself included.
   */
  async try(key: string, attempt: (pending: number) => Promise<void>): Promise<void> {
    const attempts = this.#attempts.get(key) ?? { failures: 0, pending: 0, notBefore: 0 }
    this.#refuse(attempts)
    attempts.pending++
    this.#attempts.set(key, attempts)
    try {
      await attempt(attempts.pending)
      attempts.failures = 0
    } catch (error) {
      if (isFailure(error)) this.#failed(attempts)
      throw error
    } finally {
      attempts.pending--
      if (attempts.failures + attempts.pending > 0) this.#attempts.set(key, attempts)
      else this.#attempts.delete(key)
    }
  }

  #refuse({ failures, pending, notBefore }: Attempts): void {
    const waitMs = notBefore - this.#clock()
    if (waitMs > 0) throw tooMany(waitMs)
    // Who sends many guesses at once would otherwise have them all before the first has failed.
    if (pending > 0 && failures + pending >= this.#free) throw tooMany(FIRST_DELAY_MS)
  }

  #failed(attempts: Attempts): void {
    const delays = attempts.failures++ - this.#free + 1
    if (delays >= 0) attempts.notBefore = this.#clock() + Math.min(this.#maxDelayMs, FIRST_DELAY_MS * 2 ** delays)
  }
}

/**
 * Whether an attempt was a guess at a password. So is one of which we do not know how it ended: who closes the session
 * in between may see from elsewhere whether the person was there for a moment.
 */
function isFailure(error: unknown): boolean {
  if (error instanceof KomError) return WRONG.has(error.errorName)
  return error instanceof ConnectionError && error.code !== 'too-many-calls'
}

function tooMany(waitMs: number): LimitError {
  return new LimitError(
    'login-failures',
    'Too many logins of this person have failed; wait before the next one.',
    waitMs,
  )
}
