/** Streams of other nodes that have no end of their own. They end when this node shuts down, and clients connect again. */
export class OpenStreams {
  readonly #ends = new Set<() => void>()

  /**
   * Adds a stream.
   * @param end ends it
   * @returns removes it, when it has ended
   */
  add(end: () => void): () => void {
    this.#ends.add(end)
    return () => this.#ends.delete(end)
  }

  /** Ends all streams. */
  endAll(): void {
    for (const end of this.#ends) end()
  }
}
