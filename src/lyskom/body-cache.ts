import { LRUCache } from 'lru-cache'
import type { Time } from '../protocol/types.ts'
import { isoTime } from './time.ts'

interface Entry {
  /** ISO 8601 */
  creationTime: string
  bytes: Uint8Array
}

/**
 * The bytes of texts, shared by all sessions on one server. A text is identified by its number and its creation time: a
 * server that is restored from a backup gives a number to another text. The caller must have received the text's status
 * from the server in the session that reads the text.
 */
export class BodyCache {
  readonly #texts: LRUCache<number, Entry>

  /** @param maxBytes total size of the texts; 0 keeps none */
  constructor(maxBytes: number) {
    // An empty text must have a size, too.
    this.#texts = new LRUCache({ maxSize: Math.max(1, maxBytes), sizeCalculation: ({ bytes }) => bytes.length + 1 })
  }

  /** Whether there is a text with the number, which may be another text than the server has. */
  has(textNo: number): boolean {
    return this.#texts.has(textNo)
  }

  get(textNo: number, creationTime: Time): Uint8Array | undefined {
    const entry = this.#texts.get(textNo)
    return entry?.creationTime === isoTime(creationTime) ? entry.bytes : undefined
  }

  /** Keeps a copy: bytes from the wire are a view of a larger buffer. */
  set(textNo: number, creationTime: Time, bytes: Uint8Array): void {
    this.#texts.set(textNo, { creationTime: isoTime(creationTime), bytes: Uint8Array.from(bytes) })
  }
}
