import { LRUCache } from 'lru-cache'
import type { Time } from '../protocol/types.ts'
import type { Content, ContentType } from './content.ts'
import { epochTime } from './time.ts'

interface Entry {
  /** milliseconds since 1970 */
  creationTime: number
  contentType: ContentType
  content: Content
}

/** Strings with other characters take two bytes for each character in V8. */
const ONE_BYTE = /^[\0-\xff]*$/

/**
 * An LRU cache of the contents of texts, shared by all sessions on one server. The key of a text is its number and its
 * creation time, because a server that was restored from a backup reuses numbers. The stored bytes of a text never
 * change, but its content type may, which decides how they are decoded. Before it reads an entry, the caller must have
 * received the text's status from the server in the same session, which proves the permission to read it.
 */
export class BodyCache {
  readonly #texts: LRUCache<number, Entry>

  /** @param maxBytes total size of the texts in bytes; 0 disables the cache */
  constructor(maxBytes: number) {
    // lru-cache requires sizes above 0, also for empty texts.
    this.#texts = new LRUCache({
      maxSize: Math.max(1, maxBytes),
      sizeCalculation: ({ content }) => sizeOf(content) + 1,
    })
  }

  /** Returns whether there is an entry with the number. It may be a different text than the one on the server. */
  has(textNo: number): boolean {
    return this.#texts.has(textNo)
  }

  /** Returns the content of a text; undefined if it is not cached, or decoded by another content type. */
  get(textNo: number, creationTime: Time, { type, charset }: ContentType): Content | undefined {
    const entry = this.#texts.get(textNo)
    if (entry?.creationTime !== epochTime(creationTime)) return undefined
    return entry.contentType.type === type && entry.contentType.charset === charset ? entry.content : undefined
  }

  /** Adds the content of a text, with a copy of its bytes: received bytes are a view on a larger buffer. */
  set(textNo: number, creationTime: Time, contentType: ContentType, { subject, body }: Content): void {
    const content = { subject, body: typeof body === 'string' ? body : Uint8Array.from(body) }
    this.#texts.set(textNo, { creationTime: epochTime(creationTime), contentType, content })
  }
}

function sizeOf({ subject, body }: Content): number {
  return bytesOf(subject ?? '') + (typeof body === 'string' ? bytesOf(body) : body.length)
}

function bytesOf(text: string): number {
  return ONE_BYTE.test(text) ? text.length : 2 * text.length
}
