import { EventEmitter } from 'node:events'
import { LimitError } from './limit-error.ts'
import type { LyskomServer } from './lyskom-server.ts'
import { ownNetworksOf } from './network.ts'
import { RateLimit } from './rate-limit.ts'
import type { SessionCount, SharedCounts } from './shared-counts.ts'

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
/** Multiples of `maxSessionsPerAddress` for the /64, /56 and /48 of an IPv6 address; the first one is for IPv4 too. */
const FACTORS = [1, 2, 4]

interface AdmissionEvents {
  /** a session is being opened for an address */
  opening: [address: string]
}

/** Limits the number of sessions, and the rate at which each client address opens them. */
export class Admission extends EventEmitter<AdmissionEvents> {
  readonly #options: AdmissionOptions
  readonly #servers: readonly LyskomServer[]
  readonly #openings: RateLimit
  readonly #counts: SharedCounts | undefined

  /**
   * @param servers all LysKOM servers; `maxSessions` and `maxSessionsPerAddress` apply to the sum of their sessions
   * @param counts the sessions of other processes, to which `maxSessionsPerAddress` applies too
   */
  constructor(options: AdmissionOptions, servers: Iterable<LyskomServer>, counts?: SharedCounts) {
    super()
    this.#counts = counts
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
    const { maxSessions } = this.#options
    const networks = ownNetworksOf(clientAddress)
    if (this.#sum((each) => each.reserved) >= maxSessions) {
      throw new LimitError('sessions', `this gateway holds no more than ${maxSessions} sessions`)
    }
    for (const [i, network] of networks.entries()) {
      if (this.#reservedFor(network) >= this.#max(i)) throw this.#tooMany(i)
    }
    const waitMs = this.#openings.take(networks[0])
    if (waitMs > 0) {
      throw new LimitError('openings-per-address', 'Too many sessions were opened from this address; wait.', waitMs)
    }
    const share = server.share()
    // A /48 may belong to many households: its limit does not depend on the server.
    if (share !== undefined && networks.slice(0, 2).some((network) => server.reservedFor(network) >= share)) {
      throw new LimitError(
        'sessions-per-address',
        `the LysKOM server is full: one client address may hold ${share} of its sessions`,
      )
    }
    server.reserve(networks)
    this.emit('opening', clientAddress)
  }

  /**
   * Checks the limit of a reserved session again, with the sessions of other processes; undefined if there are none.
   * @throws LimitError `sessions-per-address`, as a rejection
   */
  checkElsewhere(clientAddress: string): Promise<void> | undefined {
    return this.#counts && this.#checkElsewhere(this.#counts, ownNetworksOf(clientAddress))
  }

  async #checkElsewhere(shared: SharedCounts, networks: readonly string[]): Promise<void> {
    const counts = networks.map((network) => this.#countOf(network))
    const elsewhere = await shared.exchange(counts)
    for (const [i, [, own]] of counts.entries()) {
      if (own + (elsewhere[i]?.sessions ?? 0) > this.#max(i)) throw this.#tooMany(i)
    }
  }

  /** The sessions of each client network, as other processes count them. */
  *counts(): Generator<SessionCount, void, undefined> {
    const networks = new Set(this.#servers.flatMap((server) => [...server.networks]))
    for (const network of networks) yield this.#countOf(network)
  }

  /** Records an opening by another process in the rate limit, without checking it. */
  recordOpening(clientAddress: string): void {
    this.#openings.count(ownNetworksOf(clientAddress)[0])
  }

  /**
   * Releases a reserved session.
   * @param clientAddress the address that the session was reserved for
   */
  release(server: LyskomServer, clientAddress: string): void {
    const networks = ownNetworksOf(clientAddress)
    server.release(networks)
    this.#counts?.publish(networks.map((network) => this.#countOf(network)))
  }

  #countOf(network: string): SessionCount {
    return [`address ${network}`, this.#reservedFor(network)]
  }

  #reservedFor(network: string): number {
    return this.#sum((server) => server.reservedFor(network))
  }

  /** Returns the maximum for a network. @param i its index in `ownNetworksOf` */
  #max(i: number): number {
    return this.#options.maxSessionsPerAddress * (FACTORS[i] ?? 1)
  }

  #tooMany(i: number): LimitError {
    const whose = i === 0 ? 'one client address' : 'one client network'
    return new LimitError(
      'sessions-per-address',
      `this gateway holds no more than ${this.#max(i)} sessions for ${whose}`,
    )
  }

  #sum(count: (server: LyskomServer) => number): number {
    return this.#servers.reduce((sum, server) => sum + count(server), 0)
  }
}
