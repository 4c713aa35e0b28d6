import type { LoginGuard } from '../lyskom/session.ts'
import { LimitError } from './limit-error.ts'
import { LoginFailures } from './login-failures.ts'
import { networkOf } from './network.ts'
import { RateLimit } from './rate-limit.ts'

/** No limit where none is given. */
export interface LoginLimitOptions {
  /** of one person on one server */
  maxSessionsPerPerson?: number
  /** for one client address */
  maxLoginsPerMinute?: number
  /** of one person, from one client address, before the next has to wait */
  freeLoginFailures?: number
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

/** Who may log in, and when. A session counts as of the address that opened it, whoever uses it. */
export class LoginLimits {
  readonly maxPerPerson: number
  readonly rate: RateLimit
  readonly failures: LoginFailures
  /** The sessions of each person who is logged in. */
  readonly #sessions = new Map<string, Set<Session>>()

  constructor(options: LoginLimitOptions) {
    const { maxSessionsPerPerson, maxLoginsPerMinute, freeLoginFailures, maxLoginDelayMs, clock } = options
    const time = clock && { clock }
    this.maxPerPerson = maxSessionsPerPerson ?? Number.POSITIVE_INFINITY
    this.rate = new RateLimit({ max: maxLoginsPerMinute ?? Number.POSITIVE_INFINITY, periodMs: MINUTE_MS, ...time })
    this.failures = new LoginFailures({
      free: freeLoginFailures ?? Number.POSITIVE_INFINITY,
      maxDelayMs: maxLoginDelayMs ?? MINUTE_MS,
      ...time,
    })
  }

  /** The sessions of a person, but for one. */
  others(person: string, but: Session): number {
    const sessions = this.#sessions.get(person)
    return sessions === undefined ? 0 : sessions.size - (sessions.has(but) ? 1 : 0)
  }

  /** Somebody has logged in or out on a session, or it has ended: then nobody is logged in any more. */
  count(session: Session, before: number, now: number): void {
    if (before !== NOBODY) this.#remove(personOn(session, before), session)
    if (now !== NOBODY) this.#add(personOn(session, now), session)
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
    const waitMs = this.#limits.rate.take(networkOf(this.#session.clientAddress))
    if (waitMs === 0) return
    throw new LimitError('logins-per-address', 'Too many logins from this address; wait before the next one.', waitMs)
  }

  async logIn(persNo: number, ask: () => Promise<void>): Promise<void> {
    const { failures, maxPerPerson } = this.#limits
    const person = personOn(this.#session, persNo)
    await failures.try(`${networkOf(this.#session.clientAddress)} ${person}`, async (pending) => {
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
}

function personOn({ serverId }: Session, persNo: number): string {
  return `${serverId} ${persNo}`
}
