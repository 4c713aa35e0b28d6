import type { Backend } from './backend.ts'
import { StoreError } from './errors.ts'
import { newRecord } from './new-session.ts'
import { type Key, keyOf } from './record.ts'
import { Turns } from './turns.ts'

/** The app of the notes, in characters that no other app's name has. */
const APP = 'komgate:ended'
/** A note lasts longer than any live session goes without a request. */
const LASTS_MS = 24 * 60 * 60 * 1000

/**
 * Notes of live sessions that were ended on purpose. The process that holds such a session would otherwise take a record
 * that is not there for one that was lost, and write it anew.
 */
export class EndNotes {
  readonly #backend: Backend
  readonly #clock: () => number
  readonly #turns = new Turns()

  constructor(backend: Backend, clock: () => number) {
    this.#backend = backend
    this.#clock = clock
  }

  /** Resolves with false where a full store has no room for a note. */
  async add(key: Key): Promise<boolean> {
    const noteKey = noteKeyOf(key)
    return await this.#turns.take(noteKey, async () => {
      if (await this.#has(noteKey)) return true
      const now = this.#clock()
      try {
        await this.#backend.insert(newRecord({ key: noteKey, app: APP, user: '', endsAt: now + LASTS_MS }, now, 2))
        return true
      } catch (error) {
        if (error instanceof StoreError && error.code === 'full') return false
        // Another process has added it in this moment.
        if (await this.#has(noteKey)) return true
        throw error
      }
    })
  }

  /** Takes a note out; resolves with whether there was one. */
  async take(key: Key): Promise<boolean> {
    return (await this.#backend.remove(noteKeyOf(key))) !== undefined
  }

  async #has(noteKey: Key): Promise<boolean> {
    return (await this.#backend.find(noteKey)) !== undefined
  }
}

function noteKeyOf(key: Key): Key {
  return keyOf(`ended ${key}`)
}
