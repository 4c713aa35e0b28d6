import { EventEmitter } from 'node:events'
import { ConnectionError } from '../connection/errors.ts'
import type { TcpAddress } from '../connection/transport.ts'
import { KomError } from '../protocol/errors.ts'
import { GuessLimits } from './guess-limits.ts'
import { LimitError } from './limit-error.ts'
import type { Attempt, Outcome } from './login-failures.ts'
import { networksOf } from './network.ts'
import { RateLimit } from './rate-limit.ts'
import { serverKey } from './server-key.ts'
import type { SessionCount, SharedCounts } from './shared-counts.ts'

/** Options of `LoginLimits`. An undefined limit does not apply. */
export interface LoginLimitOptions {
  /** addresses of the LysKOM servers by server id; ids with the same address share the limits of a person */
  servers?: ReadonlyMap<string, TcpAddress>
  /** sessions of one person on one LysKOM server */
  maxSessionsPerPerson?: number
  /** logins from one client address in a minute */
  maxLoginsPerMinute?: number
  /** failed logins of one person from one network before attempts are delayed */
  freeLoginFailures?: number
  /**
   * failed logins of one person from all networks without an earlier login of the person, before attempts are delayed
   */
  freeLoginFailuresPerPerson?: number
  /** longest delay, milliseconds */
  maxLoginDelayMs?: number
  /** the sessions of other processes, to which the limit of a person applies too */
  counts?: SharedCounts | undefined
  /** the current time, milliseconds since an arbitrary origin */
  clock?: () => number
}

/** The part of a session that the limits use. */
export interface LimitedSession {
  readonly serverId: string
  /** address of the client that opened the session */
  readonly clientAddress: string
  /** whether it is being closed; it does not count then */
  readonly isClosing: boolean
  readonly hasStreams: boolean
  /** number of requests in flight */
  readonly requests: number
  /** time of the last request */
  readonly lastUsed: number
  close(reason: 'replaced'): Promise<void>
}

/** An allowed login. */
export interface LoginAttempt extends Attempt {
  /** number of logins that had succeeded when it began */
  readonly earlier: number
}

const MINUTE_MS = 60_000
const ANONYMOUS = 0
/** Multiples of `maxLoginsPerMinute` for a client address, for its /56 or IPv4 /24, and for its /48. */
const RATES = [1, 4, 8]
const WRONG: ReadonlySet<string> = new Set<KomError['errorName']>(['invalid-password', 'undefined-person'])

interface LoginLimitEvents {
  /** a login from an address has been counted against the rate limit */
  login: [address: string]
  /** a person has too many sessions, most of them in another process, which has to close some */
  crowded: [crowd: Crowd]
}

/** A person some of whose sessions a process has to close. */
export interface Crowd {
  process: string
  /** server and person, as `LoginLimits` names them */
  person: string
}

/** Limits logins. A session counts for the address of the client that opened it, even if other clients use it. */
export class LoginLimits extends EventEmitter<LoginLimitEvents> {
  readonly #maxPerPerson: number
  /** the limits on passwords that are wrong */
  readonly guesses: GuessLimits
  readonly #servers: LoginLimitOptions['servers']
  readonly #counts: SharedCounts | undefined
  readonly #rates: readonly RateLimit[]
  /** Sessions by the logged-in person, each with the number of its login. */
  readonly #sessions = new Map<string, Map<LimitedSession, number>>()
  /** Number of unfinished logins, by session. */
  readonly #pending = new Map<LimitedSession, number>()
  /** Number of successful logins. */
  #logins = 0

