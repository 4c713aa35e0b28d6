import { StoreError } from '../store/errors.ts'
import type { SessionStore } from '../store/store.ts'

/** The interval at which expired sessions are deleted. */
const SWEEP_MS = 10_000

/** Opens a store on first use, and again after a failure. */
export class LazyStore {
  readonly #open: () => Promise<SessionStore>
  #opening: Promise<SessionStore> | undefined
  #sweeping: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(open: () => Promise<SessionStore>) {
    this.#open = open
  }

  /** Returns the store; concurrent callers share one attempt. Rejects if it cannot be opened or is closed. */
  async get(): Promise<SessionStore> {
    if (this.#isClosed) throw new StoreError('unavailable', 'the store has been closed')
    this.#opening ??= this.#openOnce()
    return await this.#opening
  }

  /** Closes the store permanently. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    const store = await this.#opening?.catch(() => undefined)
    clearInterval(this.#sweeping)
    await store?.close()
  }

  async #openOnce(): Promise<SessionStore> {
    try {
      const store = await this.#open()
      // Ignore failures: the next sweep deletes the same sessions, and requests report an unavailable store themselves.
      this.#sweeping = setInterval(() => store.sweep().catch(() => undefined), SWEEP_MS).unref()
      return store
    } catch (error) {
      this.#opening = undefined
      throw error
    }
  }
}
