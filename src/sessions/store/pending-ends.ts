import { setTimeout as sleep } from 'node:timers/promises'
import { inTime } from './driver.ts'
import type { Key } from './record.ts'

/** More sessions than one gateway holds. */
const MAX_PENDING = 100_000
const AT_ONCE = 32
const RETRY_MS = 100

/** Records that are to be removed and could not be, because the store failed. */
export class PendingEnds {
  /** Ends that were given up because there were too many. Their records expire by themselves. */
  dropped = 0
  readonly #remove: (key: Key) => Promise<unknown>
  readonly #keys = new Set<Key>()
  #flushing: Promise<void> | undefined

  /** @param remove removes a record; removing one that is not there is no error */
  constructor(remove: (key: Key) => Promise<unknown>) {
    this.#remove = remove
  }

  get size(): number {
    return this.#keys.size
  }

  /** Removes a record, now or in a later `flush`. Rejects when it could not be removed now. */
  async remove(key: Key): Promise<void> {
    try {
      await this.#remove(key)
    } catch (error) {
      if (this.#keys.size < MAX_PENDING) this.#keys.add(key)
      else this.dropped++
      throw error
    }
  }

  /** Removes all that could not be removed before. Rejects with the first error, and keeps what is left. */
  async flush(): Promise<void> {
    if (this.#keys.size === 0) return
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined
    })
    await this.#flushing
  }

  /** The same, again and again until all is removed or the time is up. Never rejects. */
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
    const keys = this.#keys.values()
    const work = async (): Promise<void> => {
      for (const key of keys) {
        await this.#remove(key)
        this.#keys.delete(key)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
  }
}
