/** The server counts as full for this long after it refused a session, milliseconds. */
const FULL_FOR_MS = 60_000

/**
 * The session capacity of a LysKOM server for this gateway, learned from its refusals: when the server has no
 * connections left, the capacity is the number of live sessions at that moment.
 */
export class ServerCapacity {
  #known = 0
  #fullUntil = Number.NEGATIVE_INFINITY

  /**
   * Records that the server refused a session because it is full.
   * @param sessions number of live sessions on the server
   * @param now current time, milliseconds
   */
  refused(sessions: number, now: number): void {
    this.#known = sessions
    this.#fullUntil = now + FULL_FOR_MS
  }

  /**
   * Records that a session was opened.
   * @param sessions number of live sessions on the server, including this one
   */
  sessionOpened(sessions: number): void {
    this.#known = Math.max(this.#known, sessions)
  }

  /**
   * Returns the number of sessions that one client address may hold: half of the capacity while the server is full,
   * undefined otherwise.
   * @param now current time, milliseconds
   */
  share(now: number): number | undefined {
    return now < this.#fullUntil ? Math.max(1, Math.floor(this.#known / 2)) : undefined
  }
}
