/** The requests and streams of a session, and its idle timeout. */
export abstract class SessionActivity {
  /** time of the last request, milliseconds of `performance.now()` */
  lastUsed = performance.now()
  #requests = 0
  #streams = 0

  /** The idle timeout that applies now, milliseconds. */
  abstract get idleMs(): number

  /** Called when a request has ended. */
  protected abstract onRequestEnd(): void

  /** Number of requests and WebSocket messages in flight. */
  get requests(): number {
    return this.#requests
  }

  /** Whether a stream or WebSocket is open, which suspends the idle timeout. */
  get hasStreams(): boolean {
    return this.#streams > 0
  }

  /**
   * Returns whether the session has been idle for longer than the idle timeout. Open streams suspend the timeout.
   * @param now milliseconds of `performance.now()`
   */
  hasTimedOut(now: number): boolean {
    return !this.hasStreams && now - this.lastUsed > this.idleMs
  }

  /** Restarts the idle timeout. */
  renew(): this {
    this.lastUsed = performance.now()
    return this
  }

  /** Counts a stream or WebSocket that was opened. */
  beginStream(): void {
    this.#streams++
  }

  /** Counts a stream or WebSocket that was closed, and restarts the idle timeout. */
  endStream(): void {
    this.#streams--
    this.renew()
  }

  /** Counts a request or WebSocket message. Closing the session waits for its response. */
  beginRequest(): void {
    this.#requests++
  }

  /** Counts the response to a request or WebSocket message. */
  endRequest(): void {
    this.#requests--
    this.onRequestEnd()
  }
}
