import type { ConnectionSettings } from './settings.ts'

/**
 * Detects a server that has stopped responding. When no bytes arrive for `keepaliveMs`, the connection sends a
 * keepalive call; when none arrive for `keepaliveTimeoutMs` after that, it is closed. All times are in milliseconds of
 * `performance.now()`.
 */
export class Keepalive {
  #lastReceived = 0
  /** Time of the keepalive call; undefined if bytes have arrived since. */
  #sent: number | undefined

  /** Time when the last bytes arrived. */
  get lastReceived(): number {
    return this.#lastReceived
  }

  /** Records that the connection was opened or that bytes arrived. */
  received(now: number): void {
    this.#lastReceived = now
    this.#sent = undefined
  }

  /**
   * Returns what to do at a heartbeat: nothing (`ok`), send a keepalive call (`send`) or close the connection
   * (`silent`). Acts one beat early, so that a silent server is detected within the sum of both times.
   *
   * @param now current time
   * @param next time of the next beat
   */
  check(
    now: number,
    next: number,
    { keepaliveMs, keepaliveTimeoutMs }: Pick<ConnectionSettings, 'keepaliveMs' | 'keepaliveTimeoutMs'>,
  ): 'ok' | 'send' | 'silent' {
    if (this.#sent !== undefined) return next - this.#sent > keepaliveTimeoutMs ? 'silent' : 'ok'
    if (next - this.#lastReceived <= keepaliveMs) return 'ok'
    this.#sent = now
    return 'send'
  }
}
