import type { Backend } from './backend.ts'
import { StoreError } from './errors.ts'
import { KeyedMutex } from './keyed-mutex.ts'
import { newRecord } from './new-session.ts'
import { type Key, keyOf } from './record.ts'

/** The app of end notes. Other app names contain no colon. */
const APP = 'komgate:ended'
/** Lifetime of a note, milliseconds: much longer than the interval at which processes synchronize their records. */
const LIFETIME_MS = 24 * 60 * 60 * 1000

/**
 * Stores notes that live sessions were ended on purpose. Without a note, the process that holds the live session would
 * treat the missing record as lost and write it again.
 */
export class EndNotes {
  readonly #backend: Backend
  readonly #clock: () => number
  readonly #mutex = new KeyedMutex()

  /** @param clock returns the time, milliseconds since 1970 */
  constructor(backend: Backend, clock: () => number) {
    this.#backend = backend
    this.#clock = clock
  }

  /**
   * Adds a note for a session unless there is one.
   * @param key key of the session
   * @returns false if the store is full
   * @throws StoreError if the backend fails
   */
  async add(key: Key): Promise<boolean> {
    const noteKey = noteKeyOf(key)
    return await this.#mutex.runExclusive(noteKey, async () => {
      if (await this.#has(noteKey)) return true
      const now = this.#clock()
      try {
        await this.#backend.insert(newRecord({ key: noteKey, app: APP, user: '', endsAt: now + LIFETIME_MS }, now, 2))
        return true
      } catch (error) {
        if (error instanceof StoreError && error.code === 'full') return false
        // Another process may have added the same note in the meantime.
        if (await this.#has(noteKey)) return true
        throw error
      }
    })
  }

  /**
   * Removes the note for a session.
   * @param key key of the session
   * @returns whether there was a note
   * @throws StoreError if the backend fails
   */
  async remove(key: Key): Promise<boolean> {
    return (await this.#backend.remove(noteKeyOf(key))) !== undefined
  }

  async #has(noteKey: Key): Promise<boolean> {
    return (await this.#backend.find(noteKey)) !== undefined
  }
}

function noteKeyOf(key: Key): Key {
  return keyOf(`ended ${key}`)
}
