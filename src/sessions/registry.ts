import { EventEmitter } from 'node:events'
import { v4 as uuid } from 'uuid'
import type { ConnectionContext } from '../connection/connection.ts'
import type { TcpAddress } from '../connection/transport.ts'
import type { LyskomSession } from '../lyskom/session.ts'
import { type Key, keyOf } from '../store/record.ts'
import { Admission, type AdmissionOptions } from './admission.ts'
import { type Closing, type ClosingRequest, closeGracefully } from './closing.ts'
import { type LoginLimitOptions, LoginLimits, SessionLogins } from './login-limits.ts'
import { LyskomServer } from './lyskom-server.ts'

/** Options of `Registry`. */
export interface RegistryOptions extends AdmissionOptions, LoginLimitOptions {
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

/** The registry is shutting down and rejects new sessions. */
export class RegistryError extends Error {
  constructor(
    readonly code: 'shutting-down',
    message: string,
  ) {
    super(message)
    this.name = 'RegistryError'
  }
}

const MAX_SWEEP_INTERVAL_MS = 10_000

/**
 * Maps connection ids to live sessions, 1 to 1. A session is removed in the event-loop tick in which its connection
 * ends or it is closed, so every id that is found is usable.
 */
export class Registry extends EventEmitter<RegistryEvents> {
  readonly #options: RegistryOptions
  readonly #sessions = new Map<Key, OpenedSession>()
  readonly #servers: ReadonlyMap<string, LyskomServer>
  readonly #admission: Admission
  readonly #logins: LoginLimits
  readonly #opening = new Set<Promise<unknown>>()
  readonly #sweeper: NodeJS.Timeout
  #shuttingDown = false

  constructor(options: RegistryOptions) {
    super()
    this.#options = options
    const { connections, serverRetryMs: retryMs, bodyCacheBytes } = options
    this.#servers = new Map(
      [...options.servers].map(([serverId, address]) => [
        serverId,
        new LyskomServer({ address, connections, retryMs, bodyCacheBytes }),
      ]),
    )
    this.#admission = new Admission(options, this.#servers.values())
    this.#logins = new LoginLimits(options)
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
    return this.#servers.get(serverId)?.up ?? null
  }

  /** Whether at least one server is up, may be tried again, or has live sessions. */
  isAnyReachable(): boolean {
    return [...this.#servers.values()].some((server) => server.isReachable)
  }

  /**
   * Opens a session and creates its connection id. Rejects with a `LimitError`, with a `RegistryError` while the
   * gateway is shutting down, with a `ServerDownError` immediately while the circuit breaker of the server is open, and
   * with the errors of `connect`.
   * @throws RangeError for a server id that is not configured
   */
  async open(request: OpenRequest): Promise<{ id: string; opened: OpenedSession }> {
    const { serverId, clientAddress } = request
    const server = this.#servers.get(serverId)
    if (server === undefined) throw new RangeError('no such server')
    if (this.#shuttingDown) throw shuttingDown()
    this.#admission.reserve(server, clientAddress)
    const opening = this.#open(server, request)
    this.#opening.add(opening)
    try {
      return await opening
    } catch (error) {
      this.#admission.release(server, clientAddress)
      this.emit('failed', serverId, error)
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
    await Promise.all([...all, Promise.allSettled(this.#opening)])
  }

  async #open(
    server: LyskomServer,
    { serverId, clientAddress, client, requestId }: OpenRequest,
  ): Promise<{ id: string; opened: OpenedSession }> {
    const session = await server.open({ clientHost: clientAddress, client })
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
    server.opened(session)
    session.connection.on('close', ({ code }) => {
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

  #usable(id: string): OpenedSession | undefined {
    const opened = this.#sessions.get(keyOf(id))
    return opened?.closing === undefined ? opened : undefined
  }

  async #end(opened: OpenedSession, reason: CloseReason, requestId?: string): Promise<void> {
    this.#forget(opened, reason, requestId)
    await opened.session.close()
  }

  #forget(opened: OpenedSession, reason: CloseReason, requestId?: string): void {
    if (!this.#sessions.delete(opened.key)) return
    const server = this.#servers.get(opened.serverId)
    if (server !== undefined) this.#admission.release(server, opened.clientAddress)
    this.#logins.count(opened, opened.session.persNo, 0)
    opened.session.names.clear()
    this.emit('closed', opened, reason, requestId)
  }
}

function shuttingDown(): RegistryError {
  return new RegistryError('shutting-down', 'this gateway is shutting down')
}
