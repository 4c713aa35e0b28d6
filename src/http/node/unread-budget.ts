import type { LimitName } from '../../sessions/limit-error.ts'

/** A connection to a client, which may leave responses unread. */
export interface UnreadSource {
  /** whose budget it uses; undefined for a trusted proxy, which has only the total */
  readonly network: string | undefined
  /** bytes that the gateway holds for the client now; 0 once the connection is closed */
  unreadBytes(): number
  /** closes the connection at once and discards what it holds */
  drop(): void
}

export interface UnreadLimits {
  maxUnreadBytesPerConnection: number
  maxUnreadBytesPerAddress: number
  maxUnreadBytes: number
  onLimit?: (limit: LimitName) => void
}

interface Entry {
  bytes: number
  /** when the client last read something, `performance.now()` */
  readAt: number
}

interface Group {
  bytes: number
  readonly entries: Map<UnreadSource, Entry>
}

/** After a limit is hit, connections are dropped until this share of it is used, so that they are not counted each time. */
const TARGET = 7 / 8

/**
 * Bounds the memory of responses that clients do not read, in each client network and in all. Over a limit it drops the
 * connection that has read nothing for the longest time; over the total limit it takes it from the network that holds the
 * most. A client that reads is therefore the last to be dropped.
 */
export class UnreadBudget {
  readonly maxPerConnection: number
  readonly #limits: UnreadLimits
  readonly #groups = new Map<string | UnreadSource, Group>()
  #total = 0

  constructor(limits: UnreadLimits) {
    this.#limits = limits
    this.maxPerConnection = limits.maxUnreadBytesPerConnection
  }

  /** Records how much a connection holds now, and enforces the limits. */
  update(source: UnreadSource): void {
    const group = this.#record(source)
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

  /** Counts all connections anew. */
  measure(): number {
    for (const group of this.#groups.values()) this.#recount(group)
    return this.#total
  }

  /** Returns the group of the connection; undefined when the connection holds nothing. */
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
      group.entries.set(source, { bytes, readAt: performance.now() })
    } else {
      if (bytes < entry.bytes) entry.readAt = performance.now()
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

  /** Drops connections of a group that holds more than `max`, unless a new count shows that it does not. */
  #shrink(group: Group, max: number, limit: LimitName): void {
    this.#recount(group)
    if (group.bytes <= max) return
    const longestFirst = [...group.entries].sort(([, a], [, b]) => a.readAt - b.readAt)
    for (const [source] of longestFirst) {
      if (group.bytes <= max * TARGET) break
      this.#limits.onLimit?.(limit)
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
