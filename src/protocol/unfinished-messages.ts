import { ProtocolError } from './errors.ts'

/** One connection, as far as its unfinished message is concerned. */
export interface UnfinishedHolder {
  readonly unfinished: UnfinishedMessages | undefined
  /** Ends the connection, which holds more than any other. */
  overflow(): void
}

/**
 * Bounds the unfinished messages of many connections together: a server that begins a long message on each of a thousand
 * connections must not fill the memory. The connection that holds the most has to end.
 */
export class UnfinishedMessages {
  readonly #maxBytes: number
  readonly #bytes = new Map<UnfinishedHolder, number>()
  #total = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Called before a holder holds so many bytes. Throws a `ProtocolError` when this is the holder that has to end. */
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
