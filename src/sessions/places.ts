/** How long a refusal counts. Rejected clients come back sooner, and renew it while the server is full. */
const FULL_FOR_MS = 60_000

/**
 * The places that a LysKOM server has for this gateway, learnt from its refusals: when it has no connections left, it has
 * as many as there are sessions at that moment.
 */
export class Places {
  #known = 0
  #fullUntil = Number.NEGATIVE_INFINITY

  /** The server refused a session because it is full. @param sessions the live ones on it */
  refused(sessions: number, now: number): void {
    this.#known = sessions
    this.#fullUntil = now + FULL_FOR_MS
  }

  /** A session was opened. @param sessions the live ones on the server, this one included */
  opened(sessions: number): void {
    this.#known = Math.max(this.#known, sessions)
  }

  /** The sessions that one client address may hold: half of the places while the server is full, undefined otherwise. */
  share(now: number): number | undefined {
    return now < this.#fullUntil ? Math.max(1, Math.floor(this.#known / 2)) : undefined
  }
}
