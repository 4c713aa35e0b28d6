import { EventEmitter } from 'node:events'
import { v4 as uuid } from 'uuid'
import type { ConnectionContext } from '../connection/context.ts'
import type { TcpAddress } from '../connection/transport.ts'
import type { LyskomSession } from '../lyskom/session.ts'
import { KomgateError } from '../protocol/komgate-error.ts'
import { type Key, keyOf } from '../store/record.ts'
import { Admission, type AdmissionOptions } from './admission.ts'
import { ChangeRelay } from './change-relay.ts'
import { type CloseReason, GatewaySession, type SessionContext, type SessionEvents } from './gateway-session.ts'
import { type LoginLimitOptions, LoginLimits } from './login-limits.ts'
import { LyskomServer, type ServerCheck, type ServerState } from './lyskom-server.ts'
import type { SessionCount, SharedCounts } from './shared-counts.ts'

/** Options of `Registry`. */
export interface RegistryOptions {
  /** the LysKOM servers by server id */
  servers: ReadonlyMap<string, TcpAddress>
  /** settings and observers shared by all connections to LysKOM servers */
  connections: ConnectionContext
  lyskom: RegistryLyskomOptions
  limits: RegistryLimitOptions
  /** creates a connection id, or throws while none may be created; default: a version 4 UUID */
  newId?: () => string
  /** the numbers of sessions of other processes */
  counts?: SharedCounts | undefined
}

/** Settings of each LysKOM server. */
export interface RegistryLyskomOptions {
  /** delay before the next attempt to reach a server after several consecutive failures, milliseconds */
  serverRetryMs: number
  /** size of the text body cache per server, bytes */
  bodyCacheBytes: number
}

/** Limits of sessions and logins. */
export interface RegistryLimitOptions extends AdmissionOptions, Omit<LoginLimitOptions, 'servers' | 'counts'> {
  /** idle timeout: anonymous sessions without requests for this long are closed, milliseconds */
  sessionIdleMs: number
  /** the idle timeout while a person is logged in, milliseconds */
  loginIdleMs: number
}

/** A request to open a session. */
export interface OpenRequest {
  /** id of the LysKOM server in `servers.json` */
  serverId: string
  /** IP address of the HTTP client */
  clientAddress: string
  /** name and version of the client, as reported to the LysKOM server */
  client: { name: string; version: string }
  /** id of the HTTP request, for the log */
  requestId?: string
}

interface RegistryEvents extends SessionEvents {
  /** `requestId`: id of the request that opened the session, if any */
  opened: [session: GatewaySession, requestId: string | undefined]
  /** a session could not be opened */
  failed: [serverId: string, error: unknown]
  /** a server was checked; `error`: why that failed, undefined if the server responded */
  checked: [serverId: string, error: unknown]
  /** the registry rejects new sessions from now on, events have ended, and the sessions end soon */
  draining: []
}

declare module '../protocol/komgate-error.ts' {
  interface ErrorCodes extends Record<RegistryError['code'], RegistryError> {}
}

/** The gateway is shutting down and rejects new sessions. */
export class RegistryError extends KomgateError {
  constructor(
    readonly code: 'shutting-down',
    message: string,
  ) {
    super(message)
  }
}

const MAX_SWEEP_INTERVAL_MS = 10_000

/**
 * Maps connection ids to live sessions, 1 to 1, and opens and closes them. A session is removed in the event-loop tick
 * in which its connection ends or it is closed, so every id that is found is usable.
 */
export class Registry extends EventEmitter<RegistryEvents> {
  readonly #sessions = new Map<Key, GatewaySession>()
  readonly #servers: ReadonlyMap<string, LyskomServer>
  /** the limits on opening sessions */
  readonly admission: Admission
  /** the limits on logins */
  readonly logins: LoginLimits
  readonly #context: SessionContext
  /** carries the changes that sessions make to the event logs of others */
  readonly changes: ChangeRelay
  readonly #opening = new Set<Promise<unknown>>()
  readonly #sweeper: NodeJS.Timeout
  readonly #newId: () => string
  #isRefusing = false
  #isDraining = false

