import { type ConnectOptions, connect } from '../connection/connect.ts'
import type { Connection } from '../connection/connection.ts'
import type { MessageName } from '../protocol/messages.ts'
import type { BodyCache } from './body-cache.ts'
import { Names, type PersonName } from './names.ts'

/** What keeps the caches true; a session of this kind is sent nothing else. */
export const ACCEPTED: readonly MessageName[] = ['async-new-name']

type Client = ConnectOptions['client']

export interface OpenOptions extends Omit<ConnectOptions, 'user' | 'accept'> {
  /** shared by the sessions on one server */
  bodies: BodyCache
}

/** Whoever has a say in who logs in. What a method throws is the answer, and the server is not asked. */
export interface LoginGuard {
  /** Somebody wants to log in. It is not yet known who. */
  begin(): void
  /** Somebody is to be logged in, by `ask`. Rejects as that does. */
  logIn(persNo: number, ask: () => Promise<void>): Promise<void>
  /** Checks the password of a person otherwise than by logging in: `ask` fails if it is wrong. Rejects as `ask` does. */
  checkPassword(persNo: number, ask: () => Promise<void>): Promise<void>
}

/** Opens a session on a LysKOM server. Rejects as `connect` does. */
export async function openSession({ bodies, ...options }: OpenOptions): Promise<LyskomSession> {
  const connection = await connect({ ...options, user: 'komgate', accept: ACCEPTED })
  return new LyskomSession(connection, options.client, bodies)
}

/** A connection, who is logged in on it, and what that person has been told. */
export class LyskomSession {
  readonly connection: Connection
  readonly names: Names
  /** the program on whose behalf it was opened */
  readonly client: Client
  readonly bodies: BodyCache
  /** Called when somebody else is logged in than before, or nobody. */
  onPerson: ((before: number) => void) | undefined
  loginGuard: LoginGuard | undefined
  #persNo = 0

  constructor(connection: Connection, client: Client, bodies: BodyCache) {
    this.connection = connection
    this.client = client
    this.bodies = bodies
    this.names = new Names(connection)
    connection.on('message', (message) => this.names.onMessage(message))
  }

  /** The person who is logged in, 0 when nobody is. */
  get persNo(): number {
    return this.#persNo
  }

  /** Asks the server for the session's number. One round trip. */
  async whoAmI(): Promise<{ sessionNo: number; person: PersonName | null }> {
    const persNo = this.#persNo
    if (persNo === 0) return { sessionNo: await this.connection.call('who-am-i'), person: null }
    const [sessionNo, person] = await Promise.all([this.connection.call('who-am-i'), this.names.person(persNo)])
    return { sessionNo, person }
  }

  /**
   * Logs a person in, by number or by name; whoever was logged in before is logged out by it, unless it fails.
   * Two round trips. Rejects with a `NameError` for a name that is not one person's.
   */
  async login(who: { persNo: number } | { name: string }, passwd: string): Promise<PersonName> {
    this.loginGuard?.begin()
    const named = 'name' in who ? await this.names.onePerson(who.name) : undefined
    const person = named?.persNo ?? (who as { persNo: number }).persNo
    await this.#logIn(person, passwd, false)
    return named ?? this.names.person(person)
  }

  /** @param invisible whether others shall not be told. One round trip. */
  async loginAs(person: number, passwd: string, invisible: boolean): Promise<void> {
    this.loginGuard?.begin()
    await this.#logIn(person, passwd, invisible)
  }

  /**
   * Sets the password of a person. One round trip.
   * @param oldPwd the password of the person who is logged in, who may be a supervisor of `person`
   */
  async setPassword(person: number, oldPwd: string, newPwd: string): Promise<void> {
    const ask = async () => void (await this.connection.call('set-passwd', { person, oldPwd, newPwd }))
    if (this.loginGuard === undefined || this.#persNo === 0) await ask()
    else await this.loginGuard.checkPassword(this.#persNo, ask)
  }

  async logout(): Promise<void> {
    await this.connection.call('logout', {}, { alone: true })
    this.#become(0)
  }

  /** Tells the server that somebody is there: the idle time that others see begins anew. */
  async active(): Promise<void> {
    await this.connection.call('user-active')
  }

  /** @param conference 0 for none; the person must be a member of any other */
  async changeConference(conference: number): Promise<void> {
    await this.connection.call('change-conference', { conference })
  }

  /** Ends another session, as far as the server lets this one. */
  async disconnect(sessionNo: number): Promise<void> {
    await this.connection.call('disconnect', { sessionNo })
  }

  /** Says goodbye and closes the line. Never rejects. */
  close(): Promise<void> {
    return this.connection.close()
  }

  async #logIn(person: number, passwd: string, invisible: boolean): Promise<void> {
    const ask = async () => void (await this.connection.call('login', { person, passwd, invisible }, { alone: true }))
    await (this.loginGuard?.logIn(person, ask) ?? ask())
    this.#become(person)
  }

  #become(persNo: number): void {
    if (persNo === this.#persNo) return
    this.names.clear()
    const before = this.#persNo
    this.#persNo = persNo
    this.onPerson?.(before)
  }
}
