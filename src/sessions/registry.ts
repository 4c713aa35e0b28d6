import { EventEmitter } from 'node:events'
import { v4 as uuid } from 'uuid'
import type { ConnectionContext } from '../connection/connection.ts'
import { ConnectionError } from '../connection/errors.ts'
import type { TcpAddress } from '../connection/transport.ts'
import { BodyCache } from '../lyskom/body-cache.ts'
import { type LyskomSession, openSession } from '../lyskom/session.ts'
import { KomgateError } from '../protocol/komgate-error.ts'
import { type Key, keyOf } from '../store/record.ts'
import { CircuitBreaker } from './circuit-breaker.ts'
import { type Closing, type ClosingRequest, closeGracefully } from './closing.ts'
import { LimitError } from './limit-error.ts'
import { type LoginLimitOptions, LoginLimits, SessionLogins } from './login-limits.ts'
import { networkOf } from './network.ts'
import { ServerCapacity } from './places.ts'
import { RateLimit } from './rate-limit.ts'

/** Options of `Registry`. */
export interface RegistryOptions extends LoginLimitOptions {
  /** the LysKOM servers by server id */
  servers: ReadonlyMap<string, TcpAddress>
  /** settings and observers shared by all connections to LysKOM servers */
  connections: ConnectionContext
  /** how long a server is not tried after several failures in a row, milliseconds */
  serverRetryMs: number
  /** size of the text body cache per server, bytes */
  bodyCacheBytes: number
  /** idle timeout: sessions without requests for this long are closed, milliseconds */
  idleMs: number
  /** maximum number of sessions */
  maxSessions: number
  /** maximum number of sessions from one client address */
  maxSessionsPerAddress: number
  /** sessions opened from one client address in a minute; default: no limit */
  maxOpeningsPerMinute?: number
}

/** A request to open a session. */
export interface OpenRequest {
  serverId: string
  /** address of the HTTP client */
  clientAddress: string
  /** name and version of the client, as reported to the LysKOM server */
  client: { name: string; version: string }
  /** id of the HTTP request, for the log */
  requestId?: string
}

/** A live LysKOM session, which clients address by its connection id. */
export interface OpenedSession {
  /** Hash of the connection id, a version 4 UUID. The gateway does not keep the id itself. */
  readonly key: Key
  readonly serverId: string
  readonly clientAddress: string
  readonly session: LyskomSession
  /** Time of the last request, milliseconds of `performance.now()`. */
  lastUsed: number
  /** Open event streams and WebSockets. While there is one, the idle timeout does not apply. */
  streams: number
  /** Number of requests and WebSocket messages without a response. */
  requests: number
  /** Set when the gateway starts to close the session. No further requests are accepted on it. */
  closing: Closing | undefined
}

/**
 * Why a session was closed: `idle`, `deleted` (by its client), `ended` (through its record), `admin` (by the operator),
 * `shutdown`, or the code of the `ConnectionError` that ended its connection.
 */
export type CloseReason = string

interface RegistryEvents {
  /** `requestId`, here and below: id of the request that caused the event, if any */
  opened: [opened: OpenedSession, requestId: string | undefined]
  /** a person logged in or out */
  person: [opened: OpenedSession]
  closed: [opened: OpenedSession, reason: CloseReason, requestId: string | undefined]
  /** a session could not be opened */
  failed: [serverId: string, error: unknown]
  /** the registry rejects new sessions from now on */
  draining: []
}

declare module '../protocol/komgate-error.ts' {
  interface ErrorCodes extends Record<RegistryError['code'], RegistryError> {}
}

/** The registry is shutting down and rejects new sessions. */
export class RegistryError extends KomgateError {
  constructor(
    readonly code: 'shutting-down',
    message: string,
  ) {
    super(message)
  }
}

const MAX_SWEEP_INTERVAL_MS = 10_000
const MINUTE_MS = 60_000

/**
 * Maps connection ids to live sessions, 1 to 1. A session is removed in the event-loop tick in which its connection
 * ends or it is closed, so every id that is found is usable.
 */
export class Registry extends EventEmitter<RegistryEvents> {
  readonly #options: RegistryOptions
  readonly #sessions = new Map<Key, OpenedSession>()
  readonly #bodies = new Map<string, BodyCache>()
  readonly #breakers = new Map<string, CircuitBreaker>()
  readonly #places = new Map<string, ServerCapacity>()
  /** Sessions per client network, including those being opened. */
  readonly #perAddress = new Map<string, number>()
  readonly #openings: RateLimit
  readonly #logins: LoginLimits
  readonly #opening = new Map<Promise<unknown>, OpenRequest>()
  readonly #sweeper: NodeJS.Timeout
  #shuttingDown = false

