import { LimitError } from './limit-error.ts'
import type { LyskomServer } from './lyskom-server.ts'
import { networkOf } from './network.ts'
import { RateLimit } from './rate-limit.ts'

/** Options of `Admission`. */
export interface AdmissionOptions {
  /** maximum number of sessions */
  maxSessions: number
  /** maximum number of sessions from one client address */
  maxSessionsPerAddress: number
  /** sessions opened from one client address in a minute; default: no limit */
  maxOpeningsPerMinute?: number
  /** the current time, milliseconds since an arbitrary origin */
  clock?: () => number
}

const MINUTE_MS = 60_000

/** Limits the number of sessions, and the rate at which each client address opens them. */
export class Admission {
  readonly #options: AdmissionOptions
  readonly #servers: readonly LyskomServer[]
  readonly #openings: RateLimit

  /** @param servers all LysKOM servers; `maxSessions` and `maxSessionsPerAddress` apply to the sum of their sessions */
  constructor(options: AdmissionOptions, servers: Iterable<LyskomServer>) {
    this.#options = options
    this.#servers = [...servers]
    this.#openings = new RateLimit({
      max: options.maxOpeningsPerMinute ?? Number.POSITIVE_INFINITY,
      periodMs: MINUTE_MS,
      ...(options.clock && { clock: options.clock }),
    })
  }

  /**
   * Reserves a session on a server for a client. The caller releases it when the session has ended or cannot be opened.
   * @param clientAddress IP address of the client
   * @throws LimitError `sessions`, `sessions-per-address` or `openings-per-address` if a limit is reached
   */
  reserve(server: LyskomServer, clientAddress: string): void {
    const { maxSessions, maxSessionsPerAddress } = this.#options
    const network = networkOf(clientAddress)
    if (this.#sum((each) => each.reserved) >= maxSessions) {
      throw new LimitError('sessions', `this gateway holds no more than ${maxSessions} sessions`)
    }
    if (this.#sum((each) => each.reservedFor(network)) >= maxSessionsPerAddress) {
      throw new LimitError(
        'sessions-per-address',
        `this gateway holds no more than ${maxSessionsPerAddress} sessions for one client address`,
      )
    }
    const waitMs = this.#openings.take(network)
    if (waitMs > 0) {
      throw new LimitError('openings-per-address', 'Too many sessions were opened from this address; wait.', waitMs)
    }
    const share = server.share()
    if (share !== undefined && server.reservedFor(network) >= share) {
      throw new LimitError(
        'sessions-per-address',
        `the LysKOM server is full: one client address may hold ${share} of its sessions`,
      )
    }
    server.reserve(network)
  }

  /**
   * Releases a reserved session.
   * @param clientAddress the address that the session was reserved for
   */
  release(server: LyskomServer, clientAddress: string): void {
    server.release(networkOf(clientAddress))
  }

  #sum(count: (server: LyskomServer) => number): number {
    return this.#servers.reduce((sum, server) => sum + count(server), 0)
  }
}
