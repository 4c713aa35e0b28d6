/** Streams of other nodes that have no end of their own. They end when this node shuts down, and clients connect again. */
export class OpenStreams {
  readonly #ends = new Set<() => void>()
  #hasEnded = false

  /**
   * Adds a stream, and ends it at once if the others have ended.
   * @param end ends it
   * @returns removes it, when it has ended
   */
  add(end: () => void): () => void {
    if (this.#hasEnded) end()
    else this.#ends.add(end)
    return () => this.#ends.delete(end)
  }

  /** Ends all streams, those too that are added later. */
  endAll(): void {
    this.#hasEnded = true
    for (const end of this.#ends) end()
  }
}
