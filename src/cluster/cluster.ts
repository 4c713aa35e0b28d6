import { EventEmitter } from 'node:events'
import { redisAddress } from '../store/backends/redis/address.ts'
import { RedisConnection } from '../store/backends/redis/connection.ts'
import { evictsKeys } from '../store/backends/redis/redis.ts'
import { Bus } from './bus.ts'
import { ClusterError, ClusterSettingError } from './errors.ts'
import { type ForwardedRequest, type ForwardedResponse, PROBE_PATH, type UpgradeResponse } from './forwarded.ts'
import { Forwarder, type ForwardingOutcome } from './forwarder.ts'
import { NodeClient, probe } from './node-client.ts'
import { hostOf, isLoopback } from './node-url.ts'
import type { Owner } from './owner.ts'
import { Owners } from './owners.ts'
import { SessionCounts } from './session-counts.ts'
import { type Address, type OwnDemo, SharedDemo } from './shared-demo.ts'
import { FORWARDED_HEADER, MAX_SKEW_MS, Signatures, type SignedRequest } from './signature.ts'
import { fingerprintOf, SlotLease, type SlotLeaseOptions } from './slot-lease.ts'
import { idIn, type Slot, slotIn } from './slots.ts'

/** The prefix of the keys in Redis. */
const PREFIX = 'komgate:cluster:'

/** Options of `Cluster`. */
export interface ClusterOptions extends Pick<SlotLeaseOptions, 'clusterKey' | 'leaseMs'> {
  /** the URL of the Redis database that coordinates the nodes */
  redisUrl: string
  /** where other nodes reach this one, without a path */
  nodeUrl: string
}

/** The request by which a node is asked whether it is there, by other nodes and at its start by itself. */
const PROBE: SignedRequest = { method: 'GET', target: PROBE_PATH }
/**
 * Timeouts of that request, milliseconds: at the start, and for nodes with a lease, which may be busy, and without one.
 */
const PROBE_MS = 2000
const BUSY_MS = 5000
const LEASELESS_MS = 1000

/** What refuses that request, by the code of the error. */
const REFUSING = { 'foreign-node': 'a node with another cluster key', misdirected: 'another node' }

interface ClusterEvents {
  /** The operator should change something. */
  warning: [text: string]
}

/** A request for another node before it is signed. */
export type UnsignedRequest = Omit<ForwardedRequest, 'sign'>

/** This node among the nodes that together are one gateway. */
export class Cluster extends EventEmitter<ClusterEvents> {
  readonly #connection: RedisConnection
  readonly #options: ClusterOptions
  readonly #owners: Owners
  readonly #signatures: Signatures
  readonly #client = new NodeClient()
  readonly #forwarder: Forwarder
  /** the slot of this node */
  readonly lease: SlotLease
  /** the messages between nodes */
  readonly bus: Bus
  /** the numbers of sessions of all nodes */
  readonly sessionCounts: SessionCounts

