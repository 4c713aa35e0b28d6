import type { Socket } from 'node:net'
import { writeMessage } from '../protocol/envelope.ts'
import { KomError } from '../protocol/errors.ts'
import { MESSAGES, type MessageName, type MessageParams } from '../protocol/messages.ts'
import type { Time } from '../protocol/types.ts'
import { toTime } from './times.ts'

/** The message numbers that lyskomd accepts; the other messages of the specification are obsolete. */
const KNOWN_MESSAGES: ReadonlySet<number> = new Set([0, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22])
/** The messages that a new connection accepts (chapter About Asynchronous Messages). */
const DEFAULT_MESSAGES: readonly number[] = [0, 5, 7, 8, 9, 11, 12, 13]

/** Longer user names are truncated, as in lyskomd. */
const MAX_USERNAME = 129

/** Maximum number of messages in accept-async. */
const MAX_ACCEPTED = 128

/** Clients with more unsent bytes than this are disconnected when a message is sent. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024

/** One client: its connection, its logged-in person and the messages that it accepts. */
export class Session {
  readonly no: number
  /** The name in the client's greeting: `user%host`. */
  readonly hello: string
  /** IP address of the client. */
  readonly host: string
  readonly connectedAt = new Date()
  readonly #socket: Socket
  #accepted = new Set(DEFAULT_MESSAGES)

  /** Number of the logged-in person; 0 if not logged in. */
  person = 0
  invisible = false
  /** The security level set with enable. */
  level = 0
  loggedInAt = this.connectedAt
  workingConference = 0
  whatAmIDoing = ''
  client: { name: string; version: string } | undefined
  /** Time of the last user-active call, or of the connection if there was none. */
  activeAt = this.connectedAt
  userActiveUsed = false
  /** Whether times are in UTC; otherwise in the time zone of the server. */
  utc = false

  /**
   * @param no session number
   * @param hello the string in the client's greeting
   */
  constructor(no: number, hello: string, socket: Socket) {
    this.no = no
    // A copy, because a slice would keep the whole string in memory.
    this.hello = Buffer.from(hello.slice(0, MAX_USERNAME), 'latin1').toString('latin1')
    this.#socket = socket
    this.host = (socket.remoteAddress ?? '').replace(/^::ffff:/, '')
  }

  /** The number of the logged-in person. Throws a `KomError` `login-first` if not logged in. */
  get mustBePerson(): number {
    if (this.person === 0) throw KomError.of('login-first', 0)
    return this.person
  }

  /** The user name that other sessions see. */
  get username(): string {
    return `${this.hello}@${this.host}`
  }

  /** The numbers of the accepted messages, in ascending order. */
  get accepted(): number[] {
    return [...this.#accepted].sort((a, b) => a - b)
  }

  /**
   * Sets the accepted messages (accept-async). Accepts the known numbers even if others are unknown.
   *
   * @throws KomError `unknown-async` with the first unknown number, or `long-array` without any change if there are too
   * many
   */
  accept(numbers: readonly number[]): void {
    if (numbers.length > MAX_ACCEPTED) throw KomError.of('long-array', 0)
    this.#accepted = new Set(numbers.filter((number) => KNOWN_MESSAGES.has(number)))
    const unknown = numbers.find((number) => !KNOWN_MESSAGES.has(number))
    if (unknown !== undefined) throw KomError.of('unknown-async', unknown)
  }

  /** Reports whether the session accepts a message. */
  accepts(name: MessageName): boolean {
    return this.#accepted.has(MESSAGES[name].number)
  }

  /** Sends a message if the session accepts it. Returns whether it was sent. */
  notify<N extends MessageName>(name: N, params: MessageParams<N>): boolean {
    if (!this.accepts(name) || this.#socket.destroyed) return false
    if (this.#socket.writableLength > MAX_UNREAD_BYTES) {
      this.#socket.destroy()
      return false
    }
    this.#socket.write(writeMessage(name, params))
    return true
  }

  /** Converts a time to the time zone of this connection. */
  time(date: Date): Time {
    return toTime(date, this.utc)
  }

  /** Closes the connection after the pending writes, and after one second at the latest. */
  end(): void {
    const socket = this.#socket
    socket.end()
    const timer = setTimeout(() => socket.destroy(), 1000)
    timer.unref()
    socket.once('close', () => clearTimeout(timer))
  }
}
