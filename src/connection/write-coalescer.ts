/**
 * Coalesces small writes of many sockets. A write wakes the reader, which costs as much as the rest of a short request,
 * so under load it is cheaper to write everything at the end of an event-loop tick. The first write of a tick goes out
 * immediately if the last tick with writes had only one; all other writes wait for the end of the tick.
 */
export class WriteCoalescer {
  #inTurn = 0
  #isSparse = true

  /** Counts a write. Returns whether to write immediately; otherwise the write must wait for the end of the tick. */
  leavesAtOnce(): boolean {
    if (this.#inTurn++ > 0) return false
    setImmediate(endTurn, this)
    return this.#isSparse
  }

  /** Ends the tick. Called by `setImmediate`. */
  endTurn(): void {
    this.#isSparse = this.#inTurn === 1
    this.#inTurn = 0
  }
}

function endTurn(traffic: WriteCoalescer): void {
  traffic.endTurn()
}
