import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { LRUCache } from 'lru-cache'
import { createClient } from 'redis'
import { redisAddress } from '../store/backends/redis/address.ts'
import { clientOptions, pauseBefore } from '../store/backends/redis/client-options.ts'
import type { RedisConnection } from '../store/backends/redis/connection.ts'
import { StoreError, withTimeout } from '../store/index.ts'
import { type Message, MessageCodec, type ReceivedMessage } from './messages.ts'
import { SLOTS } from './slots.ts'

/** Timeout for the subscription at the start, milliseconds. */
const OPEN_MS = 4000
/** Heartbeats in the time of a lease. */
const HEARTBEATS = 3
/** Heartbeats of this node that Redis has accepted and not returned, after which the subscription counts as broken. */
const MAX_UNRETURNED = 3
/**
 * Heartbeats of this node that have returned since another one has sent anything, after which that one counts as ended.
 */
const MAX_SILENCE = HEARTBEATS + 1
/** Shortest time between two gaps, milliseconds: an outage interrupts all senders at about the same time. */
const GAP_MS = 1000

interface BusEvents {
  /** a message of another node; `from` identifies the start of that node */
  message: [message: Message, from: string]
  /** Changes by other nodes may be lost. */
  gap: []
  /** A message cannot be read; only the first one is reported. */
  unreadable: [reason: string]
}

/** Another node. */
interface Sender {
  /** the number of its last change */
  n: number
  /** heartbeats of this node that have returned since its last message */
  silence: number
}

/** Options of `Bus`. */
export interface BusOptions {
  connection: Pick<RedisConnection, 'send'>
  redisUrl: string
  channel: string
  /** the secret of the cluster, which authenticates messages */
  clusterKey: string
  /** A loss is noticed after a third of that time, and a node that has crashed after that time, milliseconds. */
  leaseMs: number
}

/**
 * Carries messages between the nodes by Redis, and notices if changes are lost: by the numbers of each sender, which
 * its heartbeats repeat, by the end of its heartbeats, and by the heartbeats of this node, which return while its
 * subscription works. Redis passes all messages on in the same order, so the heartbeats of this node are the clock for
 * those of others.
 */
export class Bus extends EventEmitter<BusEvents> {
  readonly #options: BusOptions
  readonly #codec: MessageCodec
  readonly #subscription: ReturnType<typeof subscriptionOf>
  readonly #from = randomUUID()
  /** The number of the last change. */
  #n = 0
  readonly #senders = new LRUCache<string, Sender>({ max: SLOTS })
  #heartbeats: NodeJS.Timeout | undefined
  /** Heartbeats that have been sent, and of those the last one that has returned. */
  #sent = 0
  #returned = 0
  #unreturned = 0
  #isOpen = false
  /** Whether this node has just started, and has no sessions yet. */
  #isNew = true
  #gapPause: NodeJS.Timeout | undefined
  #isGapPending = false
  #hasReported = false

  constructor(options: BusOptions) {
    super()
    this.#options = options
    this.#codec = new MessageCodec(options.channel, options.clusterKey)
    this.#subscription = subscriptionOf(options.redisUrl, () => this.#isOpen)
    // The client connects again by itself, and the loss is noticed when it has.
    this.#subscription.on('error', () => undefined)
  }

