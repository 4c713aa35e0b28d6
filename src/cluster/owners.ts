import type { RedisConnection } from '../store/backends/redis/connection.ts'
import { ClusterError } from './errors.ts'
import { type Owner, parseOwner } from './owner.ts'
import type { Slot } from './slots.ts'

/** What else says that a slot has an owner, when Redis names none. */
export interface OwnerDoubts {
  /** whether Redis has known all leases for the time of a lease: if not, it may have started empty */
  isSettled: () => boolean
  /** whether a node answers as the owner that it was */
  isAlive: (owner: Owner) => Promise<boolean>
}

/**
 * The nodes that hold the slots. An owner is kept, and looked up again only when it does not answer for its slot, so that a
 * forwarded request needs no round trip to Redis. A slot without an owner is looked up each time, because a node may take
 * it and create ids at any moment. Bounded by the number of slots.
 */
export class Owners {
  readonly #connection: Pick<RedisConnection, 'send'>
  readonly #prefix: string
  readonly #known = new Map<Slot, Owner>()
  readonly #lookups = new Map<Slot, Promise<Owner | undefined>>()
  readonly #doubts: OwnerDoubts

  /** @param prefix the prefix of the keys in Redis */
  constructor(connection: Pick<RedisConnection, 'send'>, prefix: string, doubts: OwnerDoubts) {
    this.#connection = connection
    this.#prefix = prefix
    this.#doubts = doubts
  }

  /**
   * Returns the owner of a slot; undefined if it has none.
   * @throws ClusterError `cluster-unavailable`, as a rejection, if it is not known and Redis cannot be asked
   */
  of(slot: Slot): Owner | Promise<Owner | undefined> {
    return this.#known.get(slot) ?? this.lookUp(slot)
  }

  /** Returns whether the owner of a slot is known without asking Redis. */
  isKnown(slot: Slot): boolean {
    return this.#known.has(slot)
  }

  /**
   * Asks Redis for the owner of a slot. Lookups of a slot at the same time are one. An owner that Redis does not name any
   * more, because it is cut off from Redis, is still the owner while it answers.
   * @throws ClusterError `cluster-unavailable` if Redis cannot be asked, or may not have all leases
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
    const slots = (await this.#ask<Slot[]>(['HKEYS', `${this.#prefix}epochs`])).sort()
    const found = new Map<Slot, Owner>()
    if (slots.length === 0) return found
    const owners = await this.#ask<(string | null)[]>(['MGET', ...slots.map((slot) => `${this.#prefix}slot:${slot}`)])
    for (const [i, json] of owners.entries()) if (json !== null) found.set(slots[i] as Slot, parseOwner(json))
    return found
  }

  async #ask<T>(command: readonly string[]): Promise<T> {
    try {
      return await this.#connection.send<T>(command)
    } catch (cause) {
      throw new ClusterError('cluster-unavailable', 'Redis cannot be asked for the owners of slots', { cause })
    }
  }

  async #lookUp(slot: Slot): Promise<Owner | undefined> {
    const json = await this.#ask<string | null>(['GET', `${this.#prefix}slot:${slot}`])
    if (json !== null) {
      const owner = parseOwner(json)
      this.#known.set(slot, owner)
      return owner
    }
    const known = this.#known.get(slot)
    if (known !== undefined && (await this.#doubts.isAlive(known))) return known
    if (!this.#doubts.isSettled()) {
      throw new ClusterError('cluster-unavailable', 'Redis was interrupted and may not have all leases yet')
    }
    this.#known.delete(slot)
    return undefined
  }
}
