import type { CountElsewhere, SessionCount, SharedCounts } from '../sessions/shared-counts.ts'
import type { RedisConnection } from '../store/backends/redis/connection.ts'
import { withTimeout } from '../store/index.ts'

/** Renewals in the time of a lease. */
const RENEWALS = 3
/** How long opening a session and a login wait for the counts of other nodes, milliseconds. */
const EXCHANGE_MS = 300
/** Counts in one command. */
const PIECE = 1000
/** The field of a hash that has all counts of its node. */
const COMPLETE = '@complete'
const NONE: CountElsewhere = { sessions: 0 }

/*
 * KEYS: the hash `epochs`, the hash with the counts of this node. ARGV: the prefix of these hashes, the epoch of this node,
 * the TTL in milliseconds, then pairs of a key and its count. Replies for each key with the number of the other nodes, and
 * the epoch and the number of the node that has most of them.
 */
const EXCHANGE = `
local replies = {}
local epochs = redis.call('HVALS', KEYS[1])
for i = 4, #ARGV, 2 do
  local key = ARGV[i]
  if ARGV[i + 1] == '0' then redis.call('HDEL', KEYS[2], key) else redis.call('HSET', KEYS[2], key, ARGV[i + 1]) end
  local sum, most, where = 0, 0, ''
  for _, epoch in ipairs(epochs) do
    local count = epoch ~= ARGV[2] and tonumber(redis.call('HGET', ARGV[1] .. epoch, key) or 0) or 0
    sum = sum + count
    if count > most then most, where = count, epoch end
  end
  replies[#replies + 1] = {sum, where, most}
end
if redis.call('PTTL', KEYS[2]) == -1 then redis.call('PEXPIRE', KEYS[2], ARGV[3]) end
return replies
`

/** KEYS: the hash with the counts of this node. ARGV: its TTL. Replies with 1 if it has all counts. */
const RENEW = `
if redis.call('HEXISTS', KEYS[1], '${COMPLETE}') == 0 then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[1])
`

/** Options of `SessionCounts`. */
export interface SessionCountsOptions {
  connection: Pick<RedisConnection, 'send'>
  /** the prefix of the keys in Redis */
  prefix: string
  /** returns the current epoch of this node */
  epoch: () => string
  leaseMs: number
}

/**
 * The numbers of sessions per client network and per person, of all nodes. Each node has a hash in Redis with its own, which
 * it writes as they are, not as increments: a repeated or lost command leaves no error behind. The hash expires with the node.
 * While Redis does not answer, no number of other nodes is known, and none is waited for.
 */
export class SessionCounts implements SharedCounts {
  readonly #options: SessionCountsOptions
  #all: () => Iterable<SessionCount> = () => []
  #timer: NodeJS.Timeout | undefined
  #renewal: Promise<void> | undefined
  /** whether Redis has all numbers of this node */
  #isCurrent = false
  /** whether a command has failed since the last renewal began */
  #hasFailed = false

  constructor(options: SessionCountsOptions) {
    this.#options = options
  }

  /** Writes all numbers of this node, and keeps them current. @param all returns them */
  async start(all: () => Iterable<SessionCount>): Promise<void> {
    this.#all = all
    this.#timer = setInterval(() => void this.renew(), this.#options.leaseMs / RENEWALS)
    this.#timer.unref()
    await this.renew()
  }

  /** Keeps the numbers of this node in Redis, and writes them all if they are not there. Never rejects. */
  async renew(): Promise<void> {
    this.#renewal ??= this.#renew()
      .catch(() => this.#fail())
      .finally(() => {
        this.#renewal = undefined
      })
    await this.#renewal
  }

  async exchange(counts: readonly SessionCount[]): Promise<readonly CountElsewhere[]> {
    const none = counts.map(() => NONE)
    if (!this.#isCurrent) {
      this.publish(counts)
      return none
    }
    try {
      const replies = await withTimeout(this.#exchange(counts), EXCHANGE_MS)
      return replies.map(([sessions, process, most]) => ({
        sessions,
        most: most === 0 ? undefined : { process, sessions: most },
      }))
    } catch {
      this.#fail()
      return none
    }
  }

  publish(counts: readonly SessionCount[]): void {
    // Otherwise the next renewal writes them.
    if (this.#isCurrent || this.#renewal !== undefined) this.#exchange(counts).catch(() => this.#fail())
  }

  /** Removes the numbers of this node. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#isCurrent = false
    await this.#renewal
    await this.#send(['DEL', this.#key]).catch(() => undefined)
  }

  /** The next renewal writes all numbers. */
  #fail(): void {
    this.#isCurrent = false
    this.#hasFailed = true
  }

  async #renew(): Promise<void> {
    this.#hasFailed = false
    const isComplete = this.#isCurrent && (await this.#send(['EVAL', RENEW, '1', this.#key, this.#ttl])) === 1
    if (!isComplete) await this.#writeAll()
    // Another command may have failed meanwhile.
    this.#isCurrent = !this.#hasFailed
  }

  async #writeAll(): Promise<void> {
    const key = this.#key
    await this.#send(['DEL', key])
    let piece: string[] = []
    const write = async (): Promise<void> => {
      await this.#send(['HSET', key, ...piece])
      await this.#send(['PEXPIRE', key, this.#ttl])
      piece = []
    }
    for (const [name, sessions] of this.#all()) {
      piece.push(name, `${sessions}`)
      if (piece.length >= 2 * PIECE) await write()
    }
    piece.push(COMPLETE, '1')
    await write()
  }

  /** Not by its SHA-1: a repeated command could overtake a later one. */
  async #exchange(counts: readonly SessionCount[]): Promise<[number, string, number][]> {
    const { prefix, epoch } = this.#options
    const pairs = counts.flatMap(([key, sessions]) => [key, `${sessions}`])
    return await this.#send([
      'EVAL',
      EXCHANGE,
      '2',
      `${prefix}epochs`,
      this.#key,
      this.#prefix,
      epoch(),
      this.#ttl,
      ...pairs,
    ])
  }

  async #send<T>(command: readonly string[]): Promise<T> {
    return await this.#options.connection.send<T>(command)
  }

  get #ttl(): string {
    return `${this.#options.leaseMs}`
  }

  get #prefix(): string {
    return `${this.#options.prefix}sessions:`
  }

  get #key(): string {
    return this.#prefix + this.#options.epoch()
  }
}
