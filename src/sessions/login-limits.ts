import { ConnectionError } from '../connection/errors.ts'
import type { TcpAddress } from '../connection/transport.ts'
import type { LoginGuard } from '../lyskom/session.ts'
import { KomError } from '../protocol/errors.ts'
import { GuessLimits } from './guess-limits.ts'
import { LimitError } from './limit-error.ts'
import { networksOf } from './network.ts'
import { RateLimit } from './rate-limit.ts'

/** No limit where none is given. */
export interface LoginLimitOptions {
  /** the addresses of the LysKOM servers by id: ids with the same address share the limits of a person */
  servers?: ReadonlyMap<string, TcpAddress>
  /** of one person on one server */
  maxSessionsPerPerson?: number
  /** for one client address */
  maxLoginsPerMinute?: number
  /** of one person, from one client address, before the next has to wait */
  freeLoginFailures?: number
  /** of one person, from all networks that have not logged the person in before, before each has to wait */
  freeLoginFailuresPerPerson?: number
  /** the longest such wait */
  maxLoginDelayMs?: number
  /** milliseconds, from any beginning */
  clock?: () => number
}

/** What a limit wants to know of a session. */
interface Session {
  readonly serverId: string
  /** of the client that opened it */
  readonly clientAddress: string
}

const MINUTE_MS = 60_000
const NOBODY = 0
/** A client address, its /56 or /24 and its /48 may try so many times `maxLoginsPerMinute`. */
const RATES = [1, 4, 8]
const WRONG: ReadonlySet<string> = new Set<KomError['errorName']>(['invalid-password', 'undefined-person'])

/** Who may log in, and when. A session counts as of the address that opened it, whoever uses it. */
export class LoginLimits {
  readonly maxPerPerson: number
  readonly guesses: GuessLimits
  readonly #servers: LoginLimitOptions['servers']
  readonly #rates: readonly RateLimit[]
  /** The sessions of each person who is logged in. */
  readonly #sessions = new Map<string, Set<Session>>()

  constructor(options: LoginLimitOptions) {
    const { maxSessionsPerPerson, maxLoginsPerMinute, freeLoginFailures, maxLoginDelayMs, clock } = options
    const time = clock && { clock }
    this.#servers = options.servers
    this.maxPerPerson = maxSessionsPerPerson ?? Number.POSITIVE_INFINITY
    const max = maxLoginsPerMinute ?? Number.POSITIVE_INFINITY
    this.#rates = RATES.map((factor) => new RateLimit({ max: max * factor, periodMs: MINUTE_MS, ...time }))
    this.guesses = new GuessLimits({
      limit: 'login-failures',
      message: 'Too many logins of this person have failed; wait before the next one.',
      free: freeLoginFailures ?? Number.POSITIVE_INFINITY,
      freeInAll: options.freeLoginFailuresPerPerson ?? Number.POSITIVE_INFINITY,
      maxDelayMs: maxLoginDelayMs ?? MINUTE_MS,
      ...time,
    })
  }

  /** Counts a login from an address. Returns the milliseconds to wait if there are too many, 0 if the login may be tried. */
  takeLogin(address: string): number {
    const networks = networksOf(address)
    const waitMs = Math.max(...networks.map((network, i) => this.#rates[i]?.wait(network) ?? 0))
    if (waitMs > 0) return waitMs
    for (const [i, network] of networks.entries()) this.#rates[i]?.take(network)
    return 0
  }

  /** The sessions of a person, but for one. */
  others(person: string, but: Session): number {
    const sessions = this.#sessions.get(person)
    return sessions === undefined ? 0 : sessions.size - (sessions.has(but) ? 1 : 0)
  }

  /** Somebody has logged in or out on a session, or it has ended: then nobody is logged in any more. */
  count(session: Session, before: number, now: number): void {
    if (before !== NOBODY) this.#remove(this.personOn(session, before), session)
    if (now !== NOBODY) this.#add(this.personOn(session, now), session)
  }

  /** Names a person on the LysKOM server of a session. */
  personOn({ serverId }: Session, persNo: number): string {
    const server = this.#servers?.get(serverId)
    return server === undefined ? `${serverId} ${persNo}` : `${server.host.toLowerCase()} ${server.port} ${persNo}`
  }

  #add(person: string, session: Session): void {
    const sessions = this.#sessions.get(person)
    if (sessions === undefined) this.#sessions.set(person, new Set([session]))
    else sessions.add(session)
  }

  #remove(person: string, session: Session): void {
    const sessions = this.#sessions.get(person)
    sessions?.delete(session)
    if (sessions?.size === 0) this.#sessions.delete(person)
  }
}

/** The limits as one session meets them. */
export class SessionLogins implements LoginGuard {
  readonly #limits: LoginLimits
  readonly #session: Session

  constructor(limits: LoginLimits, session: Session) {
    this.#limits = limits
    this.#session = session
  }

  begin(): void {
    const waitMs = this.#limits.takeLogin(this.#session.clientAddress)
    if (waitMs === 0) return
    throw new LimitError('logins-per-address', 'Too many logins from this address; wait before the next one.', waitMs)
  }

  async logIn(persNo: number, ask: () => Promise<void>): Promise<void> {
    const { maxPerPerson } = this.#limits
    const person = this.#limits.personOn(this.#session, persNo)
    await this.#guess(persNo, async (pending) => {
      // Of those who try, only the ones from the same address count: from elsewhere nobody could keep the person out.
      if (this.#limits.others(person, this.#session) + pending > maxPerPerson) {
        throw new LimitError(
          'sessions-per-person',
          `this gateway holds no more than ${maxPerPerson} sessions of one person`,
        )
      }
      await ask()
    })
  }

  async checkPassword(persNo: number, ask: () => Promise<void>): Promise<void> {
    this.begin()
    await this.#guess(persNo, ask)
  }

  /** @param ask makes the attempt; `pending` is the number of attempts under way on the person from the same network */
  async #guess(persNo: number, ask: (pending: number) => Promise<void>): Promise<void> {
    const attempt = this.#limits.guesses.begin(
      this.#limits.personOn(this.#session, persNo),
      this.#session.clientAddress,
    )
    try {
      await ask(attempt.pending)
    } catch (error) {
      attempt.end(isWrong(error) ? 'failed' : 'unknown')
      throw error
    }
    attempt.end('succeeded')
  }
}

/**
 * Whether an attempt was a guess at a password. An attempt without a known outcome is one: a client that closes the
 * session meanwhile may see in another session whether the person was logged in for a moment.
 */
function isWrong(error: unknown): boolean {
  if (error instanceof KomError) return WRONG.has(error.errorName)
  return error instanceof ConnectionError && error.code !== 'too-many-calls'
}
