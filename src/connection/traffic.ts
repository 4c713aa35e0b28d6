/**
 * Decides what leaves this process at once. To write wakes whoever reads, which costs as much as all of a short request.
 * So what comes in numbers had better leave together, at the end of the turn of the event loop; what comes alone has
 * nothing to wait for. Which it is, the last turn tells.
 */
export class Traffic {
  #inTurn = 0
  #isSparse = true

  /** Counts one more that is to leave. Returns whether it shall at once; else it is to wait for the end of the turn. */
  leavesAtOnce(): boolean {
    if (this.#inTurn++ > 0) return false
    setImmediate(endTurn, this)
    return this.#isSparse
  }

  endTurn(): void {
    this.#isSparse = this.#inTurn === 1
    this.#inTurn = 0
  }
}

function endTurn(traffic: Traffic): void {
  traffic.endTurn()
}
