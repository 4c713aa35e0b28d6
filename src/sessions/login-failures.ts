import type { LRUCache } from 'lru-cache'
import type { LimitError } from './limit-error.ts'
import { lru } from './lru.ts'

export interface FailureOptions {
  /** failures in a row without a delay */
  free: number
  /** longest delay after a failure, milliseconds */
  maxDelayMs: number
  /** whether an attempt that succeeds clears the failures */
  clearsOnSuccess: boolean
  /** the error for an attempt that has to wait */
  tooMany: (waitMs: number) => LimitError
  /** milliseconds since any moment */
  clock: () => number
}

/** How an attempt ended; `unknown` changes nothing. */
export type Outcome = 'failed' | 'succeeded' | 'unknown'

/** An attempt that may be made. `end` must be called once. */
export interface Attempt {
  /** attempts with the same key that have not ended, itself included */
  readonly pending: number
  end(outcome: Outcome): void
}

interface State {
  /** in a row */
  failures: number
  pending: number
  /** no attempt is allowed before this moment */
  notBefore: number
}

const FIRST_DELAY_MS = 1000
/** Keys remembered at a time. The least recently used one is forgotten first. */
const MAX_KEYS = 10_000
/** Failures are forgotten after so many of the longest delays: waiting for that gains no guesses. */
const FORGOTTEN_AFTER = 12

/** Delays attempts that follow failed ones with the same key, twice as long after each failure. */
export class Failures {
  readonly #options: FailureOptions
  readonly #states: LRUCache<string, State>

  constructor(options: FailureOptions) {
    this.#options = options
    this.#states = memory(options)
  }

  /** @throws LimitError while the key has to wait */
  begin(key: string): Attempt {
    const state = this.#states.get(key) ?? { failures: 0, pending: 0, notBefore: 0 }
    this.#refuse(state)
    state.pending++
    this.#states.set(key, state)
    return { pending: state.pending, end: (outcome) => this.#end(key, state, outcome) }
  }

  #refuse({ failures, pending, notBefore }: State): void {
    const { clock, free, tooMany } = this.#options
    const waitMs = notBefore - clock()
    if (waitMs > 0) throw tooMany(waitMs)
    // Otherwise a client could send many guesses at once, before the first one fails.
    if (pending > 0 && failures + pending >= free) throw tooMany(FIRST_DELAY_MS)
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
  }
}

/**
 * Delays attempts on a key that has failed too often from many networks: each network waits for its own turn and then
 * has one attempt. The turn of a network does not depend on what other networks do meanwhile, so they cannot keep it
 * from its attempt.
 */
export class DistributedFailures {
  readonly #options: FailureOptions
  readonly #states: LRUCache<string, { failures: number; pending: number }>
  /** The moment from which a network may make its next attempt, by network and key. */
  readonly #turns: LRUCache<string, number>

  constructor(options: FailureOptions) {
    this.#options = options
    this.#states = memory(options)
    this.#turns = memory(options)
  }

  /** @throws LimitError while the network has to wait for its turn */
  begin(key: string, network: string): Attempt {
    const state = this.#states.get(key) ?? { failures: 0, pending: 0 }
    const excess = state.failures + state.pending - this.#options.free
    if (excess >= 0) this.#takeTurn(`${network} ${key}`, delay(excess, this.#options.maxDelayMs))
    state.pending++
    this.#states.set(key, state)
    return { pending: state.pending, end: (outcome) => this.#end(key, state, outcome) }
  }

  #takeTurn(key: string, delayMs: number): void {
    const { clock, tooMany } = this.#options
    const now = clock()
    const turn = this.#turns.get(key)
    if (turn === undefined) this.#turns.set(key, now + delayMs)
    const waitMs = (turn ?? now + delayMs) - now
    if (waitMs > 0) throw tooMany(waitMs)
    this.#turns.delete(key)
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

function memory<V extends object | number>({ maxDelayMs, clock }: FailureOptions): LRUCache<string, V> {
  return lru<V>({ max: MAX_KEYS, ttl: maxDelayMs * FORGOTTEN_AFTER, clock })
}
