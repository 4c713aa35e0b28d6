import type { Backend } from './backend.ts'
import { StoreError } from './errors.ts'
import { KeyedMutex } from './keyed-mutex.ts'
import { newRecord } from './new-session.ts'
import { type Key, keyOf } from './record.ts'

/** The app of end notes. It contains a character that no other app's name has. */
const APP = 'komgate:ended'
/** Lifetime of a note, milliseconds: longer than any live session goes without a request. */
const LASTS_MS = 24 * 60 * 60 * 1000

/**
 * Notes that a live session was ended on purpose. Without the note, the process that holds the session would take the
 * missing record for a lost one and write it again.
 */
export class EndNotes {
  readonly #backend: Backend
  readonly #clock: () => number
  readonly #mutex = new KeyedMutex()

  constructor(backend: Backend, clock: () => number) {
    this.#backend = backend
    this.#clock = clock
  }

  /** Adds a note for a session. Resolves with false if the store is full. */
  async add(key: Key): Promise<boolean> {
    const noteKey = noteKeyOf(key)
    return await this.#mutex.runExclusive(noteKey, async () => {
      if (await this.#has(noteKey)) return true
      const now = this.#clock()
      try {
        await this.#backend.insert(newRecord({ key: noteKey, app: APP, user: '', endsAt: now + LASTS_MS }, now, 2))
        return true
      } catch (error) {
        if (error instanceof StoreError && error.code === 'full') return false
        // Another process may have added the same note in the meantime.
        if (await this.#has(noteKey)) return true
        throw error
      }
    })
  }

  /** Removes a note; resolves with whether there was one. */
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
