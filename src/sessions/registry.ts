import { createHash } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { v4 as uuid } from 'uuid'
import type { ConnectionContext } from '../connection/connection.ts'
import type { TcpAddress } from '../connection/transport.ts'
import { BodyCache } from '../lyskom/body-cache.ts'
import { type LyskomSession, openSession } from '../lyskom/session.ts'

export interface RegistryOptions {
  /** the LysKOM servers by server id */
  servers: ReadonlyMap<string, TcpAddress>
  connections: ConnectionContext
  /** the texts kept for each server, bytes */
  bodyCacheBytes: number
  /** a session that no request has used for so long is closed, milliseconds */
  idleMs: number
  maxSessions: number
  maxSessionsPerAddress: number
}

export interface OpenRequest {
  serverId: string
  /** the HTTP client's */
  clientAddress: string
  client: { name: string; version: string }
}

/** A session that somebody holds the key to. */
export interface OpenedSession {
  /** The key: a version 4 UUID, a secret. */
  readonly id: string
  /** What names the session in logs and lists: a short hash of the key. */
  readonly handle: string
  readonly serverId: string
  readonly clientAddress: string
  readonly session: LyskomSession
  /** When a request last used it, milliseconds of `performance.now()`. */
  lastUsed: number
  /** Open streams of events and messages: while there is one, the lease does not run out. */
  streams: number
}

/** `idle`, `deleted` (by its client), `shutdown`, or the code of the `ConnectionError` that ended the line. */
export type CloseReason = string

interface RegistryEvents {
  opened: [opened: OpenedSession]
  closed: [opened: OpenedSession, reason: CloseReason]
}

/** No session can be opened now; it may be possible later. */
export class RegistryError extends Error {
  constructor(
    readonly code: 'too-many-sessions' | 'too-many-sessions-for-address' | 'shutting-down',
    message: string,
  ) {
    super(message)
    this.name = 'RegistryError'
  }
}

const MAX_SWEEP_INTERVAL_MS = 10_000

/**
 * Connection ids and the live sessions they open, 1 to 1. A session leaves the map in the turn of the event loop in
 * which its line dies or somebody closes it, so an id that is found is good.
 */
export class Registry extends EventEmitter<RegistryEvents> {
  readonly #options: RegistryOptions
  readonly #sessions = new Map<string, OpenedSession>()
  readonly #bodies = new Map<string, BodyCache>()
  /** Sessions for each client address, those being opened included. */
  readonly #perAddress = new Map<string, number>()
  readonly #opening = new Set<Promise<OpenedSession>>()
  readonly #sweeper: NodeJS.Timeout
  #shuttingDown = false

  constructor(options: RegistryOptions) {
    super()
    this.#options = options
    for (const serverId of options.servers.keys()) this.#bodies.set(serverId, new BodyCache(options.bodyCacheBytes))
    const interval = Math.min(MAX_SWEEP_INTERVAL_MS, Math.max(10, options.idleMs / 4))
    this.#sweeper = setInterval(() => this.sweep(performance.now()), interval)
    this.#sweeper.unref()
  }

  get size(): number {
    return this.#sessions.size
  }

  /**
   * Opens a session and makes its key. Rejects with a `RegistryError` over a limit, and as `connect` does.
   * @throws RangeError for a server id that is not configured
   */
  async open(request: OpenRequest): Promise<OpenedSession> {
    this.#reserve(request.clientAddress)
    const opening = this.#open(request)
    this.#opening.add(opening)
    try {
      return await opening
    } catch (error) {
      this.#release(request.clientAddress)
      throw error
    } finally {
      this.#opening.delete(opening)
    }
  }

  /** The live session that an id opens on a server; finding it renews its lease. */
  find(serverId: string, id: string): OpenedSession | undefined {
    const opened = this.#sessions.get(id)
    return opened?.serverId === serverId ? this.renew(opened) : undefined
  }

  /** The same where the server is not named: an id belongs to one only. */
  findAnywhere(id: string): OpenedSession | undefined {
    const opened = this.#sessions.get(id)
    return opened && this.renew(opened)
  }

  /** Begins the lease anew. */
  renew(opened: OpenedSession): OpenedSession {
    opened.lastUsed = performance.now()
    return opened
  }

  /** Makes the id void at once, and closes the session properly. */
  async close(opened: OpenedSession, reason: CloseReason = 'deleted'): Promise<void> {
    this.#forget(opened, reason)
    await opened.session.close()
  }

  /** Closes the sessions whose lease has run out. */
  sweep(now: number): void {
    for (const opened of this.#sessions.values()) {
      if (opened.streams === 0 && now - opened.lastUsed > this.#options.idleMs) void this.close(opened, 'idle')
    }
  }

  /** Opens no more sessions, while those there are go on. */
  refuse(): void {
    this.#shuttingDown = true
  }

  /** Opens no more sessions, and closes those there are and those being opened. */
  async closeAll(): Promise<void> {
    this.refuse()
    clearInterval(this.#sweeper)
    const all = [...this.#sessions.values()].map((opened) => this.close(opened, 'shutdown'))
    await Promise.all([...all, Promise.allSettled(this.#opening)])
  }

  async #open({ serverId, clientAddress, client }: OpenRequest): Promise<OpenedSession> {
    const address = this.#options.servers.get(serverId)
    const bodies = this.#bodies.get(serverId)
    if (address === undefined || bodies === undefined) throw new RangeError('no such server')
    const shared = this.#options.connections
    const session = await openSession({ ...shared, ...address, clientHost: clientAddress, client, bodies })
    const dead = session.connection.dead
    if (this.#shuttingDown || dead !== undefined) {
      await session.close()
      throw dead ?? shuttingDown()
    }
    const id = uuid()
    const handle = createHash('sha256').update(id).digest('hex').slice(0, 12)
    const opened = { id, handle, serverId, clientAddress, session, lastUsed: performance.now(), streams: 0 }
    this.#sessions.set(id, opened)
    session.connection.on('close', (reason) => this.#forget(opened, reason.code))
    this.emit('opened', opened)
    return opened
  }

  #reserve(clientAddress: string): void {
    const { maxSessions, maxSessionsPerAddress } = this.#options
    if (this.#shuttingDown) throw shuttingDown()
    if (this.#sessions.size + this.#opening.size >= maxSessions) {
      throw new RegistryError('too-many-sessions', `this gateway holds no more than ${maxSessions} sessions`)
    }
    const held = this.#perAddress.get(clientAddress) ?? 0
    if (held >= maxSessionsPerAddress) {
      throw new RegistryError(
        'too-many-sessions-for-address',
        `this gateway holds no more than ${maxSessionsPerAddress} sessions for one client address`,
      )
    }
    this.#perAddress.set(clientAddress, held + 1)
  }

  #release(clientAddress: string): void {
    const held = this.#perAddress.get(clientAddress) ?? 0
    if (held > 1) this.#perAddress.set(clientAddress, held - 1)
    else this.#perAddress.delete(clientAddress)
  }

  #forget(opened: OpenedSession, reason: CloseReason): void {
    if (!this.#sessions.delete(opened.id)) return
    this.#release(opened.clientAddress)
    this.emit('closed', opened, reason)
  }
}

function shuttingDown(): RegistryError {
  return new RegistryError('shutting-down', 'this gateway is shutting down')
}
