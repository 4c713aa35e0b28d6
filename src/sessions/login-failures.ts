import type { LRUCache } from 'lru-cache'
import type { LimitError } from './limit-error.ts'
import { lru } from './lru.ts'

/** Options of `Failures` and `DistributedFailures`. */
export interface FailureOptions {
  /** failures in a row before attempts are delayed */
  free: number
  /** longest delay after a failure, milliseconds */
  maxDelayMs: number
  /** whether a successful attempt resets the failures to 0 */
  clearsOnSuccess: boolean
  /** returns the error for an attempt that has to wait `waitMs` milliseconds */
  tooMany: (waitMs: number) => LimitError
  /** the current time, milliseconds since an arbitrary origin */
  clock: () => number
}

/** The outcome of an attempt; `unknown` changes no counts. */
export type Outcome = 'failed' | 'succeeded' | 'unknown'

/** An allowed attempt. The caller must call `end` exactly once. */
export interface Attempt {
  /** unfinished attempts with the same key, including this one */
  readonly pending: number
  /** Records the outcome of the attempt. */
  end(outcome: Outcome): void
}

interface State {
  /** failures in a row */
  failures: number
  pending: number
  /** earliest time of the next attempt, by `clock` */
  notBefore: number
  /** resolve functions of `Failures.freed` */
  waiting: (() => void)[]
}

/** Delay after the first failure that is delayed, milliseconds. */
const FIRST_DELAY_MS = 1000
/** Maximum number of stored keys. The least recently used key is evicted first. */
const MAX_KEYS = 10_000
/** Attempts that wait for pending attempts with the same key. Further attempts are rejected. */
const MAX_WAITING = 100
/**
 * Failures expire after `maxDelayMs` times this factor. Waiting for the expiry allows fewer guesses than the delays do.
 */
const EXPIRY_FACTOR = 12

/** Delays attempts after failed attempts with the same key. The delay doubles with each failure. */
export class Failures {
  readonly #options: FailureOptions
  readonly #states: LRUCache<string, State>

  constructor(options: FailureOptions) {
    this.#options = options
    this.#states = createStates(options)
  }

  /**
   * Begins an attempt with a key.
   * @throws LimitError while attempts with this key are delayed
   */
  begin(key: string): Attempt {
    const state = this.#states.get(key) ?? { failures: 0, pending: 0, notBefore: 0, waiting: [] }
    this.#checkState(state)
    state.pending++
    this.#states.set(key, state)
    return { pending: state.pending, end: (outcome) => this.#end(key, state, outcome) }
  }

  /** Records an attempt of another process, whether or not this one would have delayed it. */
  record(key: string, outcome: Outcome): void {
    const state = this.#states.get(key) ?? { failures: 0, pending: 0, notBefore: 0, waiting: [] }
    state.pending++
    this.#end(key, state, outcome)
  }

  /**
   * Returns a promise that resolves when a pending attempt ends, if `begin` would reject an attempt only because of the
   * pending attempts. Returns undefined if an attempt can begin, must be rejected, or too many attempts wait already.
   */
  freed(key: string): Promise<void> | undefined {
    const state = this.#states.get(key)
    if (state === undefined || !this.#isFull(state) || state.notBefore > this.#options.clock()) return undefined
    if (state.waiting.length >= MAX_WAITING) return undefined
    return new Promise((resolve) => state.waiting.push(resolve))
  }

  #checkState(state: State): void {
    const { clock, tooMany } = this.#options
    const waitMs = state.notBefore - clock()
    if (waitMs > 0) throw tooMany(waitMs)
    if (this.#isFull(state)) throw tooMany(FIRST_DELAY_MS)
  }

  /** Whether all free failures are used up if the pending attempts fail: a client could send many guesses at once. */
  #isFull({ failures, pending }: State): boolean {
    return pending > 0 && failures + pending >= this.#options.free
  }

  #end(key: string, state: State, outcome: Outcome): void {
    const { clock, free, maxDelayMs, clearsOnSuccess } = this.#options
    state.pending--
    if (outcome === 'succeeded' && clearsOnSuccess) state.failures = 0
    if (outcome === 'failed') {
      const excess = ++state.failures - free
      if (excess >= 0) state.notBefore = clock() + delay(excess, maxDelayMs)
    }
    if (state.failures + state.pending > 0) this.#states.set(key, state)
    else this.#states.delete(key)
    for (const resolve of state.waiting.splice(0)) resolve()
  }
}

/**
 * Delays attempts with a key that has failed too often from many networks: each network waits once and may then make
 * one attempt. The delay of a network does not depend on the attempts of other networks, so they cannot block it.
 */
export class DistributedFailures {
  readonly #options: FailureOptions
  readonly #states: LRUCache<string, { failures: number; pending: number }>
  /** Earliest time of the next attempt, by network and key. */
  readonly #notBefore: LRUCache<string, number>

  constructor(options: FailureOptions) {
    this.#options = options
    this.#states = createStates(options)
    this.#notBefore = createStates(options)
  }

  /**
   * Begins an attempt with a key from a network.
   * @throws LimitError while attempts from this network are delayed
   */
  begin(key: string, network: string): Attempt {
    const state = this.#states.get(key) ?? { failures: 0, pending: 0 }
    const excess = state.failures + state.pending - this.#options.free
    if (excess >= 0) this.#checkDelay(`${network} ${key}`, delay(excess, this.#options.maxDelayMs))
    state.pending++
    this.#states.set(key, state)
    return { pending: state.pending, end: (outcome) => this.#end(key, state, outcome) }
  }

  /** Records an attempt of another process, whether or not this one would have delayed it. */
  record(key: string, outcome: Outcome): void {
    const state = this.#states.get(key) ?? { failures: 0, pending: 0 }
    state.pending++
    this.#end(key, state, outcome)
  }

  #checkDelay(key: string, delayMs: number): void {
    const { clock, tooMany } = this.#options
    const now = clock()
    const notBefore = this.#notBefore.get(key)
    if (notBefore === undefined) this.#notBefore.set(key, now + delayMs)
    const waitMs = (notBefore ?? now + delayMs) - now
    if (waitMs > 0) throw tooMany(waitMs)
    this.#notBefore.delete(key)
  }

  #end(key: string, state: { failures: number; pending: number }, outcome: Outcome): void {
    state.pending--
    if (outcome === 'failed') state.failures++
    if (state.failures + state.pending > 0) this.#states.set(key, state)
    else this.#states.delete(key)
  }
}

function delay(excess: number, maxDelayMs: number): number {
  return Math.min(maxDelayMs, FIRST_DELAY_MS * 2 ** excess)
}

function createStates<V extends object | number>({ maxDelayMs, clock }: FailureOptions): LRUCache<string, V> {
  return lru<V>({ max: MAX_KEYS, ttl: maxDelayMs * EXPIRY_FACTOR, clock })
}
