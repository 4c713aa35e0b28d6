import { StoreError } from './errors.ts'

/**
 * How much a call shows when it succeeds: a standby server still reads, and a full one still deletes. An outage ends with
 * the success of a call of the level that failed, or of a higher one.
 */
export const READ = 0
export const DELETE = 1
export const WRITE = 2
export type Level = typeof READ | typeof DELETE | typeof WRITE

export interface HealthEvents {
  /** called once for each outage and kind of error */
  onFailure: (error: unknown) => void
  /** called when an outage is over */
  onRecovery: () => void
}

interface Outage {
  level: Level
  kinds: Set<string>
  /** of the last error with the code `unavailable` */
  unavailable: StoreError | undefined
  /** when a store last was full or contended, milliseconds of `performance.now()` */
  lastRefusal: number
}

/** A store that is full takes some records and refuses others: its outage ends after a while without a refusal. */
const REFUSAL_MS = 10_000
const MAX_KINDS = 20
/** Errors that the caller causes, and that say nothing about the store. */
const OF_CALLERS: readonly unknown[] = ['too-large', 'cannot-list']

/** Whether a store works, as the results of its calls show. All calls to a backend pass here. */
export class StoreHealth {
  readonly #events: HealthEvents
  readonly #onFailure = ([READ, DELETE, WRITE] as const).map((level) => (error: unknown) => this.failed(error, level))
  #outage: Outage | undefined

  constructor(events: HealthEvents) {
    this.#events = events
  }

  /** Whether calls fail that have not succeeded since. */
  get isFailing(): boolean {
    return this.#outage !== undefined
  }

  /** The last error of an outage in which the store is unavailable; undefined while it works, or is full. */
  get unavailable(): StoreError | undefined {
    return this.#outage?.unavailable
  }

  /** Watches a call, and returns it. A call that begins in an outage ends the outage when it succeeds. */
  watch<T>(level: Level, call: Promise<T>): Promise<T> {
    // Not awaited here: that would make every call take longer.
    const onSuccess = this.#outage === undefined ? undefined : (result: T) => this.#succeeded(level, result)
    call.then(onSuccess, this.#onFailure[level])
    return call
  }

  /** Notes a failure. */
  failed(error: unknown, level: Level): void {
    const { code } = error as { code?: unknown }
    if (error instanceof StoreError && OF_CALLERS.includes(code)) return
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
    // A write that finds nothing to write succeeds on a server that only reads.
    const reached = result === undefined || result === false ? READ : level
    if (reached < outage.level || performance.now() - outage.lastRefusal < REFUSAL_MS) return
    this.#outage = undefined
    this.#events.onRecovery()
  }
}
