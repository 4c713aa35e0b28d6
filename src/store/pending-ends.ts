import { setTimeout as sleep } from 'node:timers/promises'
import { mapConcurrent } from '../map-concurrent.ts'
import { inTime } from './driver.ts'
import type { Key } from './record.ts'

/** Removals kept at most; more than a gateway has sessions. */
const MAX_PENDING = 100_000
/** Removals at a time. */
const CONCURRENCY = 32
const RETRY_MS = 100

/** Records whose removal failed because the store was unavailable. */
export class PendingEnds {
  /** Number of removals dropped because too many were pending. Their records expire by themselves. */
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

  /** Removes a record. Rejects if that fails now; then a later `flush` removes it. */
  async remove(key: Key): Promise<void> {
    try {
      await this.#remove(key)
    } catch (error) {
      if (this.#keys.size < MAX_PENDING) this.#keys.add(key)
      else this.dropped++
      throw error
    }
  }

  /** Removes all pending records. Rejects with the first error and keeps the rest. */
  async flush(): Promise<void> {
    if (this.#keys.size === 0) return
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined
    })
    await this.#flushing
  }

  /** Flushes repeatedly until nothing is pending or `ms` milliseconds have passed. Never rejects. */
  async drain(ms: number): Promise<void> {
    const deadline = performance.now() + ms
    while (this.#keys.size > 0 && performance.now() < deadline) {
      const isDone = await inTime(this.flush(), deadline - performance.now()).then(
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
