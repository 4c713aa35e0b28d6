import { LRUCache } from 'lru-cache'

/**
 * The bytes of texts, which never change, shared by all sessions on one server. Whoever takes a text from here must
 * have learnt from the server that the person asking may read it.
 */
export class BodyCache {
  readonly #texts: LRUCache<number, Uint8Array>

  /** @param maxBytes what it holds at most; 0 for nothing */
  constructor(maxBytes: number) {
    // A text of no bytes must count for something, too.
    this.#texts = new LRUCache({ maxSize: Math.max(1, maxBytes), sizeCalculation: (text) => text.length + 1 })
  }

  get(textNo: number): Uint8Array | undefined {
    return this.#texts.get(textNo)
  }

  /** Keeps a copy: what came from the wire is a view on a larger buffer. */
  set(textNo: number, text: Uint8Array): void {
    this.#texts.set(textNo, Uint8Array.from(text))
  }
}
