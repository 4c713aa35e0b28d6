/**
 * Coalesces small writes of many sockets. Each write wakes the process that reads it, which costs as much as the rest
 * of a short request, so under load it is cheaper to write everything at the end of an event-loop tick. The first write
 * of a tick goes out immediately if the last tick with writes had only one; all other writes wait for the end of the
 * tick.
 */
export class WriteCoalescer {
  /** Number of writes in the current tick. */
  #writes = 0
  /** Whether the last tick with writes had only one. */
  #isSparse = true

  /** Counts a write. Returns true to write immediately, and false to write at the end of the tick. */
  mayWriteNow(): boolean {
    if (this.#writes++ > 0) return false
    setImmediate(endTick, this)
    return this.#isSparse
  }

  /** Ends the tick. Called by `setImmediate`. */
  endTick(): void {
    this.#isSparse = this.#writes === 1
    this.#writes = 0
  }
}

function endTick(coalescer: WriteCoalescer): void {
  coalescer.endTick()
}
