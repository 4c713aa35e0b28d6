import type { ConcurrencyLimit } from '../concurrency-limit.ts'
import type { LyskomSession } from '../lyskom/session.ts'
import { KomError } from '../protocol/errors.ts'
import { checkChange } from './change-state.ts'
import type { Change, GatewayEvent } from './changes.ts'

/** Checks of one session at the same time: each takes up to two of its 20 calls in flight. */
const MAX_RUNNING = 5
/** Changes of one session that wait for a check. */
const MAX_WAITING = 1000
/** A flood of changes is over when no change has been dropped for this time. */
const CALM_MS = 1000

/** Where the result of the checks goes. */
export interface ChecksOutput {
  /** Adds an event. Called in the order of the messages of the server. */
  add(event: GatewayEvent): void
  /** Called when an event may be missing. */
  lost(): void
}

/** Options of `ChangeChecks`. */
export interface ChangeChecksOptions {
  lyskom: LyskomSession
  /** limits the checks of links by all sessions on the server */
  links: ConcurrencyLimit
  output: ChecksOutput
}

/**
 * Turns changes into events, at the right place among the messages and the own changes of a session, see `checkChange`.
 * When changes arrive faster than they can be checked, it drops them until there are fewer, and reports the loss at the
 * beginning and at the end.
 */
export class ChangeChecks {
  readonly #lyskom: LyskomSession
  readonly #links: ConcurrencyLimit
  readonly #output: ChecksOutput
  #running = 0
  #waiting: Change[] = []
  /** Increases when the person changes: the results of earlier checks are discarded. */
  #generation = 0
  /** Runs while changes are dropped. */
  #flood: NodeJS.Timeout | undefined
  #hasDropped = false

  constructor({ lyskom, links, output }: ChangeChecksOptions) {
    this.#lyskom = lyskom
    this.#links = links
    this.#output = output
  }

  /** Checks a change. One round trip. @param isContested see `ReceivedChange` */
  check(change: Change, isContested: boolean): void {
    if (this.#flood !== undefined) {
      this.#hasDropped = true
    } else if (this.#running < MAX_RUNNING) {
      void this.#run(change, isContested)
    } else if (this.#waiting.length < MAX_WAITING) {
      this.#waiting.push(change)
    } else {
      this.#lyskom.connection.boundHit('waiting-messages')
      this.#lost()
      this.#flood = setInterval(() => this.#tick(), CALM_MS).unref()
    }
  }

  /** Discards all changes: the person has changed, or the session has ended. */
  clear(): void {
    this.#generation++
    this.#waiting = []
    clearInterval(this.#flood)
    this.#flood = undefined
  }

  async #run(first: Change, isContested: boolean): Promise<void> {
    this.#running++
    let change: Change | undefined = first
    // A call that was made later may precede the check of a change that has waited.
    for (let hasWaited = isContested; change !== undefined; hasWaited = true) {
      await this.#checkNow(change, hasWaited)
      change = this.#waiting.shift()
    }
    this.#running--
  }

  async #checkNow(change: Change, isContested: boolean): Promise<void> {
    const generation = this.#generation
    const add = (event: GatewayEvent): void => {
      if (generation === this.#generation) this.#output.add(event)
    }
    try {
      if (change.type === 'linked' || change.type === 'unlinked') {
        const waits = this.#links.isFull
        const failure = await this.#links.run(() =>
          checkChange(this.#lyskom, change, isContested || waits, add).catch((error: unknown) => error ?? true),
        )
        if (failure !== undefined) throw failure
      } else {
        await checkChange(this.#lyskom, change, isContested, add)
      }
    } catch (error) {
      // The person may not see what has changed, or not any more.
      if (!(error instanceof KomError) && generation === this.#generation) this.#lost()
    }
  }

  #lost(): void {
    this.clear()
    this.#output.lost()
  }

  #tick(): void {
    if (this.#hasDropped) this.#hasDropped = false
    else this.#lost()
  }
}
