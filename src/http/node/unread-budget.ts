/**
 * Node and `ws` limit neither the memory of responses that clients do not read nor that of all connections together.
 * `server.timeout` limits only the time, and starts again with each byte that a client reads.
 */

import type { LimitName } from '../../sessions/limit-error.ts'

/** A client connection that may hold unread responses and unfinished requests. */
export interface UnreadSource {
  /** the client network whose budget it uses; undefined for a trusted proxy, to which only the total applies */
  readonly network: string | undefined
  /** returns the bytes that the gateway holds for the client now; 0 once the connection is closed */
  unreadBytes(): number
  /** closes the connection immediately and discards what it holds */
  drop(): void
}

/** Limits of unread responses and unfinished requests, in bytes. */
export interface UnreadLimits {
  maxUnreadBytesPerConnection: number
  maxUnreadBytesPerAddress: number
  maxUnreadBytes: number
}

interface Entry {
  bytes: number
  /** when the client last read something or sent a part of a request, `performance.now()` */
  progressAt: number
}

interface Group {
  bytes: number
  readonly entries: Map<UnreadSource, Entry>
}

/**
 * When a limit is exceeded, connections are dropped down to this share of it, so that not every update recounts them.
 */
const TARGET = 7 / 8

/**
 * Bounds the memory of responses that clients do not read and of requests that they do not finish, for each client
 * network and in total. Over a limit it drops the connection that has made no progress for the longest time; over the
 * total limit it drops one of the network that holds the most. A client that reads or sends is therefore the last to be
 * dropped.
 */
export class UnreadBudget {
  readonly maxPerConnection: number
  readonly #limits: UnreadLimits
  readonly #onLimit: ((limit: LimitName) => void) | undefined
  readonly #groups = new Map<string | UnreadSource, Group>()
  #total = 0

  /** @param onLimit called with the limit for each dropped connection */
  constructor(limits: UnreadLimits, onLimit?: (limit: LimitName) => void) {
    this.#limits = limits
    this.#onLimit = onLimit
    this.maxPerConnection = limits.maxUnreadBytesPerConnection
  }

  /** Records that a client has sent a part of a request, and enforces the limits. */
  progress(source: UnreadSource): void {
    const group = this.#record(source)
    const entry = group?.entries.get(source)
    if (entry !== undefined) entry.progressAt = performance.now()
    this.#enforce(source, group)
  }

  /** Records how much a connection holds now, and enforces the limits. */
  update(source: UnreadSource): void {
    this.#enforce(source, this.#record(source))
  }

  #enforce(source: UnreadSource, group: Group | undefined): void {
    if (group === undefined) return
    const { maxUnreadBytesPerAddress, maxUnreadBytes } = this.#limits
    if (group.bytes > maxUnreadBytesPerAddress && source.network !== undefined) {
      this.#shrink(group, maxUnreadBytesPerAddress, 'unread-bytes-per-address')
    }
    while (this.#total > maxUnreadBytes) {
      const largest = this.#largest()
      if (largest === undefined) break
      this.#shrink(largest, largest.bytes - (this.#total - maxUnreadBytes), 'unread-bytes')
    }
  }

  /** Stops counting a connection. */
  remove(source: UnreadSource): void {
    const key = source.network ?? source
    const group = this.#groups.get(key)
    const entry = group?.entries.get(source)
    if (group === undefined || entry === undefined) return
    group.entries.delete(source)
    group.bytes -= entry.bytes
    this.#total -= entry.bytes
    if (group.entries.size === 0) this.#groups.delete(key)
  }

  /** Recounts all connections and returns the total in bytes. */
  measure(): number {
    for (const group of this.#groups.values()) this.#recount(group)
    return this.#total
  }

  /** Updates the entry of a connection. Returns its group, or undefined when the connection holds nothing. */
  #record(source: UnreadSource): Group | undefined {
    const bytes = source.unreadBytes()
    if (bytes === 0) {
      this.remove(source)
      return undefined
    }
    const key = source.network ?? source
    const group = this.#groups.get(key) ?? { bytes: 0, entries: new Map<UnreadSource, Entry>() }
    const entry = group.entries.get(source)
    if (entry === undefined) {
      this.#groups.set(key, group)
      group.entries.set(source, { bytes, progressAt: performance.now() })
    } else {
      if (bytes < entry.bytes) entry.progressAt = performance.now()
      group.bytes -= entry.bytes
      this.#total -= entry.bytes
      entry.bytes = bytes
    }
    group.bytes += bytes
    this.#total += bytes
    return group
  }

  #recount(group: Group): void {
    for (const source of group.entries.keys()) this.#record(source)
  }

  /** Recounts a group and drops connections if it still holds more than `max`. */
  #shrink(group: Group, max: number, limit: LimitName): void {
    this.#recount(group)
    if (group.bytes <= max) return
    const longestFirst = [...group.entries].sort(([, a], [, b]) => a.progressAt - b.progressAt)
    for (const [source] of longestFirst) {
      if (group.bytes <= max * TARGET) break
      this.#onLimit?.(limit)
      this.remove(source)
      source.drop()
    }
  }

  #largest(): Group | undefined {
    let largest: Group | undefined
    for (const group of this.#groups.values()) if (largest === undefined || group.bytes > largest.bytes) largest = group
    return largest
  }
}
