import { createHash, createHmac, randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RedisConnection } from '../store/backends/redis/connection.ts'
import { ClusterError, ClusterSettingError } from './errors.ts'
import { type Owner, ownerJson } from './owner.ts'
import { CLAIM, END_EARLIER, GIVE_UP, type LeaseReply, RENEW, type RedisTime } from './scripts.ts'
import { SLOTS, type Slot, slotOf } from './slots.ts'

/** Renewals in the time of a lease. */
const RENEWALS = 3
/**
 * The part of a lease that is left at least while it is renewed in time: two thirds, less some time for late renewals.
 * After a renewal, more than `RENEWED` is left.
 */
const LIVING = 0.6
const RENEWED = 0.7

/**
 * How long Redis may fail, milliseconds, before it counts as unavailable for a request: the connection of a process that was
 * suspended has timed out, and is made again at once.
 */
const RECONNECT_MS = 2000
/** Pause between attempts during that time, milliseconds. */
const RETRY_MS = 20

/** Options of `SlotLease`. */
export interface SlotLeaseOptions {
  connection: Pick<RedisConnection, 'run' | 'send' | 'interruptions'>
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
  /** The connection to Redis has been interrupted, and Redis has replied again: it may be another server. */
  reconnected: []
}

/**
 * The lease of the slot in which this node creates connection ids. A node needs a single slot, because sessions stay
 * where they were opened, and it is the load balancer that distributes them. The slot follows from the URL of the node,
 * so that it is the same one after a restart, if no other node has it.
 */
export class SlotLease extends EventEmitter<LeaseEvents> {
  readonly #options: SlotLeaseOptions
  #timer: NodeJS.Timeout | undefined
  #owner: Owner
  #slot: Slot
  /** Whether it has been this node's, and no other node has taken it since. */
  #hasSlot = false
  /** Milliseconds of `performance.now()` until which no other node can take the slot. */
  #heldUntil = Number.NEGATIVE_INFINITY
  /** Added to `performance.now()` gives the time of Redis. */
  #offsetMs = Date.now() - performance.now()
  #renewal: Promise<void> | undefined
  #isFailing = false
  /** milliseconds of `performance.now()` */
  #failingSince = 0
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
   * Reads the clock of Redis.
   * @throws StoreError if Redis cannot be reached
   */
  async readClock(): Promise<void> {
    this.#setClock(await this.#options.connection.send<RedisTime>(['TIME']))
  }

