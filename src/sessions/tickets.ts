import { randomBytes } from 'node:crypto'
import { type Key, keyOf } from '../store/record.ts'
import type { GatewaySession } from './gateway-session.ts'
import { LimitError } from './limit-error.ts'
import type { Registry } from './registry.ts'

/** The time in which a ticket must be used, seconds. */
export const TICKET_SECONDS = 30
/** Unused tickets of one session. */
const MAX_UNUSED = 100
const TICKET_BYTES = 32

/** Options of `Tickets`. */
export interface TicketOptions {
  /** returns the current time in milliseconds */
  clock?: () => number
  /** returns the text that a new ticket begins with, which tells the nodes of a cluster whose it is */
  prefix?: () => string
}

interface Entry {
  readonly session: GatewaySession
  /** milliseconds of `performance.now()` */
  readonly expiresAt: number
}

/**
 * Tickets stand for the connection id of a session in a URL, where logs and histories may keep them: each works once,
 * and for 30 s. Only their SHA-256 is kept.
 */
export class Tickets {
  readonly #clock: () => number
  readonly #prefix: () => string
  readonly #entries = new Map<Key, Entry>()
  /** The unused tickets of each session, oldest first. */
  readonly #unused = new Map<GatewaySession, Set<Key>>()

  /**
   * @param registry reports the end of sessions, whose tickets become invalid
   */
  constructor(
    registry: Pick<Registry, 'on'>,
    { clock = () => performance.now(), prefix = () => '' }: TicketOptions = {},
  ) {
    this.#clock = clock
    this.#prefix = prefix
    registry.on('closed', (session) => this.#removeAll(session))
  }

  /** The number of unused tickets, including expired ones that are not removed yet. */
  get size(): number {
    return this.#entries.size
  }

  /**
   * Creates a ticket: 256 random bits in base64url, of which the prefix replaces the first ones.
   * @throws LimitError if the session has 100 unused tickets
   */
  create(session: GatewaySession): string {
    const now = this.#clock()
    const unused = this.#unused.get(session) ?? new Set()
    for (const key of unused) {
      const waitMs = (this.#entries.get(key)?.expiresAt ?? now) - now
      if (waitMs <= 0) this.#remove(key)
      else if (unused.size < MAX_UNUSED) break
      else
        throw new LimitError('tickets-per-session', `A session has no more than ${MAX_UNUSED} unused tickets.`, waitMs)
    }
    const prefix = this.#prefix()
    const ticket = prefix + randomBytes(TICKET_BYTES).toString('base64url').slice(prefix.length)
    const key = keyOf(ticket)
    this.#entries.set(key, { session, expiresAt: now + TICKET_SECONDS * 1000 })
    this.#unused.set(session, unused.add(key))
    return ticket
  }

  /**
   * Uses a ticket, which is invalid afterwards.
   * @param serverId the id of the LysKOM server that the request is for; undefined for any
   * @returns the session; undefined if the ticket is unknown, used, expired or of another server, or if its session is
   *   closing or has ended
   */
  use(ticket: string, serverId?: string): GatewaySession | undefined {
    const key = keyOf(ticket)
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#remove(key)
    const { session, expiresAt } = entry
    const isValid =
      this.#clock() < expiresAt &&
      (serverId === undefined || session.serverId === serverId) &&
      !session.isClosing &&
      !session.hasEnded
    return isValid ? session.renew() : undefined
  }

  #remove(key: Key): void {
    const session = this.#entries.get(key)?.session
    this.#entries.delete(key)
    if (session === undefined) return
    const unused = this.#unused.get(session)
    unused?.delete(key)
    if (unused?.size === 0) this.#unused.delete(session)
  }

  #removeAll(session: GatewaySession): void {
    for (const key of this.#unused.get(session) ?? []) this.#entries.delete(key)
    this.#unused.delete(session)
  }
}
