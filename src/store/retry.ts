import { setTimeout as sleep } from 'node:timers/promises'
import { StoreError } from './errors.ts'

/** The result of an attempt that failed because another writer changed the record. */
export class Conflict {
  /** @param error the error for the caller if the last attempt conflicts; default: a `StoreError` `contended` */
  constructor(readonly error?: unknown) {}
}

/** Options of `retryOnConflict`. */
export interface RetryOptions {
  /** maximum number of attempts */
  attempts: number
  /** the pause after attempt n is random, up to n times this, milliseconds; default: 0, no pause */
  pauseMs?: number
  /** longest pause, milliseconds; default: unlimited */
  maxPauseMs?: number
}

/**
 * Repeats an optimistic write until it does not conflict. The random pauses prevent competing writers from conflicting
 * again.
 * @param attempt reads, then writes if nothing changed in between; otherwise returns a `Conflict`
 * @returns the result of the first attempt without a conflict
 * @throws the error of an attempt, immediately; after the last attempt the error of its `Conflict`
 */
export async function retryOnConflict<T>(
  attempt: () => Promise<T | Conflict>,
  { attempts, pauseMs = 0, maxPauseMs = Number.POSITIVE_INFINITY }: RetryOptions,
): Promise<T> {
  for (let n = 1; ; n++) {
    const result = await attempt()
    if (!(result instanceof Conflict)) return result
    if (n >= attempts) throw result.error ?? new StoreError('contended', 'too many concurrent writes to this session')
    if (pauseMs > 0) await sleep(Math.random() * Math.min(n * pauseMs, maxPauseMs))
  }
}
