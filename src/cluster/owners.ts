import { LRUCache } from 'lru-cache'
import type { RedisConnection } from '../store/backends/redis/connection.ts'
import { ClusterError } from './errors.ts'
import { type Owner, parseOwner } from './owner.ts'
import { SLOTS, type Slot } from './slots.ts'

/** How long a node that has lost its lease and does not answer is not asked again, milliseconds. */
const SILENT_MS = 10_000
/** The record of the last owner of a slot that it has given up. */
const ENDED = 'ended'

/** Options of `Owners`. */
export interface OwnersOptions {
  connection: Pick<RedisConnection, 'send'>
  /** the prefix of the keys in Redis */
  prefix: string
  /** the secret of the cluster, with which nodes prove that they have written their records */
  clusterKey: string
  /** whether Redis has known all leases for the time of a lease: if not, it may have started empty */
  isSettled: () => boolean
  /** whether a node answers as the owner that it was, when Redis does not name it any more */
  isAlive: (owner: Owner) => Promise<boolean>
  /** called once for each slot whose record was not written by a node */
  onInvalid: (slot: Slot) => void
}

/**
 * The nodes that hold the slots. An owner is kept, and looked up again only when it does not answer for its slot, so
 * that a forwarded request needs no round trip to Redis. A slot without an owner is looked up each time, because a node
 * may take it and create ids at any moment. Bounded by the number of slots.
 */
export class Owners {
  readonly #options: OwnersOptions
  readonly #known = new Map<Slot, Owner>()
  readonly #lookups = new Map<Slot, Promise<Owner | undefined>>()
  /** slots whose record was not written by a node */
  readonly #invalid = new Set<Slot>()
  /** epochs of nodes that have not answered without a lease */
  readonly #silent = new LRUCache<string, true>({ max: SLOTS, ttl: SILENT_MS })

  constructor(options: OwnersOptions) {
    this.#options = options
  }

  /**
   * Returns the owner of a slot; undefined if it has none.
   * @throws ClusterError `cluster-unavailable`, as a rejection, if it is not known and `lookUp` rejects
   */
  of(slot: Slot): Owner | Promise<Owner | undefined> {
    return this.#known.get(slot) ?? this.lookUp(slot)
  }

  /** Returns whether the owner of a slot is known without asking Redis. */
  isKnown(slot: Slot): boolean {
    return this.#known.has(slot)
  }

  /** Returns whether a node without a lease has not answered a moment ago. */
  isSilent({ epoch }: Owner): boolean {
    return this.#silent.has(epoch)
  }

  /**
   * Asks Redis for the owner of a slot. Lookups of a slot at the same time are one. A node whose lease has expired, because
   * it is cut off from Redis, is still the owner while it answers, and no other node has taken the slot.
   * @throws ClusterError `cluster-unavailable` if Redis cannot be asked, may not have all leases, or has a record that
   *   was not written by a node
   */
  async lookUp(slot: Slot): Promise<Owner | undefined> {
    const running = this.#lookups.get(slot)
    if (running !== undefined) return await running
    const lookup = this.#lookUp(slot).finally(() => this.#lookups.delete(slot))
    this.#lookups.set(slot, lookup)
    return await lookup
  }

  /**
   * Returns all nodes, by their slots.
   * @throws ClusterError `cluster-unavailable` if Redis cannot be asked
   */
  async all(): Promise<ReadonlyMap<Slot, Owner>> {
    const slots = (await this.#ask<Slot[]>(['HKEYS', this.#lastOwners])).sort()
    if (slots.length === 0) return new Map()
    const records = await this.#ask<(string | null)[]>(['MGET', ...slots.map((slot) => this.#keyOf(slot))])
    const found = new Map<Slot, Owner>()
    for (const [i, slot] of slots.entries()) {
      const owner = this.#parse(slot, records[i] ?? null)
      if (owner !== undefined) found.set(slot, owner)
    }
    return found
  }

  async #ask<T>(command: readonly string[]): Promise<T> {
    try {
      return await this.#options.connection.send<T>(command)
    } catch (cause) {
      throw new ClusterError('cluster-unavailable', 'Redis cannot be asked for the owners of slots', { cause })
    }
  }

  async #lookUp(slot: Slot): Promise<Owner | undefined> {
    const json = await this.#ask<string | null>(['GET', this.#keyOf(slot)])
    const owner = this.#parse(slot, json)
    if (owner !== undefined) {
      this.#known.set(slot, owner)
      return owner
    }
    if (json !== null) throw new ClusterError('cluster-unavailable', `the record of slot ${slot} is not of a node`)
    const last = await this.#lastOwner(slot)
    if (last !== undefined && (await this.#answers(last))) {
      this.#known.set(slot, last)
      return last
    }
    if (!this.#options.isSettled()) {
      throw new ClusterError('cluster-unavailable', 'Redis was interrupted and may not have all leases yet')
    }
    this.#known.delete(slot)
    return undefined
  }

  /** Returns the node that held a slot without a lease last, unless it has given it up. */
  async #lastOwner(slot: Slot): Promise<Owner | undefined> {
    const json = await this.#ask<string | null>(['HGET', this.#lastOwners, slot])
    // Redis may have started empty.
    if (json === null) return this.#known.get(slot)
    return json === ENDED ? undefined : this.#parse(slot, json)
  }

  /** Returns whether a node without a lease still answers. One that has not is not asked again for a while. */
  async #answers(owner: Owner): Promise<boolean> {
    if (this.isSilent(owner)) return false
    const isAlive = await this.#options.isAlive(owner)
    if (!isAlive) this.#silent.set(owner.epoch, true)
    return isAlive
  }

  get #lastOwners(): string {
    return `${this.#options.prefix}owners`
  }

  #keyOf(slot: Slot): string {
    return `${this.#options.prefix}slot:${slot}`
  }

  /** Returns the owner in a record; undefined without a record, or if a node has not written it. */
  #parse(slot: Slot, json: string | null): Owner | undefined {
    if (json === null) return undefined
    const owner = parseOwner(slot, json, this.#options.clusterKey)
    if (owner === undefined && !this.#invalid.has(slot)) {
      this.#invalid.add(slot)
      this.#options.onInvalid(slot)
    }
    return owner
  }
}
