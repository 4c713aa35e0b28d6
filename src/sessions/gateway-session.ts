import type { EventEmitter } from 'node:events'
import type { CallOptions } from '../connection/calls.ts'
import type { CallWatcher } from '../connection/connection.ts'
import type { PersonName } from '../lyskom/names.ts'
import type { LyskomSession } from '../lyskom/session.ts'
import type { CallName, Params } from '../protocol/calls/index.ts'
import type { Key } from '../store/record.ts'
import type { ChangeMaker, ChangeReceiver, ChangeRelay } from './change-relay.ts'
import { changeOf } from './changes.ts'
import { Closing, type ClosingRequest } from './closing.ts'
import { EventFeed } from './event-feed.ts'
import type { EventLog } from './event-log.ts'
import type { Attempt } from './login-failures.ts'
import { type LoginAttempt, type LoginLimits, outcomeOf } from './login-limits.ts'
import { SessionActivity } from './session-activity.ts'

/**
 * Why a session was closed: `idle`, `deleted` (by its client), `ended` (through its record), `replaced` (by a new login of
 * its person), `admin` (by the operator), `shutdown`, `fenced` (another node of the cluster has taken the slot of its id), or the code of the `ConnectionError` that ended its connection.
 */
export type CloseReason = string

/** The events of gateway sessions. */
export interface SessionEvents {
  /** a person logged in or out */
  person: [session: GatewaySession]
  /** `requestId`: id of the request that closed the session, if any */
  closed: [session: GatewaySession, reason: CloseReason, requestId: string | undefined]
}

/** Settings and objects that all sessions of a registry share. */
export interface SessionContext {
  /** idle timeout of anonymous sessions, milliseconds */
  sessionIdleMs: number
  /** idle timeout while a person is logged in, milliseconds */
  loginIdleMs: number
  /** the limits on logins */
  logins: LoginLimits
  /** carries the changes that sessions make to the event logs of others */
  changes: ChangeRelay
  /** emits the events of all sessions: an emitter in each session would add 220 bytes to it */
  events: Pick<EventEmitter<SessionEvents>, 'emit'>
}

/** Options of `GatewaySession`. */
export interface GatewaySessionOptions {
  /** hash of the connection id, a version 4 UUID; the gateway does not keep the id itself */
  key: Key
  /** id of the LysKOM server in `servers.json` */
  serverId: string
  /** IP address of the client that opened the session */
  clientAddress: string
  /** the session on the LysKOM server */
  lyskom: LyskomSession
}

/** A live session on a LysKOM server, which clients address by its connection id. */
export class GatewaySession extends SessionActivity implements CallWatcher, ChangeMaker {
  /** hash of the connection id, by which registry and store find the session */
  readonly key: Key
  /** id of the LysKOM server in `servers.json` */
  readonly serverId: string
  /** IP address of the client that opened the session */
  readonly clientAddress: string
  /** the session on the LysKOM server */
  readonly lyskom: LyskomSession
  readonly #context: SessionContext
  /** Number of the person that the login limits count the session for; 0 for none. */
  #countedPerson = 0
  #closing: Closing | undefined
  #feed: EventFeed | undefined
  /** Why it has ended. */
  #endReason: CloseReason | undefined