  constructor(options: LoginLimitOptions) {
    super()
    const { maxSessionsPerPerson, maxLoginsPerMinute, freeLoginFailures, maxLoginDelayMs, clock } = options
    const time = clock && { clock }
    this.#servers = options.servers
    this.#counts = options.counts
    this.#maxPerPerson = maxSessionsPerPerson ?? Number.POSITIVE_INFINITY
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

  /**
   * Counts a login of a session against the rate limit, before the person is known.
   * @throws LimitError `logins-per-address` if there are too many logins from the address of the session
   */
  countLogin({ clientAddress }: LimitedSession): void {
    const networks = networksOf(clientAddress)
    const waitMs = Math.max(...networks.map((network, i) => this.#rates[i]?.wait(network) ?? 0))
    if (waitMs > 0) {
      throw new LimitError('logins-per-address', 'Too many logins from this address; wait before the next one.', waitMs)
    }
    this.recordLogin(clientAddress)
    this.emit('login', clientAddress)
  }

  /** Records a login from an address in the rate limit, without checking it. */
  recordLogin(address: string): void {
    for (const [i, network] of networksOf(address).entries()) this.#rates[i]?.count(network)
  }

  /**
   * Begins a login of a person.
   * @param persNo person number
   * @throws LimitError `login-failures` while the client has to wait
   * @throws LimitError `sessions-per-person` if the person has too many sessions with streams, which are not replaced
   */
  beginLogin(session: LimitedSession, persNo: number): LoginAttempt {
    const attempt = this.beginGuess(session, persNo)
    const kept = this.#others(this.#personOn(session, persNo), session).filter(({ hasStreams }) => hasStreams)
    // Only pending attempts from the same network count: attempts from elsewhere must not lock the person out.
    if (kept.length + attempt.pending > this.#maxPerPerson) {
      attempt.end('unknown')
      throw this.#tooMany()
    }
    this.#pending.set(session, (this.#pending.get(session) ?? 0) + 1)
    const end = (outcome: Outcome): void => {
      const pending = (this.#pending.get(session) ?? 0) - 1
      if (pending > 0) this.#pending.set(session, pending)
      else this.#pending.delete(session)
      attempt.end(outcome)
    }
    return { pending: attempt.pending, end, earlier: this.#logins }
  }

  /**
   * Makes room for a session in which a login has succeeded: while the person has too many other sessions, closes the one
   * that has been idle for the longest time. Sessions with requests in flight come last. Never closes sessions with
   * streams, and sessions whose login overlaps this one.
   * @throws LimitError `sessions-per-person` if no session can be closed
   */
  makeRoom(session: LimitedSession, persNo: number, { earlier }: LoginAttempt): void {
    const person = this.#personOn(session, persNo)
    const others = this.#others(person, session)
    const excess = others.length + 1 - this.#maxPerPerson
    if (excess <= 0) return
    const replaceable = this.#replaceable(person, session, earlier)
    if (replaceable.length < excess) throw this.#tooMany()
    replace(replaceable.slice(0, excess))
  }

  /**
   * Like `makeRoom`, with the sessions of other processes: the process that has most sessions of the person closes those that
   * have been idle for the longest time. Does nothing if they all have streams. Undefined if there are no other processes.
   */
  makeRoomElsewhere(session: LimitedSession, persNo: number): Promise<void> | undefined {
    return this.#counts && this.#makeRoomElsewhere(this.#counts, session, this.#personOn(session, persNo))
  }

  async #makeRoomElsewhere(counts: SharedCounts, session: LimitedSession, person: string): Promise<void> {
    const own = this.#countOf(person)
    const [elsewhere] = await counts.exchange([own])
    const excess = own[1] + (elsewhere?.sessions ?? 0) - this.#maxPerPerson
    if (elsewhere?.most === undefined || excess <= 0) return
    const { process, sessions } = elsewhere.most
    if (sessions > own[1]) this.emit('crowded', { process, person })
    else replace(this.#replaceable(person, session).slice(0, excess))
  }

  /** Closes sessions of a person who has too many in all processes, as it is after all earlier closings. */
  async replaceLongestIdle(person: string): Promise<void> {
    const [elsewhere] = (await this.#counts?.exchange([this.#countOf(person)])) ?? []
    // Another call may have closed some meanwhile.
    const excess = this.#countOf(person)[1] + (elsewhere?.sessions ?? 0) - this.#maxPerPerson
    if (excess > 0) replace(this.#replaceable(person).slice(0, excess))
  }

  /**
   * Begins an operation that checks the password of a person.
   * @param persNo person number
   * @throws LimitError `login-failures` while the client has to wait
   */
  beginGuess(session: LimitedSession, persNo: number): Attempt {
    return this.guesses.begin(this.#personOn(session, persNo), session.clientAddress)
  }

  /**
   * Calls `begin` when the unfinished attempts on a person from the network of the session leave room for another
   * failure, usually immediately; see `GuessLimits.whenFree`.
   */
  whenFree<A extends Attempt>(session: LimitedSession, persNo: number, begin: () => A): A | Promise<A> {
    return this.guesses.whenFree(this.#personOn(session, persNo), session.clientAddress, begin)
  }

  /**
   * Records a change of the logged-in person: a login, a logout or the end of a session.
   * @param before person number before the change; 0 for an anonymous session
   * @param now person number after the change; 0 after a logout and for a session that has ended
   */
  recordPerson(session: LimitedSession, before: number, now: number): void {
    if (before !== ANONYMOUS) this.#remove(this.#personOn(session, before), session)
    if (now !== ANONYMOUS) this.#add(this.#personOn(session, now), session)
    const changed = [before, now].filter((persNo) => persNo !== ANONYMOUS)
    this.#counts?.publish(changed.map((persNo) => this.#countOf(this.#personOn(session, persNo))))
  }

  /**
   * Records that a session is being closed, and does not count from then on.
   * @param persNo its person number; 0 for an anonymous session
   */
  recordClosing(session: LimitedSession, persNo: number): void {
    this.recordPerson(session, persNo, ANONYMOUS)
  }

  /** The sessions of each person, as other processes count them. */
  *counts(): Generator<SessionCount, void, undefined> {
    for (const person of this.#sessions.keys()) yield this.#countOf(person)
  }

  #countOf(person: string): SessionCount {
    return [`person ${person}`, this.#sessions.get(person)?.size ?? 0]
  }

  /**
   * Returns the sessions of a person that may be closed, the longest idle first; those with requests in flight are last.
   * @param but a session that is not closed
   * @param earlier only sessions with one of so many first logins
   */
  #replaceable(person: string, but?: LimitedSession, earlier = this.#logins): LimitedSession[] {
    const logins = this.#sessions.get(person)
    const replaceable = this.#others(person, but).filter(
      (other) => !other.hasStreams && !this.#pending.has(other) && (logins?.get(other) ?? 0) <= earlier,
    )
    return replaceable.sort(
      (one, other) => Number(one.requests > 0) - Number(other.requests > 0) || one.lastUsed - other.lastUsed,
    )
  }

  /** Returns the sessions of a person that are not being closed, without `but`. */
  #others(person: string, but?: LimitedSession): LimitedSession[] {
    const sessions = this.#sessions.get(person)?.keys() ?? []
    return [...sessions].filter((session) => session !== but && !session.isClosing)
  }

  #tooMany(): LimitError {
    return new LimitError(
      'sessions-per-person',
      `this gateway holds no more than ${this.#maxPerPerson} sessions of one person`,
    )
  }

  /** Returns the key of a person on the LysKOM server of a session. */
  #personOn({ serverId }: LimitedSession, persNo: number): string {
    return `${serverKey(this.#servers, serverId)} ${persNo}`
  }

  #add(person: string, session: LimitedSession): void {
    const login = ++this.#logins
    const sessions = this.#sessions.get(person)
    if (sessions === undefined) this.#sessions.set(person, new Map([[session, login]]))
    else sessions.set(session, login)
  }

  #remove(person: string, session: LimitedSession): void {
    const sessions = this.#sessions.get(person)
    sessions?.delete(session)
    if (sessions?.size === 0) this.#sessions.delete(person)
  }
}

function replace(sessions: readonly LimitedSession[]): void {
  for (const session of sessions) void session.close('replaced')
}

/**
 * Returns the outcome of an attempt that threw an error: `failed` if it counts as a wrong password, otherwise
 * `unknown`. An attempt without a reply counts: a client can close the session before the reply and see in another
 * session whether the login succeeded.
 */
export function outcomeOf(error: unknown): Outcome {
  const isWrong =
    error instanceof KomError
      ? WRONG.has(error.errorName)
      : error instanceof ConnectionError && error.code !== 'too-many-calls'
  return isWrong ? 'failed' : 'unknown'
}