  constructor(options: RegistryOptions) {
    super()
    this.#options = options
    this.#openings = new RateLimit({
      max: options.maxOpeningsPerMinute ?? Number.POSITIVE_INFINITY,
      periodMs: MINUTE_MS,
      ...(options.clock && { clock: options.clock }),
    })
    this.#logins = new LoginLimits(options)
    for (const serverId of options.servers.keys()) {
      this.#bodies.set(serverId, new BodyCache(options.bodyCacheBytes))
      this.#breakers.set(serverId, new CircuitBreaker(options.serverRetryMs))
      this.#places.set(serverId, new ServerCapacity())
    }
    const interval = Math.min(MAX_SWEEP_INTERVAL_MS, Math.max(10, options.idleMs / 4))
    this.#sweeper = setInterval(() => this.sweep(performance.now()), interval)
    this.#sweeper.unref()
  }

  /** The number of live sessions. */
  get size(): number {
    return this.#sessions.size
  }

  /** Whether a server is up, judging by the sessions opened on it; null if unknown. */
  serverUp(serverId: string): boolean | null {
    return this.#breakers.get(serverId)?.up ?? null
  }

  /** Whether at least one server is up, may be tried again, or has live sessions. */
  isAnyReachable(): boolean {
    return [...this.#breakers.values()].some(
      (breaker) => breaker.up === true || breaker.allowsAttempt || breaker.sessions > 0,
    )
  }

  /**
   * Opens a session and creates its connection id. Rejects with a `LimitError`, with a `RegistryError` while the
   * gateway is shutting down, with a `ServerDownError` immediately while the circuit breaker of the server is open, and
   * with the errors of `connect`.
   * @throws RangeError for a server id that is not configured
   */
  async open(request: OpenRequest): Promise<{ id: string; opened: OpenedSession }> {
    const network = networkOf(request.clientAddress)
    this.#reserve(request.serverId, network)
    const opening = this.#open(request)
    this.#opening.set(opening, request)
    try {
      return await opening
    } catch (error) {
      this.#release(network)
      if (error instanceof ConnectionError && error.code === 'server-full') this.#full(request.serverId)
      this.emit('failed', request.serverId, error)
      throw error
    } finally {
      this.#opening.delete(opening)
    }
  }

  /**
   * Returns the live session with a connection id on a server and restarts its idle timeout; undefined if there is none
   * or it is closing.
   */
  find(serverId: string, id: string): OpenedSession | undefined {
    const opened = this.#usable(id)
    return opened?.serverId === serverId ? this.renew(opened) : undefined
  }

  /** Like `find`, for a request that names no server: an id belongs to one server only. */
  findAnywhere(id: string): OpenedSession | undefined {
    const opened = this.#usable(id)
    return opened && this.renew(opened)
  }

  /** Resolves when the session with this id has ended if it is closing, and immediately otherwise. */
  async ended(id: string): Promise<void> {
    await this.#sessions.get(keyOf(id))?.closing?.ended
  }

  /** Returns the live session with a key, without restarting its idle timeout. */
  byKey(key: Key): OpenedSession | undefined {
    return this.#sessions.get(key)
  }

  /** Returns the live sessions in the order in which they were opened. */
  all(): IterableIterator<OpenedSession> {
    return this.#sessions.values()
  }

  /** Restarts the idle timeout of a session. */
  renew(opened: OpenedSession): OpenedSession {
    opened.lastUsed = performance.now()
    return opened
  }

  /**
   * Invalidates the connection id immediately, waits for the requests in flight, and ends the session. See
   * `closeGracefully`.
   */
  async close(opened: OpenedSession, reason: CloseReason = 'deleted', request?: ClosingRequest): Promise<void> {
    if (opened.closing !== undefined || this.#sessions.get(opened.key) !== opened) return
    await closeGracefully(opened, request, () => this.#end(opened, reason, request?.requestId))
  }

  /**
   * Closes the sessions whose idle timeout is over.
   * @param now milliseconds of `performance.now()`
   */
  sweep(now: number): void {
    for (const opened of this.#sessions.values()) {
      if (opened.streams === 0 && now - opened.lastUsed > this.#options.idleMs) void this.close(opened, 'idle')
    }
  }

  /** Rejects new sessions from now on; live sessions continue. */
  refuse(): void {
    if (this.#shuttingDown) return
    this.#shuttingDown = true
    this.emit('draining')
  }

  /** Whether new sessions are rejected. */
  get isDraining(): boolean {
    return this.#shuttingDown
  }

  /** Rejects new sessions, and closes the live ones and those being opened. */
  async closeAll(): Promise<void> {
    this.refuse()
    clearInterval(this.#sweeper)
    const all = [...this.#sessions.values()].map((opened) => this.#end(opened, 'shutdown'))
    await Promise.all([...all, Promise.allSettled(this.#opening.keys())])
  }

  async #open({
    serverId,
    clientAddress,
    client,
    requestId,
  }: OpenRequest): Promise<{ id: string; opened: OpenedSession }> {
    const address = this.#options.servers.get(serverId)
    const bodies = this.#bodies.get(serverId)
    const breaker = this.#breakers.get(serverId)
    if (address === undefined || bodies === undefined || breaker === undefined) throw new RangeError('no such server')
    const context = this.#options.connections
    const session = await breaker.try(() =>
      openSession({ context, ...address, clientHost: clientAddress, client, bodies }),
    )
    const dead = session.connection.dead
    if (this.#shuttingDown || dead !== undefined) {
      await session.close()
      throw dead ?? shuttingDown()
    }
    const id = uuid()
    const opened: OpenedSession = {
      key: keyOf(id),
      serverId,
      clientAddress,
      session,
      lastUsed: performance.now(),
      streams: 0,
      requests: 0,
      closing: undefined,
    }
    this.#sessions.set(opened.key, opened)
    breaker.sessionOpened()
    this.#places.get(serverId)?.opened(breaker.sessions)
    session.connection.on('close', ({ code }) => {
      breaker.sessionClosed(code !== 'connection-closed')
      // A closing session stays in the map until the closing request has its response.
      if (opened.closing === undefined) this.#forget(opened, code)
    })
    session.loginGuard = new SessionLogins(this.#logins, opened)
    session.onPerson = (before) => {
      // The session may have ended in this tick.
      if (!this.#sessions.has(opened.key)) return
      this.#logins.count(opened, before, session.persNo)
      this.emit('person', opened)
    }
    this.emit('opened', opened, requestId)
    return { id, opened }
  }

  #reserve(serverId: string, network: string): void {
    const { maxSessions, maxSessionsPerAddress } = this.#options
    if (this.#shuttingDown) throw shuttingDown()
    if (this.#sessions.size + this.#opening.size >= maxSessions) {
      throw new LimitError('sessions', `this gateway holds no more than ${maxSessions} sessions`)
    }
    const held = this.#perAddress.get(network) ?? 0
    if (held >= maxSessionsPerAddress) {
      throw new LimitError(
        'sessions-per-address',
        `this gateway holds no more than ${maxSessionsPerAddress} sessions for one client address`,
      )
    }
    const waitMs = this.#openings.take(network)
    if (waitMs > 0) {
      throw new LimitError('openings-per-address', 'Too many sessions were opened from this address; wait.', waitMs)
    }
    const share = this.#places.get(serverId)?.share(performance.now())
    if (share !== undefined && held >= share && this.#heldOn(serverId, network) >= share) {
      throw new LimitError(
        'sessions-per-address',
        `the LysKOM server is full: one client address may hold ${share} of its sessions`,
      )
    }
    this.#perAddress.set(network, held + 1)
  }

  #usable(id: string): OpenedSession | undefined {
    const opened = this.#sessions.get(keyOf(id))
    return opened?.closing === undefined ? opened : undefined
  }

  #full(serverId: string): void {
    this.#places.get(serverId)?.refused(this.#breakers.get(serverId)?.sessions ?? 0, performance.now())
  }

  /** Returns the number of sessions of a client network on one server, including those being opened. */
  #heldOn(serverId: string, network: string): number {
    let held = 0
    const count = (session: { serverId: string; clientAddress: string }): void => {
      if (session.serverId === serverId && networkOf(session.clientAddress) === network) held++
    }
    for (const opened of this.#sessions.values()) count(opened)
    for (const request of this.#opening.values()) count(request)
    return held
  }

  #release(network: string): void {
    const held = this.#perAddress.get(network) ?? 0
    if (held > 1) this.#perAddress.set(network, held - 1)
    else this.#perAddress.delete(network)
  }

  async #end(opened: OpenedSession, reason: CloseReason, requestId?: string): Promise<void> {
    this.#forget(opened, reason, requestId)
    await opened.session.close()
  }

  #forget(opened: OpenedSession, reason: CloseReason, requestId?: string): void {
    if (!this.#sessions.delete(opened.key)) return
    this.#release(networkOf(opened.clientAddress))
    this.#logins.count(opened, opened.session.persNo, 0)
    opened.session.names.clear()
    this.emit('closed', opened, reason, requestId)
  }
}

function shuttingDown(): RegistryError {
  return new RegistryError('shutting-down', 'this gateway is shutting down')
}
