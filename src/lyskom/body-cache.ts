import { LRUCache } from 'lru-cache'
import type { Time } from '../protocol/types.ts'
import { epochTime } from './time.ts'

interface Entry {
  /** milliseconds since 1970 */
  creationTime: number
  bytes: Uint8Array
}

/**
 * An LRU cache of the bytes of texts, shared by all sessions on one server. The key of a text is its number and its
 * creation time, because a server that was restored from a backup reuses numbers. Before it reads an entry, the caller
 * must have received the text's status from the server in the same session, which proves the permission to read it.
 */
export class BodyCache {
  readonly #texts: LRUCache<number, Entry>

  /** @param maxBytes total size of the texts in bytes; 0 disables the cache */
  constructor(maxBytes: number) {
    // lru-cache requires sizes above 0, also for empty texts.
    this.#texts = new LRUCache({ maxSize: Math.max(1, maxBytes), sizeCalculation: ({ bytes }) => bytes.length + 1 })
  }

  /** Returns whether there is an entry with the number. It may be a different text than the one on the server. */
  has(textNo: number): boolean {
    return this.#texts.has(textNo)
  }

  /** Returns the bytes of a text; undefined if they are not cached. */
  get(textNo: number, creationTime: Time): Uint8Array | undefined {
    const entry = this.#texts.get(textNo)
    return entry?.creationTime === epochTime(creationTime) ? entry.bytes : undefined
  }

  /** Adds a copy of the bytes of a text: received bytes are a view on a larger buffer. */
  set(textNo: number, creationTime: Time, bytes: Uint8Array): void {
    this.#texts.set(textNo, { creationTime: epochTime(creationTime), bytes: Uint8Array.from(bytes) })
  }
}
