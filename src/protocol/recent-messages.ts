import { type Envelope, readMessage } from './envelope.ts'
import type { AsyncMessage } from './messages.ts'

/** Limits on the messages that are kept: their number, and their bytes in all and for each. */
const MAX_MESSAGES = 500
const MAX_BYTES = 256 * 1024
const MAX_MESSAGE_BYTES = 2048

/**
 * Asynchronous messages that were read at least twice lately. A LysKOM server sends a message to many sessions in the
 * same bytes: they share one object, which nothing may change. Of a message that was read once, only the bytes are kept,
 * so that the messages of a single session cost the garbage collector little.
 */
export class RecentMessages {
  /** Messages by their bytes in ISO 8859-1, the oldest first; undefined for those that were read once. */
  readonly #messages = new Map<string, AsyncMessage | undefined>()
  #bytes = 0

  /**
   * Reads an asynchronous message, as `readMessage` does, or returns the one that was read from the same bytes.
   *
   * @param bytes the whole message
   * @param envelope its envelope, whose reader is positioned before the data
   * @throws ProtocolError `unreadable` or `over-bound`
   */
  read(bytes: Buffer, { number, reader }: Extract<Envelope, { kind: 'message' }>): AsyncMessage | undefined {
    if (bytes.length > MAX_MESSAGE_BYTES) return readMessage(number, reader)
    const key = bytes.toString('latin1')
    const known = this.#messages.get(key)
    if (known !== undefined) return known
    const message = readMessage(number, reader)
    if (this.#messages.has(key)) this.#messages.set(key, message)
    else this.#add(key)
    return message
  }

  #add(key: string): void {
    this.#messages.set(key, undefined)
    this.#bytes += key.length
    for (const oldest of this.#messages.keys()) {
      if (this.#messages.size <= MAX_MESSAGES && this.#bytes <= MAX_BYTES) return
      this.#messages.delete(oldest)
      this.#bytes -= oldest.length
    }
  }
}