  /**
   * Receives the messages of other nodes from now on.
   * @throws StoreError if messages cannot be sent and received within some seconds
   */
  async open(): Promise<void> {
    const { redisUrl, leaseMs } = this.#options
    try {
      await withTimeout(this.#subscribe(), OPEN_MS)
    } catch (cause) {
      this.#subscription.destroy()
      const { where } = redisAddress(new URL(redisUrl))
      const reason = (cause as Error).message
      throw new StoreError('unavailable', `Redis at ${where}: messages cannot be received: ${reason}`, { cause })
    }
    this.#isOpen = true
    this.#subscription.on('ready', () => this.#lose())
    // The other nodes send an unknown sender their numbers.
    await this.#send({ kind: 'present' })
    this.#heartbeats = setInterval(() => void this.#heartbeat(), leaseMs / HEARTBEATS)
    this.#heartbeats.unref()
  }

  /** Sends a message to all other nodes. If a change cannot be sent, they notice a gap. */
  publish(message: Message): void {
    if (message.kind === 'change') this.#n++
    this.#send(message).catch(() => undefined)
  }

  /** Stops receiving, and informs the other nodes that this one ends. Never rejects. */
  async close(): Promise<void> {
    clearInterval(this.#heartbeats)
    clearTimeout(this.#gapPause)
    this.removeAllListeners()
    if (this.#isOpen) await this.#send({ kind: 'leaving' }).catch(() => undefined)
    this.#subscription.destroy()
  }

  async #subscribe(): Promise<void> {
    await this.#subscription.connect()
    await this.#subscription.subscribe(this.#options.channel, (text) => this.#receive(text))
  }

  async #send(message: Message): Promise<void> {
    const { connection, channel } = this.#options
    await connection.send(['PUBLISH', channel, this.#codec.encode(message, { from: this.#from, n: this.#n })])
  }

  async #heartbeat(): Promise<void> {
    this.#isNew = false
    // Redis may have moved, while the old server keeps the subscription.
    if (this.#unreturned >= MAX_UNRETURNED && this.#subscription.isReady) {
      this.#unreturned = 0
      this.#subscription.destroy()
      this.#subscription.connect().catch(() => undefined)
    }
    const no = ++this.#sent
    try {
      await this.#send({ kind: 'heartbeat' })
    } catch {
      return
    }
    if (no > this.#returned) this.#unreturned++
  }

  #receive(text: string): void {
    const received = this.#codec.decode(text)
    if (received === undefined)
      this.#reportOnce('messages are ignored that were not sent by a node with the cluster key')
    else if (received.from === this.#from) this.#receiveOwn(received)
    else this.#receiveOther(received)
  }

  #receiveOther({ kind, from, n, message }: ReceivedMessage): void {
    const sender = this.#senders.get(from)
    if (sender === undefined && kind === 'leaving') return
    const isChange = kind === 'change'
    // The first changes of a sender may be lost too.
    if (n !== (sender?.n ?? 0) + Number(isChange) || (isChange && message === undefined)) this.#lose()
    if (kind === 'leaving') this.#senders.delete(from)
    else this.#senders.set(from, { n, silence: 0 })
    if (sender === undefined) this.#send({ kind: 'present' }).catch(() => undefined)
    if (message === undefined)
      this.#reportOnce(`messages of the kind "${kind}" are ignored, which another version sends`)
    else this.emit('message', message, from)
  }

  /**
   * Notices nodes that have sent nothing for the time of a lease, and may have made a change that they have not sent.
   */
  #receiveOwn({ kind }: ReceivedMessage): void {
    if (kind !== 'heartbeat') return
    this.#unreturned = 0
    this.#returned = this.#sent
    for (const sender of this.#senders.values()) {
      if (++sender.silence === MAX_SILENCE) this.#lose()
    }
  }

  /** Reports a gap: at once, or if there was one in the last second, at the end of that time. */
  #lose(): void {
    if (this.#isNew) {
      this.emit('gap')
      return
    }
    if (this.#gapPause !== undefined) {
      this.#isGapPending = true
      return
    }
    this.emit('gap')
    this.#gapPause = setTimeout(() => {
      this.#gapPause = undefined
      if (!this.#isGapPending) return
      this.#isGapPending = false
      this.#lose()
    }, GAP_MS)
    this.#gapPause.unref()
  }

  #reportOnce(text: string): void {
    if (this.#hasReported) return
    this.#hasReported = true
    this.emit('unreadable', text)
  }
}

/** @param isOpen whether the client connects again when the connection is lost */
function subscriptionOf(redisUrl: string, isOpen: () => boolean) {
  const address = redisAddress(new URL(redisUrl))
  return createClient(clientOptions(address, (retries) => isOpen() && pauseBefore(retries)))
}
