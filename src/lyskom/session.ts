import { type ConnectOptions, connect } from '../connection/connect.ts'
import type { Connection } from '../connection/connection.ts'
import type { MessageName } from '../protocol/messages.ts'
import type { BodyCache } from './body-cache.ts'
import { Names, type PersonName } from './names.ts'

/** The asynchronous messages that every session requests: those that update its caches. */
export const ACCEPTED: readonly MessageName[] = ['async-new-name']

type Client = ConnectOptions['client']

/** Options of `openSession`. */
export interface OpenOptions extends Omit<ConnectOptions, 'user' | 'accept'> {
  /** cache of texts, shared by all sessions on one server */
  bodies: BodyCache
}

/** Opens a session on a LysKOM server. Rejects with the errors of `connect`. */
export async function openSession({ bodies, ...options }: OpenOptions): Promise<LyskomSession> {
  const connection = await connect({ ...options, user: 'komgate', accept: ACCEPTED })
  return new LyskomSession(connection, options.client, bodies)
}

/** A session on a LysKOM server: a connection, the logged-in person and the caches. */
export class LyskomSession {
  readonly connection: Connection
  readonly names: Names
  /** name and version of the client program */
  readonly client: Client
  readonly bodies: BodyCache
  #persNo = 0
  #personChanges = 0

  constructor(connection: Connection, client: Client, bodies: BodyCache) {
    this.connection = connection
    this.client = client
    this.bodies = bodies
    this.names = new Names(connection)
    connection.on('message', (message) => this.names.onMessage(message))
  }

  /** Number of the logged-in person; 0 if not logged in. */
  get persNo(): number {
    return this.#persNo
  }

  /** How often another person was logged in, or the person was logged out. */
  get personChanges(): number {
    return this.#personChanges
  }

  /** Returns the session number, from the server, and the logged-in person; null if not logged in. One round trip. */
  async whoAmI(): Promise<{ sessionNo: number; person: PersonName | null }> {
    const persNo = this.#persNo
    if (persNo === 0) return { sessionNo: await this.connection.call('who-am-i'), person: null }
    const [sessionNo, person] = await Promise.all([this.connection.call('who-am-i'), this.names.person(persNo)])
    return { sessionNo, person }
  }

  /**
   * Logs a person in. A successful login logs the previous person out. One round trip.
   * @param invisible whether to hide the session from other persons
   * @param onPerson called when another person is logged in, before any later message is handled
   * @throws KomError if the server rejects the login
   */
  async login(person: number, passwd: string, invisible: boolean, onPerson?: () => void): Promise<void> {
    const onReply = () => this.#become(person, onPerson)
    await this.connection.call('login', { person, passwd, invisible }, { exclusive: true, onReply })
  }

  /** Logs the person out. One round trip. @param onPerson as in `login` */
  async logout(onPerson?: () => void): Promise<void> {
    await this.connection.call('logout', {}, { exclusive: true, onReply: () => this.#become(0, onPerson) })
  }

  /**
   * Sets the password of a person. One round trip.
   * @param oldPwd the password of the logged-in person, who may be a supervisor of `person`
   */
  async setPassword(person: number, oldPwd: string, newPwd: string): Promise<void> {
    await this.connection.call('set-passwd', { person, oldPwd, newPwd })
  }

  /** Reports user activity to the server, which resets the idle time that other persons see. One round trip. */
  async active(): Promise<void> {
    await this.connection.call('user-active')
  }

  /**
   * Changes the working conference of the session. One round trip.
   *
   * @param conference 0 for none; the person must be a member of any other conference
   */
  async changeConference(conference: number): Promise<void> {
    await this.connection.call('change-conference', { conference })
  }

  /** Ends another session, if the server permits it. One round trip. */
  async disconnect(sessionNo: number): Promise<void> {
    await this.connection.call('disconnect', { sessionNo })
  }

  /** Closes the connection. Never rejects. */
  close(): Promise<void> {
    return this.connection.close()
  }

  #become(persNo: number, onPerson: (() => void) | undefined): void {
    if (persNo === this.#persNo) return
    this.names.clear()
    this.#persNo = persNo
    this.#personChanges++
    onPerson?.()
  }
}
