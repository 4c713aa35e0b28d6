import { StoreError } from '../../sessions/store/errors.ts'
import type { SessionStore } from '../../sessions/store/store.ts'

/** How often what is over is taken out. */
const SWEEP_MS = 10_000

/** A store that is opened when somebody asks for it, and again if that failed. */
export class LazyStore {
  readonly #open: () => Promise<SessionStore>
  #opening: Promise<SessionStore> | undefined
  #sweeping: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(open: () => Promise<SessionStore>) {
    this.#open = open
  }

  /** Those who ask while it is being opened wait. Rejects when it cannot be opened, or has been closed. */
  async get(): Promise<SessionStore> {
    if (this.#isClosed) throw new StoreError('unavailable', 'the store has been closed')
    this.#opening ??= this.#openOnce()
    return await this.#opening
  }

  /** Lets go of the store, for good. */
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
      // A sweep that fails is no loss: the next one takes out as much, and requests notice by themselves.
      this.#sweeping = setInterval(() => store.sweep().catch(() => undefined), SWEEP_MS).unref()
      return store
    } catch (error) {
      this.#opening = undefined
      throw error
    }
  }
}
