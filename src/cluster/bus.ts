import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { LRUCache } from 'lru-cache'
import { createClient } from 'redis'
import type { MadeChange } from '../sessions/change-relay.ts'
import type { EndedAttempt } from '../sessions/guess-limits.ts'
import type { Crowd } from '../sessions/login-limits.ts'
import { redisAddress } from '../store/backends/redis/address.ts'
import type { RedisConnection } from '../store/backends/redis/connection.ts'
import type { Key } from '../store/record.ts'
import { SLOTS } from './slots.ts'

/** First and longest pause before the subscription connects again, milliseconds. */
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 400
/** Timeouts for connecting and for a connection without traffic, and the interval of pings, milliseconds. */
const CONNECT_MS = 1500
const SILENT_MS = 4000
const PING_MS = 1000
/** Beats that may be on their way before the subscription counts as silent. */
const MAX_SILENT_BEATS = 2

/** What a node says to all others. */
export type Note =
  /** a session has made a change */
  | { kind: 'change'; made: MadeChange }
  /** the record of a session has been ended, which may be on another node */
  | { kind: 'ended'; key: Key }
  /** a session has been opened, or a login tried, from an address */
  | { kind: 'opening' | 'login'; address: string }
  /** a password or a key of the operator was right or wrong */
  | { kind: 'guess'; of: 'password' | 'key'; attempt: EndedAttempt }
  /** a person has too many sessions, some of which a node has to close */
  | { kind: 'crowded'; crowd: Crowd }
  /** nothing has happened */
  | { kind: 'beat' }

/** A note as it is sent: `n` counts the notes of the sender except its beats. */
type Message = Note & { from: string; n: number }

interface BusEvents {
  /** a note of another node */
  note: [Note]
  /** Notes may be lost. */
  gap: []
}

/** Options of `Bus`. */
export interface BusOptions {
  connection: Pick<RedisConnection, 'send'>
  redisUrl: string
  channel: string
  /** how often a node tells the number of its last note, milliseconds: a loss is noticed after that time */
  beatMs: number
}

/**
 * Carries notes between the nodes by Redis, and notices if notes are lost: by the numbers of each sender, which its beats
 * repeat, and by the beats of this node, which come back while its subscription works.
 */
export class Bus extends EventEmitter<BusEvents> {
  readonly #options: BusOptions
  readonly #subscription: ReturnType<typeof subscriptionOf>
  readonly #from = randomUUID()
  #sent = 0
  /** The number of the last note of each sender. A sender that has ended is dropped when there is no room. */
  readonly #received = new LRUCache<string, number>({ max: SLOTS })
  #beats: NodeJS.Timeout | undefined
  /** Beats since a note of this node came back. */
  #silentBeats = 0

  constructor(options: BusOptions) {
    super()
    this.#options = options
    this.#subscription = subscriptionOf(options.redisUrl)
    // The client connects again by itself, and the loss is noticed when it has.
    this.#subscription.on('error', () => undefined)
  }

  /** Receives the notes of other nodes from now on. Rejects if Redis cannot be reached. */
  async open(): Promise<void> {
    const { channel, beatMs } = this.#options
    await this.#subscription.connect()
    await this.#subscription.subscribe(channel, (text) => this.#receive(text))
    this.#subscription.on('ready', () => this.emit('gap'))
    this.#beats = setInterval(() => this.#beat(), beatMs)
    this.#beats.unref()
    // The other nodes answer an unknown sender with their numbers.
    this.#publish({ kind: 'beat' })
  }

  /** Sends a note to all other nodes. What cannot be sent is noticed by them as a gap. */
  publish(note: Exclude<Note, { kind: 'beat' }>): void {
    this.#sent++
    this.#publish(note)
  }

  /** Stops sending and receiving. */
  close(): void {
    clearInterval(this.#beats)
    this.#subscription.destroy()
  }

  #publish(note: Note): void {
    const { connection, channel } = this.#options
    const message: Message = { ...note, from: this.#from, n: this.#sent }
    connection.send(['PUBLISH', channel, JSON.stringify(message)]).catch(() => undefined)
  }

  /** Connects the subscription again if it is silent: Redis may have moved, while the old server keeps the connection. */
  #beat(): void {
    if (this.#silentBeats++ >= MAX_SILENT_BEATS && this.#subscription.isReady) {
      this.#silentBeats = 0
      this.#subscription.destroy()
      this.#subscription.connect().catch(() => undefined)
    }
    this.#publish({ kind: 'beat' })
  }

  #receive(text: string): void {
    const message = JSON.parse(text) as Message
    const { from, n } = message
    if (from === this.#from) {
      this.#silentBeats = 0
      return
    }
    const last = this.#received.get(from)
    this.#received.set(from, n)
    if (last === undefined) this.#publish({ kind: 'beat' })
    const steps = message.kind === 'beat' ? 0 : 1
    // The first notes of a sender may be lost too.
    if (n !== (last ?? 0) + steps) this.emit('gap')
    this.emit('note', message.kind === 'change' ? { ...message, made: { ...message.made, node: from } } : message)
  }
}

function subscriptionOf(redisUrl: string) {
  const { socket, username, password, database } = redisAddress(new URL(redisUrl))
  const reconnectStrategy = (retries: number): number => Math.min(FIRST_PAUSE_MS * 2 ** retries, LONGEST_PAUSE_MS)
  return createClient({
    RESP: 2,
    socket: { ...socket, connectTimeout: CONNECT_MS, socketTimeout: SILENT_MS, reconnectStrategy },
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    database,
    pingInterval: PING_MS,
  })
}
