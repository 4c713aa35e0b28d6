import { EventEmitter } from 'node:events'
import { v4 as uuid } from 'uuid'
import type { ConnectionContext } from '../connection/connection.ts'
import { ConnectionError } from '../connection/errors.ts'
import type { TcpAddress } from '../connection/transport.ts'
import { BodyCache } from '../lyskom/body-cache.ts'
import { type LyskomSession, openSession } from '../lyskom/session.ts'
import { Breaker } from './breaker.ts'
import { type Closing, type ClosingRequest, closeGracefully } from './closing.ts'
import { LimitError } from './limit-error.ts'
import { type LoginLimitOptions, LoginLimits, SessionLogins } from './login-limits.ts'
import { networkOf } from './network.ts'
import { Places } from './places.ts'
import { RateLimit } from './rate-limit.ts'
import { type Key, keyOf } from './store/record.ts'

export interface RegistryOptions extends LoginLimitOptions {
  /** the LysKOM servers by server id */
  servers: ReadonlyMap<string, TcpAddress>
  connections: ConnectionContext
  /** for so long a server that has failed some times in a row is not tried again, milliseconds */
  serverRetryMs: number
  /** the texts kept for each server, bytes */
  bodyCacheBytes: number
  /** a session that no request has used for so long is closed, milliseconds */
  idleMs: number
  maxSessions: number
  maxSessionsPerAddress: number
  /** sessions opened for one client address; no limit where none is given */
  maxOpeningsPerMinute?: number
}

export interface OpenRequest {
  serverId: string
  /** the HTTP client's */
  clientAddress: string
  client: { name: string; version: string }
  /** the HTTP request's, for the log */
  requestId?: string
}

/** A session that somebody holds the key to. */
export interface OpenedSession {
  /** Of the connection id, a version 4 UUID: the id itself is nowhere but with its holder. */
  readonly key: Key
  readonly serverId: string
  readonly clientAddress: string
  readonly session: LyskomSession
  /** When a request last used it, milliseconds of `performance.now()`. */
  lastUsed: number
  /** Open streams of events and messages: while there is one, the lease does not run out. */
  streams: number
  /** Requests and WebSocket messages without a response yet. */
  requests: number
  /** Set when the gateway starts to close the session. It starts no more requests from then on. */
  closing: Closing | undefined
}

/** `idle`, `deleted` (by its client), `ended` (by way of its record), `admin` (by who runs the gateway), `shutdown`, or the code of the `ConnectionError` that ended the line. */
export type CloseReason = string

interface RegistryEvents {
  /** `requestId`, here and below: of the request that did it, where that is known */
  opened: [opened: OpenedSession, requestId: string | undefined]
  /** somebody has logged in or out */
  person: [opened: OpenedSession]
  closed: [opened: OpenedSession, reason: CloseReason, requestId: string | undefined]
  /** a session could not be opened */
  failed: [serverId: string, error: unknown]
  /** no more sessions will be opened */
  draining: []
}

/** No session can be opened any more. */
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
const MINUTE_MS = 60_000

/**
 * Connection ids and the live sessions they open, 1 to 1. A session leaves the map in the turn of the event loop in
 * which its line dies or somebody closes it, so an id that is found is good.
 */
export class Registry extends EventEmitter<RegistryEvents> {
  readonly #options: RegistryOptions
  readonly #sessions = new Map<Key, OpenedSession>()
  readonly #bodies = new Map<string, BodyCache>()
  readonly #breakers = new Map<string, Breaker>()
  readonly #places = new Map<string, Places>()
  /** Sessions for each client's network, those being opened included. */
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
      this.#breakers.set(serverId, new Breaker(options.serverRetryMs))
      this.#places.set(serverId, new Places())
    }
    const interval = Math.min(MAX_SWEEP_INTERVAL_MS, Math.max(10, options.idleMs / 4))
    this.#sweeper = setInterval(() => this.sweep(performance.now()), interval)
    this.#sweeper.unref()
  }

  get size(): number {
    return this.#sessions.size
  }

  /** Whether a server is up, as the sessions that were opened there tell; null while there is no telling. */
  serverUp(serverId: string): boolean | null {
    return this.#breakers.get(serverId)?.up ?? null
  }

  /** Whether there is a server that is up, is worth an attempt, or has live sessions. */
  isAnyReachable(): boolean {
    return [...this.#breakers.values()].some(
      (breaker) => breaker.up === true || breaker.allowsAttempt || breaker.sessions > 0,
    )
  }

  /**
   * Opens a session and makes its key. Rejects with a `LimitError`, with a `RegistryError` when the gateway shuts
   * down, with a `ServerDownError` at once while a server is not to be tried, and as `connect` does.
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

  /** The live session that an id opens on a server, unless it is closing; finding it renews its lease. */
  find(serverId: string, id: string): OpenedSession | undefined {
    const opened = this.#usable(id)
    return opened?.serverId === serverId ? this.renew(opened) : undefined
  }

  /** The same where the server is not named: an id belongs to one only. */
  findAnywhere(id: string): OpenedSession | undefined {
    const opened = this.#usable(id)
    return opened && this.renew(opened)
  }

  /** Resolves when the session with this id has ended if it is closing, and at once otherwise. */
  async ended(id: string): Promise<void> {
    await this.#sessions.get(keyOf(id))?.closing?.ended
  }

  /** The live session with such a key. Its lease stays as it is. */
  byKey(key: Key): OpenedSession | undefined {
    return this.#sessions.get(key)
  }

  /** The live sessions, in the order in which they were opened. */
  all(): IterableIterator<OpenedSession> {
    return this.#sessions.values()
  }

  /** Begins the lease anew. */
  renew(opened: OpenedSession): OpenedSession {
    opened.lastUsed = performance.now()
    return opened
  }

  /** Makes the id void at once, lets the requests in flight finish, and ends the session. See `closeGracefully`. */
  async close(opened: OpenedSession, reason: CloseReason = 'deleted', request?: ClosingRequest): Promise<void> {
    if (opened.closing !== undefined || this.#sessions.get(opened.key) !== opened) return
    await closeGracefully(opened, request, () => this.#end(opened, reason, request?.requestId))
  }

  /** Closes the sessions whose lease has run out. */
  sweep(now: number): void {
    for (const opened of this.#sessions.values()) {
      if (opened.streams === 0 && now - opened.lastUsed > this.#options.idleMs) void this.close(opened, 'idle')
    }
  }

  /** Opens no more sessions, while those there are go on. */
  refuse(): void {
    if (this.#shuttingDown) return
    this.#shuttingDown = true
    this.emit('draining')
  }

  /** Whether it opens no more sessions. */
  get isDraining(): boolean {
    return this.#shuttingDown
  }

  /** Opens no more sessions, and closes those there are and those being opened. */
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
      breaker.sessionClosed(code !== 'line-closed')
      // A closing session stays until its closing request is answered.
      if (opened.closing === undefined) this.#forget(opened, code)
    })
    session.loginGuard = new SessionLogins(this.#logins, opened)
    session.onPerson = (before) => {
      // Of a session that has ended in this moment nothing is kept.
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

  /** The sessions of a client's network on one server, those being opened included. */
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
