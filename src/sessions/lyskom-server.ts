import type { ConnectionContext } from '../connection/context.ts'
import { ConnectionError } from '../connection/errors.ts'
import type { TcpAddress } from '../connection/transport.ts'
import { BodyCache } from '../lyskom/body-cache.ts'
import { type LyskomSession, type OpenOptions, openSession } from '../lyskom/session.ts'
import { KomgateError } from '../protocol/komgate-error.ts'
import type { Time } from '../protocol/types.ts'
import { packageVersion } from '../version.ts'
import { CircuitBreaker, ServerDownError } from './circuit-breaker.ts'
import { ServerCapacity } from './server-capacity.ts'

/** Options of `LyskomServer`. */
export interface LyskomServerOptions {
  /** host and port of the server */
  address: TcpAddress
  /** settings and observers shared by all connections to LysKOM servers */
  connections: ConnectionContext
  /** delay before the next attempt while the circuit breaker is open, milliseconds */
  retryMs: number
  /** size of the text body cache, bytes */
  bodyCacheBytes: number
}

/** What is known of a LysKOM server from the sessions that were opened on it, and from checks. */
export interface ServerState {
  /** whether the last attempt reached the server; null while that is unknown */
  up: boolean | null
  /** when `up` got its value; null before the first attempt */
  since: Date | null
  /** live sessions */
  sessions: number
  /** how long the last session or check took to open, milliseconds */
  openMs: number | null
  /** the last attempt that failed */
  lastFailure: { code: string; time: Date } | null
}

/** What a check of a LysKOM server has found. */
export interface ServerCheck {
  /** the time on the server */
  time: Time
  /** how long the connection took to open, milliseconds */
  openMs: number
  /** how long the server took to reply to get-time, milliseconds */
  replyMs: number
}

/** The client that a check reports to the LysKOM server. */
const CHECK_CLIENT = { clientHost: 'localhost', client: { name: 'komgate', version: packageVersion() } }

type ClientOptions = Pick<OpenOptions, 'clientHost' | 'client'>

/** A configured LysKOM server. Opens sessions on it and counts them. */
export class LyskomServer {
  readonly #options: LyskomServerOptions
  readonly #bodies: BodyCache
  readonly #breaker: CircuitBreaker
  readonly #capacity = new ServerCapacity()
  /** Reserved sessions per client network. */
  readonly #reserved = new Map<string, number>()
  #allReserved = 0
  #openMs: number | null = null
  #lastFailure: ServerState['lastFailure'] = null
  #check: Promise<ServerCheck> | undefined

  constructor(options: LyskomServerOptions) {
    this.#options = options
    this.#bodies = new BodyCache(options.bodyCacheBytes)
    this.#breaker = new CircuitBreaker(options.retryMs)
  }

  /** Whether the server is up, judging by the sessions opened on it; null if unknown. */
  get up(): boolean | null {
    return this.#breaker.up
  }

  /** What is known of the server. */
  get state(): ServerState {
    const { up, upSince: since, sessions } = this.#breaker
    return { up, since, sessions, openMs: this.#openMs, lastFailure: this.#lastFailure }
  }

  /** Whether the server is up, may be tried again, or has live sessions. */
  get isReachable(): boolean {
    return this.#breaker.up === true || this.#breaker.allowsAttempt || this.#breaker.sessions > 0
  }

  /** The number of sessions, including those being opened. */
  get reserved(): number {
    return this.#allReserved
  }

  /** Returns the number of sessions of a client network, including those being opened. */
  reservedFor(network: string): number {
    return this.#reserved.get(network) ?? 0
  }

  /** The client networks that have sessions, including those being opened. */
  get networks(): IterableIterator<string> {
    return this.#reserved.keys()
  }

  /** Counts a session before it is opened, for each network of its client. */
  reserve(networks: readonly string[]): void {
    for (const network of networks) this.#reserved.set(network, this.reservedFor(network) + 1)
    this.#allReserved++
  }

  /** Discounts a session that has ended or could not be opened. */
  release(networks: readonly string[]): void {
    for (const network of networks) {
      const left = this.reservedFor(network) - 1
      if (left > 0) this.#reserved.set(network, left)
      else this.#reserved.delete(network)
    }
    this.#allReserved--
  }

  /** Returns the number of sessions that one client network may hold; undefined while the server is not full. */
  share(): number | undefined {
    return this.#capacity.share(performance.now())
  }

  /**
   * Opens a session.
   * @param options address and name of the client, as reported to the LysKOM server
   * @throws ServerDownError immediately while the circuit breaker is open
   * @throws ConnectionError, KomError or ProtocolError, as `connect` does
   */
  async open(options: ClientOptions): Promise<LyskomSession> {
    return (await this.#recordFailure(() => this.#breaker.try(() => this.#open(options)))).session
  }

  /**
   * Opens a connection even if the circuit breaker is open, asks for the time, and closes the connection. A check that is
   * already running is shared, so that there is one connection for checks at a time.
   * @throws ConnectionError, KomError or ProtocolError, as `connect` does; `unreachable` also if the connection is lost
   * @throws ConnectionError `call-timeout` if the server does not reply to get-time
   */
  check(): Promise<ServerCheck> {
    this.#check ??= this.#recordFailure(() => this.#breaker.tryAnyway(() => this.#askTime())).finally(() => {
      this.#check = undefined
    })
    return this.#check
  }

  /** Counts a live session until its connection ends. */
  sessionOpened({ connection }: LyskomSession): void {
    this.#breaker.sessionOpened()
    this.#capacity.sessionOpened(this.#breaker.sessions)
    connection.on('close', this.#onClose)
  }

  /** The `close` listener. All sessions share one function, which saves memory. */
  readonly #onClose = ({ code }: ConnectionError): void => this.#breaker.sessionClosed(code !== 'connection-closed')

  async #open(options: ClientOptions): Promise<{ session: LyskomSession; openMs: number }> {
    const { address, connections: context } = this.#options
    const start = performance.now()
    const session = await openSession({ ...options, ...address, context, bodies: this.#bodies })
    const openMs = performance.now() - start
    this.#openMs = openMs
    return { session, openMs }
  }

  async #askTime(): Promise<ServerCheck> {
    const { session, openMs } = await this.#open(CHECK_CLIENT)
    const start = performance.now()
    try {
      const time = await session.connection.call('get-time')
      return { time, openMs, replyMs: performance.now() - start }
    } catch (error) {
      if (!(error instanceof ConnectionError && error.code.startsWith('connection-'))) throw error
      throw new ConnectionError('unreachable', `no reply to get-time: ${error.message}`, { cause: error })
    } finally {
      await session.close()
    }
  }

  async #recordFailure<T>(attempt: () => Promise<T>): Promise<T> {
    try {
      return await attempt()
    } catch (error) {
      // A `ServerDownError` is not an attempt.
      if (error instanceof KomgateError && !(error instanceof ServerDownError)) {
        this.#lastFailure = { code: error.code, time: new Date() }
      }
      if (error instanceof ConnectionError && error.code === 'server-full') {
        this.#capacity.refused(this.#breaker.sessions, performance.now())
      }
      throw error
    }
  }
}
