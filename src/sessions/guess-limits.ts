import { LimitError, type LimitName } from './limit-error.ts'
import { type Attempt, DistributedFailures, Failures, type Outcome } from './login-failures.ts'
import { lru } from './lru.ts'
import { networksOf } from './network.ts'

export interface GuessLimitOptions {
  /** the limit that a delayed attempt hits, and the message of its error */
  limit: LimitName
  message: string
  /** failures from one network without a delay */
  free: number
  /** failures from all networks that have not succeeded before, without a delay */
  freeInAll: number
  /** longest delay, milliseconds */
  maxDelayMs: number
  /** milliseconds since any moment */
  clock?: () => number
}

/** A wider network has so many times the free failures of a single one: the /56 or /24, then the /48. */
const WIDER = [4, 8]
/** Subjects whose networks are remembered, and networks remembered of each. */
const MAX_SUBJECTS = 10_000
const MAX_NETWORKS = 8

/**
 * Slows the guessing of passwords and keys. Failures are counted for a subject, such as a person, in each of the
 * networks of a client address and in all networks together. A network in which an attempt has succeeded before is
 * counted on its own: failures elsewhere do not delay it, so guessing cannot lock the owner of the password out.
 */
export class GuessLimits {
  readonly #own: Failures
  readonly #wider: readonly Failures[]
  readonly #all: DistributedFailures
  /** Networks in which an attempt has succeeded, by subject, the latest last. */
  readonly #known = lru<readonly string[]>({ max: MAX_SUBJECTS })

  constructor({ limit, message, free, freeInAll, maxDelayMs, clock = () => performance.now() }: GuessLimitOptions) {
    const tooMany = (waitMs: number) => new LimitError(limit, message, waitMs)
    const shared = { maxDelayMs, clock, tooMany, clearsOnSuccess: false }
    this.#own = new Failures({ ...shared, free, clearsOnSuccess: true })
    this.#wider = WIDER.map((factor) => new Failures({ ...shared, free: free * factor }))
    this.#all = new DistributedFailures({ ...shared, free: freeInAll })
  }

  /**
   * Begins an attempt. `pending` of the result counts the attempts of the same network on the same subject.
   * @throws LimitError while the client has to wait
   */
  begin(subject: string, address: string): Attempt {
    const [own, ...wider] = networksOf(address)
    const attempts: Attempt[] = []
    const end = (outcome: Outcome): void => {
      for (const attempt of attempts) attempt.end(outcome)
    }
    try {
      const first = this.#own.begin(`${own} ${subject}`)
      attempts.push(first)
      if (!this.#isKnown(subject, own)) {
        for (const [i, network] of wider.entries()) {
          const failures = this.#wider[i]
          if (failures !== undefined) attempts.push(failures.begin(`${network} ${subject}`))
        }
        attempts.push(this.#all.begin(subject, wider.at(-1) ?? own))
      }
      return {
        pending: first.pending,
        end: (outcome) => {
          end(outcome)
          if (outcome === 'succeeded') this.#remember(subject, own)
        },
      }
    } catch (error) {
      end('unknown')
      throw error
    }
  }

  /**
   * Counts an attempt whose outcome is known already, for secrets that are too long to be guessed from a network whose
   * programs use them: there a good attempt never waits, since otherwise wrong ones could keep these programs out.
   * @throws LimitError while the client has to wait, elsewhere also if the attempt is a good one
   */
  check(subject: string, address: string, isGood: boolean): void {
    const [own] = networksOf(address)
    if (isGood && this.#isKnown(subject, own)) return
    this.begin(subject, address).end(isGood ? 'succeeded' : 'failed')
  }

  #isKnown(subject: string, network: string): boolean {
    return this.#known.get(subject)?.includes(network) ?? false
  }

  #remember(subject: string, network: string): void {
    const before = this.#known.get(subject) ?? []
    if (before.at(-1) === network) return
    this.#known.set(subject, [...before.filter((other) => other !== network), network].slice(-MAX_NETWORKS))
  }
}