  private constructor(connection: RedisConnection, options: ClusterOptions) {
    const { redisUrl, nodeUrl: url, clusterKey, leaseMs } = options
    super()
    this.#connection = connection
    this.#options = options
    this.lease = new SlotLease({ connection, prefix: PREFIX, url, clusterKey, leaseMs })
    // Redis delivers messages to the clients of all its databases.
    const { database } = redisAddress(new URL(redisUrl))
    const channel = `${PREFIX}${database}:${fingerprintOf(clusterKey)}`
    this.bus = new Bus({ connection, redisUrl, channel, clusterKey, leaseMs })
    this.sessionCounts = new SessionCounts({ connection, prefix: PREFIX, leaseMs })
    this.#signatures = new Signatures(clusterKey)
    const refreshClock = () => this.lease.renew()
    const isAlive = (timeoutMs: number) => async (owner: Owner) => {
      const ask = () => this.#client.isAlive(owner, () => this.#sign(owner, PROBE, 'probe'), timeoutMs)
      try {
        return await ask()
      } catch {
        // The node has refused the signature: the clock of Redis may have been set.
        await refreshClock()
        return await ask().catch(() => false)
      }
    }
    const isSettled = () => this.lease.isSettled
    const onInvalid = (slot: Slot): void =>
      void this.emit('warning', `${PREFIX}slot:${slot} in Redis was not written by a node with the cluster key`)
    const doubts = { isSettled, isAlive: isAlive(LEASELESS_MS), onInvalid }
    this.#owners = new Owners({ connection, prefix: PREFIX, clusterKey, ...doubts })
    this.lease.on('reconnected', () => void this.#checkEviction())
    this.bus.on('unreadable', (reason) => this.emit('warning', reason))
    this.#forwarder = new Forwarder({
      owners: this.#owners,
      client: this.#client,
      isAlive: isAlive(BUSY_MS),
      refreshClock,
    })
  }

  /**
   * Connects to Redis. The node is not a part of the cluster until `join`.
   * @throws StoreError if Redis cannot be reached or used
   */
  static async open(options: ClusterOptions): Promise<Cluster> {
    return new Cluster(await RedisConnection.open(new URL(options.redisUrl)), options)
  }

  /**
   * Takes a slot, when this node answers requests of other nodes at its URL.
   *
   * @returns false if nothing answers at the URL of this node, which other nodes may reach nevertheless
   * @throws ClusterSettingError if another node has the URL of this one, something else answers there, some nodes have a
   *   loopback address and others have not, or the nodes on this Redis database have another cluster key or lease
   * @throws StoreError if Redis fails
   */
  async join(): Promise<boolean> {
    await this.lease.readClock()
    const answers = await this.#answersAtUrl()
    await this.lease.checkSettings()
    await this.#checkLoopback()
    await this.#checkEviction()
    await this.bus.open()
    await this.lease.take()
    return answers
  }

  /**
   * Checks whether this node and the others can reach each other: a loopback address is for one machine.
   * @throws ClusterSettingError if they cannot
   */
  async #checkLoopback(): Promise<void> {
    const { nodeUrl } = this.#options
    for (const { url } of (await this.#owners.all()).values()) {
      if (isLoopback(url) === isLoopback(nodeUrl)) continue
      const [local, remote] = isLoopback(url) ? [url, nodeUrl] : [nodeUrl, url]
      throw new ClusterSettingError(
        'nodeUrl',
        `${local} is a loopback address, at which the node ${remote} cannot reach a node`,
      )
    }
  }

  /** Warns if Redis may evict leases. */
  async #checkEviction(): Promise<void> {
    if (!(await evictsKeys(this.#connection))) return
    this.emit(
      'warning',
      'Redis evicts keys when its memory is full, leases too; set its maxmemory-policy to noeviction',
    )
  }

  /**
   * Creates a connection id in the slot of this node.
   * @throws ClusterError `cluster-unavailable` while it is not certain that the slot is this node's
   */
  newId(): string {
    return idIn(this.lease.slotForId())
  }

  /** Returns the slot of a connection id or a ticket if another node holds it, or none does. */
  foreignSlot(text: string): Slot | undefined {
    const slot = slotIn(text)
    return slot === undefined || this.lease.has(slot) ? undefined : slot
  }

  /** Returns whether an id is in the slot of another node to which this one has sent requests: it may be that of a session. */
  isOfKnownNode(id: string): boolean {
    const slot = this.foreignSlot(id)
    return slot !== undefined && this.#owners.isKnown(slot)
  }

  /**
   * Resolves when it is certain which slot is this node's, or cannot be found out because Redis is unavailable. This
   * process may have been stopped for so long that another node has the slot now. Returns undefined if it is certain
   * already.
   */
  confirmSlot(): Promise<void> | undefined {
    return this.lease.isHeld ? undefined : this.lease.confirm()
  }

  /**
   * Sends a request to the owner of a slot, as `Forwarder.forward` does.
   * @param clientAddress the address of the client, without spaces and commas
   */
  async forward(slot: Slot, request: UnsignedRequest, clientAddress: string): Promise<ForwardedResponse | undefined> {
    return await this.#forwarder.forward(slot, this.#signed(request, clientAddress))
  }

  /** Like `forward`, for a request for a WebSocket. */
  async upgrade(slot: Slot, request: UnsignedRequest, clientAddress: string): Promise<UpgradeResponse | undefined> {
    return await this.#forwarder.upgrade(slot, this.#signed(request, clientAddress))
  }

  /**
   * Returns all nodes by their slots.
   * @throws ClusterError `cluster-unavailable` if Redis cannot be asked
   */
  async nodes(): Promise<ReadonlyMap<Slot, Owner>> {
    return await this.#owners.all()
  }

  #signed(request: UnsignedRequest, clientAddress: string): ForwardedRequest {
    const { method, target, headers, body, onGone } = request
    return { method, target, headers, body, onGone, sign: (owner) => this.#sign(owner, request, clientAddress) }
  }

  /** Returns the header of a request to another node. */
  #sign({ epoch }: Owner, request: SignedRequest, clientAddress: string): [name: string, value: string] {
    const claims = { time: Math.round(this.lease.now()), epoch, clientAddress }
    return [FORWARDED_HEADER, this.#signatures.sign(request, claims)]
  }

  /**
   * Returns the client address of a request that another node has forwarded to this one.
   * @throws ClusterError `foreign-node` unless another node has written the header for this request, less than 30 s ago
   * @throws ClusterError `misdirected` for a request to an earlier epoch, or to another node
   */
  clientAddressIn(request: SignedRequest, header = ''): string {
    const claims = this.#signatures.verify(request, header)
    if (claims === undefined) throw new ClusterError('foreign-node', 'the signature is missing or wrong')
    const skewMs = this.lease.now() - claims.time
    if (Math.abs(skewMs) > MAX_SKEW_MS) {
      // The clock of Redis may have been set.
      void this.lease.renew()
      throw new ClusterError(
        'foreign-node',
        `the signature is ${Math.round(skewMs / 1000)} s old by the clock of Redis`,
      )
    }
    if (claims.epoch !== this.lease.owner.epoch)
      throw new ClusterError('misdirected', 'the request is for another node')
    return claims.clientAddress
  }

  /**
   * Returns whether this node answers at its own URL, by a request as another node would send it.
   * @throws ClusterSettingError if something else answers
   */
  async #answersAtUrl(): Promise<boolean> {
    const { owner } = this.lease
    const response = await probe(owner, this.#sign(owner, PROBE, 'probe'), PROBE_MS).catch(() => undefined)
    if (response === undefined) return false
    if (response.status === 200 && response.text === owner.epoch) return true
    const what = REFUSING[response.refused as keyof typeof REFUSING] ?? 'something else'
    throw new ClusterSettingError('nodeUrl', `${what} answers at ${owner.url}, the URL of this node`)
  }

  /**
   * Returns a demo server that all nodes share, before it is opened.
   * @param start starts a demo server, where other nodes can reach it
   * @param address where the demo server is; it changes when another node runs it
   */
  sharedDemo(serverId: string, start: () => Promise<OwnDemo>, address: Address): SharedDemo {
    const { nodeUrl, leaseMs } = this.#options
    const host = hostOf(nodeUrl)
    return new SharedDemo({
      connection: this.#connection,
      key: `${PREFIX}demo:${serverId}`,
      leaseMs,
      confirmSettled: () => this.lease.confirmSettled(),
      host,
      start,
      address,
    })
  }

  /** The number of forwarded requests by outcome. */
  get outcomes(): ReadonlyMap<ForwardingOutcome, number> {
    return this.#forwarder.outcomes
  }

  /** Gives the slot up and closes the connections. */
  async close(): Promise<void> {
    await this.bus.close()
    await this.sessionCounts.close()
    await this.lease.release()
    await this.#client.close()
    await this.#connection.close()
  }
}
