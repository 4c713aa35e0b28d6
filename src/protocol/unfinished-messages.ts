import { ProtocolError } from './errors.ts'

/** A connection that buffers an unfinished message. */
export interface UnfinishedHolder {
  /** The limit that the connection shares with other connections; undefined for none. */
  readonly unfinished: UnfinishedMessages | undefined
  /** Closes the connection. Called if it has the largest buffer when all buffers together exceed the limit. */
  overflow(): void
}

/**
 * Limits the total size of the unfinished messages of many connections, so that a server cannot exhaust the memory by
 * starting a long message on each of a thousand connections. When the limit is exceeded, the connection with the
 * largest buffer is closed.
 */
export class UnfinishedMessages {
  readonly #maxBytes: number
  readonly #bytes = new Map<UnfinishedHolder, number>()
  #total = 0

  /** @param maxBytes limit in bytes for all connections together */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /**
   * Reserves `bytes` bytes for a holder, in place of its earlier reservation. The caller must call it before it
   * allocates the buffer.
   *
   * @throws ProtocolError `message-too-large` if the limit is exceeded and this holder has the largest buffer; another
   * holder with a larger buffer gets `overflow` instead
   */
  hold(holder: UnfinishedHolder, bytes: number): void {
    this.release(holder)
    this.#bytes.set(holder, bytes)
    this.#total += bytes
    if (this.#total <= this.#maxBytes) return
    const largest = this.#largest(holder)
    this.release(largest)
    if (largest !== holder) largest.overflow()
    else throw new ProtocolError('message-too-large', 'too many unfinished messages', 'unfinished-messages')
  }

  /** Releases the reservation of a holder, if it has one. */
  release(holder: UnfinishedHolder): void {
    const bytes = this.#bytes.get(holder)
    if (bytes === undefined) return
    this.#bytes.delete(holder)
    this.#total -= bytes
  }

  #largest(holder: UnfinishedHolder): UnfinishedHolder {
    let largest = holder
    let most = this.#bytes.get(holder) ?? 0
    for (const [each, bytes] of this.#bytes) {
      if (bytes > most) {
        largest = each
        most = bytes
      }
    }
    return largest
  }
}