  /**
   * Checks whether this node has the cluster key and the lease of the others.
   * @throws StoreError if Redis cannot be reached
   * @throws ClusterSettingError if it has not
   */
  async checkSettings(): Promise<void> {
    const { connection, prefix } = this.#options
    const settings = await connection.send<string | null>(['GET', `${prefix}settings`])
    if (settings !== null && settings !== this.#settings) throw this.#unlike(settings)
  }

  /**
   * Takes a slot, and renews its lease from now on. If another node with the URL of this one has a lease, which may be
   * an earlier start of this node that has crashed, it waits for up to 0.4 leases whether that lease is renewed.
   *
   * @throws StoreError if Redis cannot be reached
   * @throws ClusterSettingError if another node has the URL of this one, or they have another cluster key or lease
   */
  async take(): Promise<void> {
    await this.#endEarlier()
    await this.#claim()
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

  /** Returns whether the sessions in a slot are on this node, as far as it knows. */
  has(slot: Slot): boolean {
    return this.#hasSlot && slot === this.#slot
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

  /** Like `isSettled`, after Redis has been asked. */
  async confirmSettled(): Promise<boolean> {
    await this.renew()
    return this.isSettled
  }

  /** Renews the lease while this node has one. Never rejects: the state shows the outcome. */
  async renew(): Promise<void> {
    if (this.#isReleased || this.#timer === undefined) return
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = undefined
    })
    await this.#renewal
  }

  /** Resolves when the slot is held, or Redis has replied to a command that was sent from now on, or keeps failing. */
  async confirm(): Promise<void> {
    // The reply to an earlier command may have waited while this process was suspended.
    await this.#renewal
    while (!this.isHeld && !this.#isReleased) {
      await this.renew()
      if (!this.#isFailing || performance.now() - this.#failingSince > RECONNECT_MS) return
      await sleep(RETRY_MS)
    }
  }

  /** Gives the slot up. Never rejects. */
  async release(): Promise<void> {
    clearInterval(this.#timer)
    this.#isReleased = true
    await this.#renewal
    if (!this.#hasSlot) return
    const { connection, prefix } = this.#options
    const keys = [`${prefix}slot:${this.#slot}`, `${prefix}owners`]
    await connection.run(GIVE_UP, keys, [this.#jsonIn(this.#slot), this.#slot]).catch(() => undefined)
  }

  async #renew(): Promise<void> {
    try {
      // Another node may have taken the slot, and Redis have failed before this one had the next.
      const outcome = this.#hasSlot ? await this.#run(RENEW, this.#slot) : 'taken'
      if (outcome === 'taken') {
        this.#lose()
        await this.#claim()
      }
      this.#report(undefined)
    } catch (error) {
      this.#report(error)
    }
  }

  /** Begins a new epoch without a slot: the sessions of the last one must end. */
  #lose(): void {
    if (!this.#hasSlot) return
    this.#hasSlot = false
    this.#heldUntil = Number.NEGATIVE_INFINITY
    this.#owner = { ...this.#owner, epoch: randomUUID() }
    this.emit('lost', this.#slot)
  }

  /** Ends the leases of earlier starts of this node, which have crashed. */
  async #endEarlier(): Promise<void> {
    const { leaseMs, url } = this.#options
    const leftMs = await this.#endNotLiving(leaseMs * LIVING)
    if (leftMs === 0) return
    const longestMs = Math.max(leaseMs, leftMs)
    await sleep(leftMs - longestMs * LIVING)
    const isRenewed = (await this.#endNotLiving(longestMs * RENEWED)) > 0
    if (isRenewed) throw new ClusterSettingError('nodeUrl', `another node has the URL ${url}`)
  }

  /**
   * Returns the longest time that a lease with the URL of this node lasts, and 0 if they have been ended. Milliseconds.
   */
  async #endNotLiving(livingMs: number): Promise<number> {
    const { connection, prefix, url } = this.#options
    const keys = [`${prefix}owners`, `${prefix}settings`]
    const args = [`${prefix}slot:`, this.#settings, url, `${Math.round(livingMs)}`]
    const reply = await connection.run<number | string>(END_EARLIER, keys, args)
    if (typeof reply === 'string') throw this.#unlike(reply)
    return reply
  }

  /** Takes the slot that follows from the URL, or the next one that is free. */
  async #claim(): Promise<void> {
    const first = firstSlot(this.#owner.url)
    for (let i = 0; i < SLOTS; i++) {
      const outcome = await this.#run(CLAIM, slotOf((first + i) % SLOTS))
      if (outcome === 'held') return
    }
    throw new ClusterError('cluster-unavailable', 'every slot is taken')
  }

  async #run(script: typeof CLAIM, slot: Slot): Promise<'held' | 'retaken' | 'taken'> {
    const { connection, prefix, leaseMs } = this.#options
    const sentAt = performance.now()
    const keys = [`${prefix}slot:${slot}`, `${prefix}owners`, `${prefix}settings`]
    const args = [this.#jsonIn(slot), slot, `${leaseMs}`, this.#settings]
    const [outcome, time, settings] = await connection.run<LeaseReply>(script, keys, args)
    if (outcome === 'other-settings') throw this.#unlike(settings)
    const { interruptions } = connection
    const isReconnected = interruptions !== this.#interruptions
    if (outcome === 'retaken' || isReconnected) this.#settledAt = performance.now() + leaseMs
    this.#interruptions = interruptions
    this.#setClock(time)
    if (outcome !== 'taken') {
      this.#slot = slot
      this.#hasSlot = true
      // Counted from before the command, so that this node stops before Redis does.
      this.#heldUntil = sentAt + leaseMs
    }
    if (isReconnected) this.emit('reconnected')
    return outcome
  }

  #setClock([seconds, microseconds]: RedisTime): void {
    this.#offsetMs = Number(seconds) * 1000 + Number(microseconds) / 1000 - performance.now()
  }

  /** Returns the record of this node in Redis. */
  #jsonIn(slot: Slot): string {
    return ownerJson(slot, this.#owner, this.#options.clusterKey)
  }

  /** What all nodes have in common, as Redis has it. */
  get #settings(): string {
    const { clusterKey, leaseMs } = this.#options
    return `${fingerprintOf(clusterKey)} ${leaseMs}`
  }

  /** Returns the error for nodes with other settings than this one. */
  #unlike(settings: string): ClusterSettingError {
    const [fingerprint, leaseMs] = settings.split(' ')
    if (fingerprint === fingerprintOf(this.#options.clusterKey))
      return new ClusterSettingError('leaseMs', `the nodes on this Redis database have a lease of ${leaseMs} ms`)
    return new ClusterSettingError('clusterKey', 'the nodes on this Redis database have another cluster key')
  }

  #report(error: unknown): void {
    const isFailing = error !== undefined
    if (isFailing === this.#isFailing) return
    this.#isFailing = isFailing
    this.#failingSince = performance.now()
    this.emit('renewal', error)
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
