import { EventEmitter } from 'node:events'
import { LimitError, type LimitErrorCode } from './limit-error.ts'
import { type Attempt, DistributedFailures, Failures, type Outcome } from './login-failures.ts'
import { lru } from './lru.ts'
import { networksOf } from './network.ts'

/** Options of `GuessLimits`. */
export interface GuessLimitOptions {
  /** code of the `LimitError` for a delayed attempt */
  limit: LimitErrorCode
  /** message of that `LimitError` */
  message: string
  /** failures from one network before attempts are delayed */
  free: number
  /** failures from all networks without an earlier success, before attempts are delayed */
  freeInAll: number
  /** longest delay, milliseconds */
  maxDelayMs: number
  /** the current time, milliseconds since an arbitrary origin; default: the monotonic clock */
  clock?: () => number
}

/** Multiples of `free` that apply to the wider networks of an address: the /56 or IPv4 /24, then the /48. */
const WIDER = [4, 8]
/** Maximum number of subjects whose known networks are stored. */
const MAX_SUBJECTS = 10_000
/** Maximum number of known networks stored for a subject. */
const MAX_NETWORKS = 8
/** How long an attempt waits for pending attempts, milliseconds. The attempt that it waits for may take longer. */
const MAX_WAIT_MS = 10_000

/** An attempt whose outcome is known. */
export interface EndedAttempt {
  readonly subject: string
  readonly address: string
  readonly outcome: 'failed' | 'succeeded'
}

interface GuessEvents {
  /** an attempt has ended in this process */
  ended: [EndedAttempt]
}

/**
 * Slows down guessing of passwords and keys. Failures are counted per subject, such as a person, in each network of the
 * client address and in all networks together. A network with an earlier success is counted separately: failures
 * elsewhere do not delay it, so guessing cannot lock out the owner of the password.
 */
export class GuessLimits extends EventEmitter<GuessEvents> {
  readonly #clock: () => number
  readonly #narrowest: Failures
  readonly #wider: readonly Failures[]
  readonly #distributed: DistributedFailures
  /** Networks with a successful attempt, by subject, most recent last. */
  readonly #known = lru<readonly string[]>({ max: MAX_SUBJECTS })

  constructor({ limit, message, free, freeInAll, maxDelayMs, clock = () => performance.now() }: GuessLimitOptions) {
    super()
    this.#clock = clock
    const tooMany = (waitMs: number) => new LimitError(limit, message, waitMs)
    const shared = { maxDelayMs, clock, tooMany, clearsOnSuccess: false }
    this.#narrowest = new Failures({ ...shared, free, clearsOnSuccess: true })
    this.#wider = WIDER.map((factor) => new Failures({ ...shared, free: free * factor }))
    this.#distributed = new DistributedFailures({ ...shared, free: freeInAll })
  }

  /**
   * Begins an attempt.
   * @param subject what the guess is about, for example a person on a server
   * @param address IP address of the client
   * @returns the attempt; its `pending` counts the unfinished attempts from the same network on the same subject
   * @throws LimitError while the client has to wait
   */
  begin(subject: string, address: string): Attempt {
    const [narrowest, ...wider] = networksOf(address)
    const attempts: Attempt[] = []
    const end = (outcome: Outcome): void => {
      for (const attempt of attempts) attempt.end(outcome)
    }
    try {
      const first = this.#narrowest.begin(`${narrowest} ${subject}`)
      attempts.push(first)
      if (!this.#isKnown(subject, narrowest)) {
        for (const [i, network] of wider.entries()) {
          const failures = this.#wider[i]
          if (failures !== undefined) attempts.push(failures.begin(`${network} ${subject}`))
        }
        attempts.push(this.#distributed.begin(subject, wider.at(-1) ?? narrowest))
      }
      return {
        pending: first.pending,
        end: (outcome) => {
          end(outcome)
          if (outcome === 'succeeded') this.#addKnown(subject, narrowest)
          if (outcome !== 'unknown') this.emit('ended', { subject, address, outcome })
        },
      }
    } catch (error) {
      end('unknown')
      throw error
    }
  }

  /** Records an attempt that another process has allowed. */
  record({ subject, address, outcome }: EndedAttempt): void {
    const [narrowest, ...wider] = networksOf(address)
    this.#narrowest.record(`${narrowest} ${subject}`, outcome)
    if (!this.#isKnown(subject, narrowest)) {
      for (const [i, network] of wider.entries()) this.#wider[i]?.record(`${network} ${subject}`, outcome)
      this.#distributed.record(subject, outcome)
    }
    if (outcome === 'succeeded') this.#addKnown(subject, narrowest)
  }

  /**
   * Calls `begin` and returns its result: immediately if pending attempts leave room for another failure, and otherwise
   * when they do or are known to be wrong, after 10 s at the latest. Thus many correct attempts at the same time all
   * succeed, and wrong ones get no more tries than one after the other.
   *
   * @param begin begins an attempt on `subject` from `address`; it throws a `LimitError` to reject the attempt
   */
  whenFree<A extends Attempt>(subject: string, address: string, begin: () => A): A | Promise<A> {
    const freed = this.#freed(subject, address)
    return freed === undefined ? begin() : this.#wait(freed, subject, address, begin)
  }

  async #wait<A extends Attempt>(first: Promise<void>, subject: string, address: string, begin: () => A): Promise<A> {
    const deadline = this.#clock() + MAX_WAIT_MS
    let freed: Promise<void> | undefined = first
    while (freed !== undefined) {
      await freed
      freed = this.#clock() < deadline ? this.#freed(subject, address) : undefined
    }
    return begin()
  }

  #freed(subject: string, address: string): Promise<void> | undefined {
    const [own, ...wider] = networksOf(address)
    const freed = this.#narrowest.freed(`${own} ${subject}`)
    if (freed !== undefined || this.#isKnown(subject, own)) return freed
    for (const [i, network] of wider.entries()) {
      const widerFreed = this.#wider[i]?.freed(`${network} ${subject}`)
      if (widerFreed !== undefined) return widerFreed
    }
    return undefined
  }

  /**
   * Counts an attempt whose outcome is already known. Use it for secrets that are too long to be guessed: a correct
   * attempt from a network with an earlier success is never delayed, so wrong attempts cannot lock out programs there.
   * @param subject what the guess is about
   * @param address IP address of the client
   * @param isGood whether the secret was correct
   * @throws LimitError while the client has to wait; from networks without an earlier success also for correct attempts
   */
  check(subject: string, address: string, isGood: boolean): void {
    const [narrowest] = networksOf(address)
    if (isGood && this.#isKnown(subject, narrowest)) return
    this.begin(subject, address).end(isGood ? 'succeeded' : 'failed')
  }

  #isKnown(subject: string, network: string): boolean {
    return this.#known.get(subject)?.includes(network) ?? false
  }

  #addKnown(subject: string, network: string): void {
    const before = this.#known.get(subject) ?? []
    if (before.at(-1) === network) return
    this.#known.set(subject, [...before.filter((other) => other !== network), network].slice(-MAX_NETWORKS))
  }
}
