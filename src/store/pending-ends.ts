import { setTimeout as sleep } from 'node:timers/promises'
import { mapConcurrent } from '../map-concurrent.ts'
import { withTimeout } from './driver.ts'
import type { Key } from './record.ts'

/** Maximum number of pending removals, well above the usual number of sessions. */
const MAX_PENDING = 100_000
/** Maximum number of concurrent removals. */
const CONCURRENCY = 32
/** Pause between two attempts of `drain`, milliseconds. */
const RETRY_MS = 100

/** Removes records of ended sessions, and retries removals that failed while the store was unavailable. */
export class PendingEnds {
  /** number of removals dropped because too many were pending; their records are left to expire */
  dropped = 0
  readonly #remove: (key: Key) => Promise<unknown>
  readonly #keys = new Set<Key>()
  #flushing: Promise<void> | undefined

  /** @param remove removes a record; a missing record is not an error */
  constructor(remove: (key: Key) => Promise<unknown>) {
    this.#remove = remove
  }

  /** The number of pending removals. */
  get size(): number {
    return this.#keys.size
  }

  /**
   * Removes a record. If that fails, a later `flush` tries again.
   * @throws the error of the removal
   */
  async remove(key: Key): Promise<void> {
    try {
      await this.#remove(key)
    } catch (error) {
      if (this.#keys.size < MAX_PENDING) this.#keys.add(key)
      else this.dropped++
      throw error
    }
  }

  /**
   * Removes all pending records.
   * @throws the first error of a removal; the other records stay pending
   */
  async flush(): Promise<void> {
    if (this.#keys.size === 0) return
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined
    })
    await this.#flushing
  }

  /**
   * Flushes repeatedly until no removal is pending, at most for some time. Never rejects.
   * @param ms timeout, milliseconds
   */
  async drain(ms: number): Promise<void> {
    const deadline = performance.now() + ms
    while (this.#keys.size > 0 && performance.now() < deadline) {
      const isDone = await withTimeout(this.flush(), deadline - performance.now()).then(
        () => true,
        () => false,
      )
      if (!isDone) await sleep(RETRY_MS)
    }
  }

  async #flush(): Promise<void> {
    const remove = async (key: Key): Promise<void> => {
      await this.#remove(key)
      this.#keys.delete(key)
    }
    await mapConcurrent([...this.#keys], remove, CONCURRENCY)
  }
}