  /** @param context settings and objects that all sessions share */
  constructor({ key, serverId, clientAddress, lyskom }: GatewaySessionOptions, context: SessionContext) {
    super()
    this.key = key
    this.serverId = serverId
    this.clientAddress = clientAddress
    this.lyskom = lyskom
    this.#context = context
    lyskom.connection.watcher = this
    lyskom.connection.on('close', ({ code }) => {
      // A closing session ends after the closing request has its response.
      if (this.#closing === undefined) this.#end(code)
    })
  }

  /**
   * Logs a person in, by number or by name. A successful login logs the previous person out. Two round trips.
   * @param who the person number, or the name, which may be abbreviated
   * @param passwd the password
   * @returns number and full name of the person
   * @throws LimitError if a login limit is reached; the session keeps its person, or is logged out if the person got too
   *   many sessions with streams during the login
   * @throws NameError if no person matches the name, or more than one
   * @throws KomError if the server rejects the login
   */
  async login(who: { persNo: number } | { name: string }, passwd: string): Promise<PersonName> {
    const { names } = this.lyskom
    this.#context.logins.countLogin(this)
    if ('name' in who) {
      const person = await names.onePerson(who.name)
      await this.#logIn(person.persNo, passwd, false)
      return person
    }
    await this.#logIn(who.persNo, passwd, false)
    return await names.person(who.persNo)
  }

  /**
   * Logs a person in by number. One round trip.
   * @param persNo person number
   * @param passwd the password
   * @param invisible whether to hide the session from other persons
   * @throws LimitError as `login` does
   * @throws KomError if the server rejects the login
   */
  async loginAs(persNo: number, passwd: string, invisible: boolean): Promise<void> {
    this.#context.logins.countLogin(this)
    await this.#logIn(persNo, passwd, invisible)
  }

  /** Logs the person out; the session becomes anonymous. One round trip. */
  async logout(): Promise<void> {
    await this.lyskom.logout(() => this.#onPerson())
    this.#syncPerson()
  }

  /**
   * Sets the password of a person. A wrong old password counts as a failed login. One round trip.
   * @param person number of the person whose password is set
   * @param oldPwd the password of the logged-in person, who may be a supervisor of `person`
   * @param newPwd the new password of `person`
   * @throws LimitError if a login limit is reached; the server is not called
   * @throws KomError if the server rejects the change
   */
  async setPassword(person: number, oldPwd: string, newPwd: string): Promise<void> {
    const { logins } = this.#context
    const { persNo } = this.lyskom
    // The server rejects the call in an anonymous session without checking a password.
    if (persNo === 0) return await this.lyskom.setPassword(person, oldPwd, newPwd)
    logins.countLogin(this)
    const attempt = logins.beginGuess(this, persNo)
    await this.lyskom.setPassword(person, oldPwd, newPwd).catch(failed(attempt))
    attempt.end('succeeded')
  }

  /**
   * Returns the event log, which has every event from then on. One round trip the first time.
   * @throws KomError or ConnectionError if the server does not accept the messages
   */
  events(): Promise<EventLog> {
    return this.#feedOf().start()
  }

  /**
   * Returns the event log at once. It has every event that follows from calls made later.
   * @returns `accepted`: a promise that rejects if the server does not accept the messages
   */
  beginEvents(): { log: EventLog; accepted: Promise<EventLog> } {
    return this.#feedOf().begin()
  }

  /**
   * Requests asynchronous messages for the client, by number, besides those that the session needs. One round trip.
   * @throws KomError `unknown-async` if one of them is unknown; the others are accepted
   */
  accept(messages: readonly number[]): Promise<void> {
    return this.#feedOf().accept(messages)
  }

  /** Makes the change of a call known to the event logs of the sessions that it concerns. */
  onCall<N extends CallName>(
    name: N,
    params: Params<N>,
    { textNos }: CallOptions,
  ): ((error?: unknown) => void) | undefined {
    const change = changeOf(name, params, textNos)
    return change && this.#context.changes.begin(this, change)
  }

  /** Number of the logged-in person; 0 for an anonymous session. */
  get persNo(): number {
    return this.lyskom.persNo
  }

  /** Receives the changes for the event log; undefined if there is none. */
  get receiver(): ChangeReceiver | undefined {
    return this.#feed
  }

  /** Adds the last event to the event log, if there is one. */
  endEvents(reason: CloseReason): void {
    this.#feed?.close(reason)
  }

  /** The idle timeout that applies now, milliseconds. */
  get idleMs(): number {
    const { sessionIdleMs, loginIdleMs } = this.#context
    return this.lyskom.persNo === 0 ? sessionIdleMs : loginIdleMs
  }

  protected onRequestEnd(): void {
    this.#closing?.requestEnded()
  }

  /** Whether the session is being closed. It accepts no further requests. */
  get isClosing(): boolean {
    return this.#closing !== undefined
  }

  /** Whether the session has ended. */
  get hasEnded(): boolean {
    return this.#endReason !== undefined
  }

  /** Resolves when the session has ended if it is being closed, and immediately otherwise. */
  async whenEnded(): Promise<void> {
    await this.#closing?.ended
  }

  /**
   * Accepts no further requests, waits for those in flight, and ends the session. Does nothing if the session is
   * already closing or has ended.
   * @param reason reason in the `closed` event
   * @param request the request that closes the session, if any
   * @returns a promise that resolves as described in `Closing.run`
   */
  async close(reason: CloseReason = 'deleted', request?: ClosingRequest): Promise<void> {
    if (this.#closing !== undefined || this.hasEnded) return
    this.#closing = new Closing()
    this.#context.logins.recordClosing(this, this.#countedPerson)
    // Streams end while the requests in flight finish.
    this.endEvents(reason)
    const ownRequests = request?.isOwn ? 1 : 0
    const steps = {
      isDrained: () => this.requests <= ownRequests,
      disconnect: () => this.lyskom.close(),
      end: () => this.end(reason, request?.requestId),
    }
    await this.#closing.run(steps, request)
  }

  /**
   * Ends the session immediately; requests in flight fail. Resolves when the connection is closed.
   * @param reason reason in the `closed` event
   * @param requestId id of the request that ends the session, if any
   */
  async end(reason: CloseReason, requestId?: string): Promise<void> {
    this.#end(reason, requestId)
    await this.lyskom.close()
  }

  #end(reason: CloseReason, requestId?: string): void {
    if (this.hasEnded) return
    this.#endReason = reason
    const { logins, events } = this.#context
    logins.recordPerson(this, this.#countedPerson, 0)
    this.endEvents(reason)
    this.lyskom.names.clear()
    events.emit('closed', this, reason, requestId)
  }

  async #logIn(persNo: number, passwd: string, invisible: boolean): Promise<void> {
    const { logins } = this.#context
    const begun = logins.whenFree(this, persNo, () => this.#beginLogin(persNo))
    // Without a wait the call keeps its place among the calls of the session.
    const attempt = begun instanceof Promise ? await begun : begun
    await this.lyskom.login(persNo, passwd, invisible, () => this.#onPerson()).catch(failed(attempt))
    attempt.end('succeeded')
    try {
      this.#syncPerson(attempt)
    } catch (error) {
      await this.logout()
      throw error
    }
    const room = this.#context.logins.makeRoomElsewhere(this, persNo)
    if (room !== undefined) await room
  }

  #beginLogin(persNo: number): LoginAttempt {
    const { dead } = this.lyskom.connection
    // The session may have ended during the wait: this is not a failed attempt.
    if (dead !== undefined) throw dead
    return this.#context.logins.beginLogin(this, persNo)
  }

  #feedOf(): EventFeed {
    const { lyskom, serverId } = this
    if (this.#feed === undefined) {
      this.#feed = new EventFeed({ lyskom, serverId, relay: this.#context.changes })
      // A request whose body arrived late.
      if (this.#endReason !== undefined) this.#feed.close(this.#endReason)
    }
    return this.#feed
  }

  #onPerson(): void {
    this.#feed?.personChanged(this.lyskom.persNo)
  }

  /**
   * Updates the login limits and emits `person` if the logged-in person has changed.
   * @param login the login that may have changed it
   * @throws LimitError `sessions-per-person` if the person has too many sessions; nothing is updated
   */
  #syncPerson(login?: LoginAttempt): void {
    const { persNo } = this.lyskom
    // The session may have ended in this tick.
    if (this.hasEnded || persNo === this.#countedPerson) return
    const { logins, events } = this.#context
    if (login !== undefined && !this.isClosing) logins.makeRoom(this, persNo, login)
    logins.recordPerson(this, this.#countedPerson, persNo)
    this.#countedPerson = persNo
    events.emit('person', this)
  }
}

/** Returns a function that records the outcome of a failed attempt and throws its error. */
function failed(attempt: Attempt): (error: unknown) => never {
  return (error) => {
    attempt.end(outcomeOf(error))
    throw error
  }
}
