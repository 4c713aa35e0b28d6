import { StoreError } from './errors.ts'

/*
 * Levels of calls. A standby server supports reads only, a full server reads and deletes. An outage ends when a call of
 * the level that failed, or of a higher one, succeeds.
 */
/** The level of reads. */
export const READ = 0
/** The level of deletes. */
export const DELETE = 1
/** The level of inserts and updates. */
export const WRITE = 2
/** The level of a call. */
export type Level = typeof READ | typeof DELETE | typeof WRITE

/** Callbacks of `StoreHealth`. */
export interface HealthEvents {
  /** called once for each outage and kind of error */
  onFailure: (error: unknown) => void
  /** called when an outage is over */
  onRecovery: () => void
}

interface Outage {
  /** the highest level that failed */
  level: Level
  /** the kinds of errors that were reported */
  kinds: Set<string>
  /** the last error with the code `unavailable` */
  unavailable: StoreError | undefined
  /** time of the last `full`, `contended` or unknown error, milliseconds of `performance.now()` */
  lastRefusal: number
}

/**
 * A full store accepts some records and rejects others: its outage ends after this long without a rejection,
 * milliseconds.
 */
const REFUSAL_MS = 10_000
const MAX_KINDS = 20
/** Codes of errors that the caller caused. They do not affect the health. */
const CALLER_ERRORS: readonly unknown[] = ['too-large', 'cannot-list']

/** Determines the health of a store from the results of its calls. `MonitoredBackend` passes all calls to `observe`. */
export class StoreHealth {
  readonly #events: HealthEvents
  readonly #onFailure = ([READ, DELETE, WRITE] as const).map((level) => (error: unknown) => this.failed(error, level))
  #outage: Outage | undefined

  constructor(events: HealthEvents) {
    this.#events = events
  }

  /** Whether an outage is in progress. */
  get isFailing(): boolean {
    return this.#outage !== undefined
  }

  /** The last `unavailable` error of the current outage; undefined while the store is available or only full. */
  get unavailable(): StoreError | undefined {
    return this.#outage?.unavailable
  }

  /**
   * Observes the result of a call. A successful call ends an outage that began before the call.
   * @returns `call`
   */
  observe<T>(level: Level, call: Promise<T>): Promise<T> {
    // Awaiting the call here would delay every caller.
    const onSuccess = this.#outage === undefined ? undefined : (result: T) => this.#succeeded(level, result)
    call.then(onSuccess, this.#onFailure[level])
    return call
  }

  /** Records the error of a call. */
  failed(error: unknown, level: Level): void {
    const { code } = error as { code?: unknown }
    if (error instanceof StoreError && CALLER_ERRORS.includes(code)) return
    this.#outage ??= { level, kinds: new Set(), unavailable: undefined, lastRefusal: Number.NEGATIVE_INFINITY }
    const outage = this.#outage
    if (level > outage.level) outage.level = level
    if (error instanceof StoreError && code === 'unavailable') outage.unavailable = error
    else outage.lastRefusal = performance.now()
    const kind = error instanceof StoreError ? `${code} ${error.kind}` : String(code ?? 'other')
    if (outage.kinds.has(kind) || outage.kinds.size >= MAX_KINDS) return
    outage.kinds.add(kind)
    this.#events.onFailure(error)
  }

  #succeeded(level: Level, result: unknown): void {
    const outage = this.#outage
    if (outage === undefined) return
    // A read-only server also accepts a write that matches no record.
    const reached = result === undefined || result === false ? READ : level
    if (reached < outage.level || performance.now() - outage.lastRefusal < REFUSAL_MS) return
    this.#outage = undefined
    this.#events.onRecovery()
  }
}