  constructor({ servers, connections, lyskom, limits, newId = uuid, counts }: RegistryOptions) {
    super()
    this.#newId = newId
    const { serverRetryMs: retryMs, bodyCacheBytes } = lyskom
    const { sessionIdleMs, loginIdleMs } = limits
    this.#servers = new Map(
      [...servers].map(([serverId, address]) => [
        serverId,
        new LyskomServer({ address, connections, retryMs, bodyCacheBytes }),
      ]),
    )
    this.admission = new Admission(limits, this.#servers.values(), counts)
    // The address of a demo server changes when another node of a cluster runs it. Ids keep the same server even so.
    const first = new Map([...servers].map(([id, { host, port }]) => [id, { host, port }]))
    this.changes = new ChangeRelay(first)
    this.logins = new LoginLimits({ ...limits, servers: first, counts })
    this.#context = {
      sessionIdleMs,
      loginIdleMs,
      logins: this.logins,
      changes: this.changes,
      events: this,
    }
    // Registered first, so that the session is removed before other listeners run.
    this.on('closed', (session) => this.#remove(session))
    const interval = Math.min(MAX_SWEEP_INTERVAL_MS, Math.max(10, Math.min(sessionIdleMs, loginIdleMs) / 4))
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

  /** Returns what is known of a server; undefined if it is not configured. */
  serverState(serverId: string): ServerState | undefined {
    return this.#servers.get(serverId)?.state
  }

  /**
   * Checks whether a server responds.
   * @throws RangeError for a server id that is not configured
   * @throws RegistryError while the gateway is shutting down
   * @throws as `LyskomServer.check` does
   */
  async check(serverId: string): Promise<ServerCheck> {
    const server = this.#servers.get(serverId)
    if (server === undefined) throw new RangeError('no such server')
    if (this.#isRefusing) throw shuttingDown()
    const check = server.check()
    this.#opening.add(check)
    try {
      const result = await check
      this.emit('checked', serverId, undefined)
      return result
    } catch (error) {
      this.emit('checked', serverId, error)
      throw error
    } finally {
      this.#opening.delete(check)
    }
  }

  /** Whether at least one server is up, may be tried again, or has live sessions. */
  isAnyReachable(): boolean {
    return [...this.#servers.values()].some((server) => server.isReachable)
  }

  /**
   * Opens a session and creates its connection id.
   * @returns the connection id, a version 4 UUID, and the session
   * @throws RangeError for a server id that is not configured
   * @throws RegistryError while the gateway is shutting down
   * @throws LimitError if a limit on sessions is reached
   * @throws what `newId` throws
   * @throws ServerDownError immediately while the circuit breaker of the server is open
   * @throws ConnectionError, KomError or ProtocolError, as `connect` does
   */
  async open(request: OpenRequest): Promise<{ id: string; session: GatewaySession }> {
    const { serverId, clientAddress } = request
    const server = this.#servers.get(serverId)
    if (server === undefined) throw new RangeError('no such server')
    if (this.#isRefusing) throw shuttingDown()
    // Fails before the session is counted and a connection is opened; the session has an id of its own later.
    this.#newId()
    this.admission.reserve(server, clientAddress)
    const check = this.admission.checkElsewhere(clientAddress)
    if (check !== undefined) await this.#afterCheck(check, server, clientAddress)
    const opening = this.#open(server, request)
    this.#opening.add(opening)
    try {
      return await opening
    } catch (error) {
      this.admission.release(server, clientAddress)
      this.emit('failed', serverId, error)
      throw error
    } finally {
      this.#opening.delete(opening)
    }
  }

  /** The numbers of sessions that other processes count. */
  *counts(): Generator<SessionCount, void, undefined> {
    yield* this.admission.counts()
    yield* this.logins.counts()
  }

  /**
   * Returns the live session with a connection id on a server and restarts its idle timeout; undefined if there is none
   * or it is closing.
   */
  find(serverId: string, id: string): GatewaySession | undefined {
    const session = this.#usable(id)
    return session?.serverId === serverId ? session.renew() : undefined
  }

  /** Like `find`, for a request that names no server. */
  findAnywhere(id: string): GatewaySession | undefined {
    return this.#usable(id)?.renew()
  }

  /** Resolves when the session with this id has ended if it is closing, and immediately otherwise. */
  async whenEnded(id: string): Promise<void> {
    await this.#sessions.get(keyOf(id))?.whenEnded()
  }

  /** Returns the live session with a key, without restarting its idle timeout. */
  byKey(key: Key): GatewaySession | undefined {
    return this.#sessions.get(key)
  }

  /** Returns the live sessions in the order in which they were opened. */
  all(): IterableIterator<GatewaySession> {
    return this.#sessions.values()
  }

  /**
   * Closes the sessions whose idle timeout has expired.
   * @param now milliseconds of `performance.now()`
   */
  sweep(now: number): void {
    for (const session of this.#sessions.values()) if (session.hasTimedOut(now)) void session.close('idle')
  }

  /** Rejects new sessions from now on. */
  refuse(): void {
    this.#isRefusing = true
  }

  /** Whether new sessions are rejected. */
  get isRefusing(): boolean {
    return this.#isRefusing
  }

  /** Rejects new sessions, and ends the events of the live ones; otherwise these continue. */
  drain(): void {
    if (this.#isDraining) return
    this.#isRefusing = true
    this.#isDraining = true
    for (const session of this.#sessions.values()) session.endEvents('shutdown')
    this.emit('draining')
  }

  /** Whether events have ended. */
  get isDraining(): boolean {
    return this.#isDraining
  }

  /** Rejects new sessions, and closes the live ones and those being opened. */
  async closeAll(): Promise<void> {
    this.drain()
    clearInterval(this.#sweeper)
    await Promise.all([this.endAll('shutdown'), Promise.allSettled(this.#opening)])
  }

  /** Ends the live sessions immediately. Resolves when their connections are closed. */
  async endAll(reason: CloseReason): Promise<void> {
    await Promise.all([...this.#sessions.values()].map((session) => session.end(reason)))
  }

  /** Waits for a check of a reserved session. Releases it, and rejects, if that fails or the gateway shuts down meanwhile. */
  async #afterCheck(check: Promise<void>, server: LyskomServer, clientAddress: string): Promise<void> {
    this.#opening.add(check)
    try {
      await check
      if (this.#isRefusing) throw shuttingDown()
    } catch (error) {
      this.admission.release(server, clientAddress)
      throw error
    } finally {
      this.#opening.delete(check)
    }
  }

  async #open(
    server: LyskomServer,
    { serverId, clientAddress, client, requestId }: OpenRequest,
  ): Promise<{ id: string; session: GatewaySession }> {
    const lyskom = await server.open({ clientHost: clientAddress, client })
    const id = await this.#idFor(lyskom)
    server.sessionOpened(lyskom)
    const session = new GatewaySession({ key: keyOf(id), serverId, clientAddress, lyskom }, this.#context)
    this.#sessions.set(session.key, session)
    this.emit('opened', session, requestId)
    return { id, session }
  }

  /** Creates the connection id of a new session, or closes the session and rejects. */
  async #idFor(lyskom: LyskomSession): Promise<string> {
    try {
      const { dead } = lyskom.connection
      if (this.#isRefusing || dead !== undefined) throw dead ?? shuttingDown()
      return this.#newId()
    } catch (error) {
      await lyskom.close()
      throw error
    }
  }

  #usable(id: string): GatewaySession | undefined {
    const session = this.#sessions.get(keyOf(id))
    return session?.isClosing === false ? session : undefined
  }

  #remove({ key, serverId, clientAddress }: GatewaySession): void {
    this.#sessions.delete(key)
    const server = this.#servers.get(serverId)
    if (server !== undefined) this.admission.release(server, clientAddress)
  }
}

function shuttingDown(): RegistryError {
  return new RegistryError('shutting-down', 'this gateway is shutting down')
}
