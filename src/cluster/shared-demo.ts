import { z } from 'zod'
import type { RedisConnection } from '../store/backends/redis/connection.ts'
import { script } from './scripts.ts'

/** Checks in the time of a lease. */
const CHECKS = 3

/** KEYS: the lease. ARGV: JSON of the address, TTL in milliseconds. Replies with the JSON of the holder. */
const HOLD = script(`
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return held end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
`)
/** Deletes the lease of an address. */
const RELEASE = script(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`)

const Address = z.strictObject({ host: z.string(), port: z.int() })
/** Where a demo server is. */
export type Address = z.output<typeof Address>

/** A demo server that this node runs. */
export interface OwnDemo {
  readonly port: number
  readonly limitHits: ReadonlyMap<string, number>
  close(): Promise<void>
}

/** Options of `SharedDemo`. */
export interface SharedDemoOptions {
  connection: Pick<RedisConnection, 'run' | 'send'>
  /** the key of the lease in Redis */
  key: string
  leaseMs: number
  /** where other nodes reach this one */
  host: string
  /** where the demo server is, which changes when another node runs it */
  address: Address
  /** starts a demo server at that host */
  start: () => Promise<OwnDemo>
}

/**
 * A demo server that all nodes share: one of them runs it, and the others connect to that. When the node has ended, another
 * one starts a demo server anew, with the texts of the beginning.
 */
export class SharedDemo {
  /** the demo server, if this node runs it */
  #own: OwnDemo | undefined
  readonly #options: SharedDemoOptions
  #timer: NodeJS.Timeout | undefined

  constructor(options: SharedDemoOptions) {
    this.#options = options
  }

  /** How often each limit was exceeded, if this node runs the demo server. */
  get limitHits(): ReadonlyMap<string, number> {
    return this.#own?.limitHits ?? new Map()
  }

  /** Finds the demo server, or starts it. Rejects if Redis fails. */
  async open(): Promise<void> {
    await this.#check()
    // While Redis is away, the demo server stays where it is.
    this.#timer = setInterval(() => void this.#check().catch(() => undefined), this.#options.leaseMs / CHECKS)
  }

  /** Stops the demo server, if this node runs it. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    const { connection, key } = this.#options
    if (this.#own === undefined) return
    await connection.run(RELEASE, [key], [this.#addressOf(this.#own)]).catch(() => undefined)
    await this.#own.close()
  }

  async #check(): Promise<void> {
    const { connection, key, leaseMs, start } = this.#options
    const own = this.#own
    if (own === undefined) {
      const held = await connection.send<string | null>(['GET', key])
      if (held !== null) return this.#moveTo(held)
    }
    const candidate = own ?? (await start())
    const held = await connection.run<string>(HOLD, [key], [this.#addressOf(candidate), `${leaseMs}`])
    const isOwn = held === this.#addressOf(candidate)
    this.#own = isOwn ? candidate : undefined
    this.#moveTo(held)
    // Another node was faster, or has taken the lease while this one was stopped.
    if (!isOwn) await candidate.close()
  }

  #addressOf({ port }: OwnDemo): string {
    return JSON.stringify({ host: this.#options.host, port } satisfies Address)
  }

  #moveTo(held: string): void {
    Object.assign(this.#options.address, Address.parse(JSON.parse(held)))
  }
}
