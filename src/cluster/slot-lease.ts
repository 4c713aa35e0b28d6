import { createHash, createHmac, randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import type { RedisConnection } from '../store/backends/redis/connection.ts'
import { ClusterError } from './errors.ts'
import type { Owner } from './owner.ts'
import { CLAIM, type LeaseReply, RELEASE, RENEW } from './scripts.ts'
import { SLOTS, type Slot, slotOf } from './slots.ts'

/** Renewals in the time of a lease. */
const RENEWALS = 3

/** Options of `SlotLease`. */
export interface SlotLeaseOptions {
  connection: Pick<RedisConnection, 'run' | 'interruptions'>
  /** the prefix of the keys in Redis */
  prefix: string
  /** where other nodes reach this one */
  url: string
  /** the secret of the cluster, of which Redis keeps a fingerprint */
  clusterKey: string
  /** the time after the last renewal in which the slot is this node's, milliseconds */
  leaseMs: number
}

interface LeaseEvents {
  /** Another node has taken the slot: the sessions in it must end. The lease of another slot follows. */
  lost: [slot: Slot]
  /** Redis has replied, or has failed with an error; only changes are reported. */
  renewal: [error: unknown]
}

/**
 * The lease of the slot in which this node creates connection ids. A node needs a single slot, because sessions stay where
 * they were opened, and it is the load balancer that distributes them. The slot follows from the URL of the node, so that it is
 * the same one after a restart, if no other node has it.
 */
export class SlotLease extends EventEmitter<LeaseEvents> {
  readonly #options: SlotLeaseOptions
  #timer: NodeJS.Timeout | undefined
  #owner: Owner
  #slot: Slot
  /** Milliseconds of `performance.now()` until which no other node can take the slot. */
  #heldUntil = Number.NEGATIVE_INFINITY
  /** Added to `performance.now()` gives the time of Redis. */
  #offsetMs = Date.now() - performance.now()
  #renewal: Promise<void> | undefined
  #isFailing = false
  /** Milliseconds of `performance.now()` until which leases of other nodes may be missing in Redis. */
  #settledAt = Number.NEGATIVE_INFINITY
  #interruptions = 0
  #isReleased = false

  constructor(options: SlotLeaseOptions) {
    super()
    this.#options = options
    this.#owner = { epoch: randomUUID(), url: options.url }
    this.#slot = slotOf(firstSlot(options.url))
  }

  /**
   * Takes a slot, and renews its lease from now on.
   * @throws StoreError if Redis cannot be reached
   * @throws ClusterKeyError if the nodes on this Redis database have another cluster key
   */
  async take(): Promise<void> {
    await this.#claim(true)
    this.#timer = setInterval(() => void this.renew(), this.#options.leaseMs / RENEWALS)
  }

  /** This node as the owner of its slot. */
  get owner(): Owner {
    return this.#owner
  }

  /** The slot of this node. */
  get slot(): Slot {
    return this.#slot
  }

  /** Whether no other node can have taken the slot, without asking Redis. */
  get isHeld(): boolean {
    return !this.#isReleased && performance.now() < this.#heldUntil
  }

  /** Whether Redis has not been interrupted for the time of a lease, so that it has the leases of all nodes. */
  get isSettled(): boolean {
    return this.#interruptions === this.#options.connection.interruptions && performance.now() >= this.#settledAt
  }

  /** The time of Redis in milliseconds since 1970, whatever the clock of this machine shows. */
  now(): number {
    return performance.now() + this.#offsetMs
  }

  /**
   * Returns the slot for a new id.
   * @throws ClusterError `cluster-unavailable` while the lease is not certain
   */
  slotForId(): Slot {
    if (this.isHeld) return this.#slot
    throw new ClusterError('cluster-unavailable', 'the lease of the slot of this node has expired')
  }

  /** Renews the lease, unless it is released. Never rejects: the state says what came of it. */
  async renew(): Promise<void> {
    if (this.#isReleased) return
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = undefined
    })
    await this.#renewal
  }

  /** Gives the slot up. Never rejects. */
  async release(): Promise<void> {
    clearInterval(this.#timer)
    this.#isReleased = true
    await this.#renewal
    const { connection } = this.#options
    await connection.run(RELEASE, this.#keys.slice(0, 1), [JSON.stringify(this.#owner)]).catch(() => undefined)
  }

  async #renew(): Promise<void> {
    try {
      const outcome = await this.#run(RENEW)
      if (outcome === 'other-key') throw new ClusterKeyError()
      if (outcome === 'taken') {
        const lost = this.#slot
        this.#heldUntil = Number.NEGATIVE_INFINITY
        this.#owner = { ...this.#owner, epoch: randomUUID() }
        this.emit('lost', lost)
        // An owner with the same URL is a later start of this node, which must not lose the slot again.
        await this.#claim(false)
      }
      this.#report(undefined)
    } catch (error) {
      this.#report(error)
    }
  }

  /**
   * Takes the slot that follows from the URL, or the next one that is free.
   * @param replaces whether it may be taken from an owner with the same URL, which has ended
   */
  async #claim(replaces: boolean): Promise<void> {
    const first = firstSlot(this.#owner.url)
    for (let i = 0; i < SLOTS; i++) {
      this.#slot = slotOf((first + i) % SLOTS)
      const outcome = await this.#run(CLAIM, `${replaces}`)
      if (outcome === 'held') return
      if (outcome === 'other-key') throw new ClusterKeyError()
    }
    throw new ClusterError('cluster-unavailable', 'every slot is taken')
  }

  async #run(script: typeof CLAIM, ...more: readonly string[]): Promise<LeaseReply[0]> {
    const { connection, clusterKey, leaseMs } = this.#options
    const { epoch, url } = this.#owner
    const sentAt = performance.now()
    const args = [JSON.stringify(this.#owner), epoch, url, this.#slot, `${leaseMs}`, fingerprintOf(clusterKey), ...more]
    const [outcome, [seconds, microseconds]] = await connection.run<LeaseReply>(script, this.#keys, args)
    const { interruptions } = connection
    if (outcome === 'retaken' || interruptions !== this.#interruptions) this.#settledAt = performance.now() + leaseMs
    this.#interruptions = interruptions
    this.#offsetMs = Number(seconds) * 1000 + Number(microseconds) / 1000 - performance.now()
    // Counted from before the command, so that this node stops before Redis does.
    if (outcome === 'held' || outcome === 'retaken') this.#heldUntil = sentAt + leaseMs
    return outcome
  }

  get #keys(): string[] {
    const { prefix } = this.#options
    return [`${prefix}slot:${this.#slot}`, `${prefix}epochs`, `${prefix}key`]
  }

  #report(error: unknown): void {
    const isFailing = error !== undefined
    if (isFailing === this.#isFailing) return
    this.#isFailing = isFailing
    this.emit('renewal', error)
  }
}

/** The nodes on a Redis database have another cluster key. */
export class ClusterKeyError extends Error {
  constructor() {
    super('the nodes on this Redis database have another cluster key')
  }
}

/** Returns the number of the slot that a node takes first. */
function firstSlot(url: string): number {
  return createHash('sha256').update(url).digest().readUInt16BE() % SLOTS
}

/** Returns what Redis may know of the key of a cluster. */
export function fingerprintOf(clusterKey: string): string {
  return createHmac('sha256', clusterKey).update('fingerprint').digest('hex')
}
