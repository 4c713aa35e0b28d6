import type { Backend } from './backend.ts'
import { isUnavailable, StoreError } from './errors.ts'
import { KeyedMutex } from './keyed-mutex.ts'
import { newRecord } from './new-session.ts'
import { type Key, keyOf, type SessionRecord } from './record.ts'

/** The app of end notes. Other app names contain no colon. */
const APP = 'komgate:ended'
/**
 * How much longer a note lives than the idle timeout of its session, milliseconds. An idle session can be used until its
 * timeout, so the note must outlive it; the rest covers outages of the store and differences between clocks.
 */
const EXTRA_MS = 24 * 60 * 60 * 1000

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
   * @param record the record of the session; the note outlives its idle timeout
   * @returns false if the store is full
   * @throws StoreError if the backend fails
   */
  async add({ key, idleMs }: SessionRecord): Promise<boolean> {
    const noteKey = noteKeyOf(key)
    const insert = async (): Promise<boolean> => {
      if (await this.#has(noteKey)) return true
      const now = this.#clock()
      const endsAt = now + (idleMs ?? 0) + EXTRA_MS
      try {
        await this.#backend.insert(newRecord({ key: noteKey, app: APP, user: '', endsAt }, now, 2))
        return true
      } catch (error) {
        if (error instanceof StoreError && error.code === 'full') return false
        // Another process may have added the same note in the meantime.
        if (await this.#has(noteKey)) return true
        throw error
      }
    }
    return await this.#mutex.runExclusive(noteKey, insert, isUnavailable)
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
