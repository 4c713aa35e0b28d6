import { z } from 'zod'
import type { RedisConnection } from '../store/backends/redis/connection.ts'
import { HOLD, RELEASE } from './scripts.ts'

/** Checks in the time of a lease. */
const CHECKS = 3

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
  /**
   * whether Redis has known all leases for the time of a lease, which it is asked for: if not, it may have started
   * empty
   */
  confirmSettled: () => Promise<boolean>
  /** where other nodes reach this one */
  host: string
  /** where the demo server is, which changes when another node runs it */
  address: Address
  /** starts a demo server at that host */
  start: () => Promise<OwnDemo>
}

/**
 * A demo server that all nodes share: one of them runs it, and the others connect to that. When the node has ended,
 * another one starts a demo server anew, with the texts of the beginning.
 */
export class SharedDemo {
  /** the demo server, if this node runs it */
  #own: OwnDemo | undefined
  readonly #options: SharedDemoOptions
  #timer: NodeJS.Timeout | undefined
  #check: Promise<void> | undefined
  /** Whether another node has run it. */
  #hasHolder = false

  constructor(options: SharedDemoOptions) {
    this.#options = options
  }

  /** How often each limit was exceeded, if this node runs the demo server. */
  get limitHits(): ReadonlyMap<string, number> {
    return this.#own?.limitHits ?? new Map()
  }

  /**
   * Finds the demo server, or starts it.
   * @throws StoreError if Redis fails
   */
  async open(): Promise<void> {
    try {
      await this.check()
    } catch (error) {
      await this.close()
      throw error
    }
    // While Redis is unavailable, the demo server stays where it is.
    this.#timer = setInterval(() => void this.check().catch(() => undefined), this.#options.leaseMs / CHECKS)
  }

  /** Stops the demo server, if this node runs it. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#check?.catch(() => undefined)
    const { connection, key } = this.#options
    if (this.#own === undefined) return
    await connection.run(RELEASE, [key], [this.#addressOf(this.#own)]).catch(() => undefined)
    await this.#own.close()
  }

  /** Renews the lease, or finds out which node has it, or takes it. Checks at the same time are one. */
  async check(): Promise<void> {
    this.#check ??= this.#checkOnce().finally(() => {
      this.#check = undefined
    })
    await this.#check
  }

  async #checkOnce(): Promise<void> {
    const { connection, key, leaseMs, start, confirmSettled } = this.#options
    if (this.#own === undefined) {
      const held = await connection.send<string | null>(['GET', key])
      if (held !== null) {
        this.#hasHolder = true
        this.#moveTo(held)
        return
      }
      // The node that runs it takes the lease again when Redis has started empty.
      if (this.#hasHolder && !(await confirmSettled())) return
      this.#own = await start()
    }
    const own = this.#own
    const held = await connection.run<string>(HOLD, [key], [this.#addressOf(own), `${leaseMs}`])
    this.#moveTo(held)
    if (held === this.#addressOf(own)) return
    // Another node was faster, or has taken the lease while this one was stopped.
    this.#hasHolder = true
    this.#own = undefined
    await own.close()
  }

  #addressOf({ port }: OwnDemo): string {
    return JSON.stringify({ host: this.#options.host, port } satisfies Address)
  }

  #moveTo(held: string): void {
    Object.assign(this.#options.address, Address.parse(JSON.parse(held)))
  }
}
