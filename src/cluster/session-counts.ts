import { randomUUID } from 'node:crypto'
import type { CountElsewhere, SessionCount, SharedCounts } from '../sessions/shared-counts.ts'
import type { RedisConnection } from '../store/backends/redis/connection.ts'
import { withTimeout } from '../store/index.ts'
import { script } from './scripts.ts'

/** Renewals in the time of a lease. */
const RENEWALS = 3
/** How long opening a session and a login wait for the counts of other nodes, milliseconds. */
const EXCHANGE_MS = 300
/** Maximum number of counts in one command. */
const PIECE = 500
const NONE: CountElsewhere = { sessions: 0 }

/** `begin` writes a hash anew; `exchange` replies with the counts of the others. */
type Mode = 'begin' | 'write' | 'exchange'
type Reply = [isAccepted: number, elsewhere?: [sum: number, where: string, most: number][]]

/**
 * Writes counts of a node. KEYS: the set of the ids of nodes, and the hash with the counts of this one. ARGV: the id of this
 * node, its generation, the TTL in milliseconds, the mode, then pairs of a key and its count. The field without a name is the
 * generation: a command of another one is refused, because counts were lost or written anew since.
 *
 * Replies with `[0]` if it is refused, with `[1]`, or for `exchange` with 1, and for each key the number of the other nodes,
 * and the id and the number of the node that has most of them.
 */
const WRITE = script(`
local nodes, own, id, generation, ttl, mode = KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if mode == 'begin' then
  redis.call('DEL', own)
  redis.call('HSET', own, '', generation)
  redis.call('SADD', nodes, id)
elseif redis.call('HGET', own, '') ~= generation then
  return {0}
end
if mode ~= 'exchange' then redis.call('PEXPIRE', own, ttl) end
local keys, replies = {}, {}
for i = 5, #ARGV, 2 do
  keys[#keys + 1] = ARGV[i]
  replies[#replies + 1] = {0, '', 0}
  if ARGV[i + 1] == '0' then redis.call('HDEL', own, ARGV[i]) else redis.call('HSET', own, ARGV[i], ARGV[i + 1]) end
end
if mode ~= 'exchange' then return {1} end
for _, other in ipairs(redis.call('SMEMBERS', nodes)) do
  if other ~= id then
    local counts = redis.call('HMGET', nodes .. ':' .. other, '', unpack(keys))
    if not counts[1] then redis.call('SREM', nodes, other) end
    for i, reply in ipairs(replies) do
      local count = tonumber(counts[i + 1] or 0)
      reply[1] = reply[1] + count
      if count > reply[3] then reply[2], reply[3] = other, count end
    end
  end
end
return {1, replies}
`)

/** Options of `SessionCounts`. */
export interface SessionCountsOptions {
  connection: Pick<RedisConnection, 'run' | 'send' | 'interruptions'>
  /** the prefix of the keys in Redis */
  prefix: string
  leaseMs: number
}

/**
 * The numbers of sessions per client network and per person, of all nodes. Each node has a hash in Redis with its own, which
 * it writes as they are, not as increments: a repeated or lost command leaves no error behind. The hash expires with the node.
 * While Redis does not answer, no number of other nodes is known, and none is waited for.
 *
 * The renewals have a timer of their own: the lease of a slot ends when the node begins to drain, while its sessions go on.
 */
export class SessionCounts implements SharedCounts {
  /** identifies this node among those that count, whatever its slot is */
  readonly id = randomUUID()
  readonly #options: SessionCountsOptions
  #all: () => Iterable<SessionCount> = () => []
  #timer: NodeJS.Timeout | undefined
  #renewal: Promise<void> | undefined
  /** whether Redis has the numbers of this node */
  #state: 'lost' | 'writing' | 'written' | 'closed' = 'lost'
  #generation = 0
  /** Interruptions of the connection before the numbers were written: after another one Redis may have old ones. */
  #interruptions = 0
  /** Numbers that have changed and are not sent yet. */
  readonly #changed = new Map<string, number>()
  #sending: NodeJS.Immediate | undefined

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
    this.#renewal ??= this.#renew().finally(() => {
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
    const [, elsewhere] = (await this.#try('exchange', counts, EXCHANGE_MS)) ?? []
    if (elsewhere === undefined) return none
    return elsewhere.map(([sessions, process, most]) => ({
      sessions,
      most: most === 0 ? undefined : { process, sessions: most },
    }))
  }

  publish(counts: readonly SessionCount[]): void {
    // Otherwise the next renewal writes them.
    if (this.#state !== 'written' && this.#state !== 'writing') return
    for (const [key, sessions] of counts) this.#changed.set(key, sessions)
    // The end of a session changes several counts in one tick.
    this.#sending ??= setImmediate(() => {
      this.#sending = undefined
      void this.#sendChanged()
    })
  }

  /** Removes the numbers of this node. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#state = 'closed'
    await this.#renewal
    await this.#options.connection.send(['DEL', this.#hash]).catch(() => undefined)
  }

  /** Whether Redis has the numbers of this node, as far as is known. */
  get #isCurrent(): boolean {
    return this.#state === 'written' && this.#interruptions === this.#options.connection.interruptions
  }

  async #sendChanged(): Promise<void> {
    while (this.#changed.size > 0 && this.#isCurrent) await this.#try('write', [...this.#changed].slice(0, PIECE))
  }

  async #renew(): Promise<void> {
    if (this.#isCurrent) await this.#try('write', [])
    if (!this.#isCurrent && this.#state !== 'closed') await this.#writeAll()
    await this.#sendChanged()
  }

  async #writeAll(): Promise<void> {
    const { interruptions } = this.#options.connection
    this.#state = 'writing'
    this.#generation++
    this.#changed.clear()
    const all = [...this.#all()]
    for (let i = 0; i === 0 || i < all.length; i += PIECE) {
      // What changes meanwhile is sent afterwards.
      const isAccepted = await this.#try(i === 0 ? 'begin' : 'write', all.slice(i, i + PIECE))
      if (!isAccepted || this.#state !== 'writing') return
    }
    this.#interruptions = interruptions
    this.#state = 'written'
  }

  /** Sends counts. Returns undefined if that fails; then the next renewal writes all of them. */
  async #try(mode: Mode, counts: readonly SessionCount[], timeoutMs?: number): Promise<Reply | undefined> {
    const generation = this.#generation
    try {
      const sent = this.#send(mode, counts)
      const reply = await (timeoutMs === undefined ? sent : withTimeout(sent, timeoutMs))
      if (reply[0] === 1) return reply
    } catch {
      // The lease, which is renewed as often, reports errors of the connection.
    }
    if (generation === this.#generation && this.#state !== 'closed') this.#state = 'lost'
    return undefined
  }

  async #send(mode: Mode, counts: readonly SessionCount[]): Promise<Reply> {
    const { connection, leaseMs } = this.#options
    // While all counts are written, a changed one may be newer.
    if (this.#state === 'written') for (const [key] of counts) this.#changed.delete(key)
    const pairs = counts.flatMap(([key, sessions]) => [key, `${sessions}`])
    const args = [this.id, `${this.#generation}`, `${leaseMs}`, mode, ...pairs]
    return await connection.run<Reply>(WRITE, [this.#nodes, this.#hash], args)
  }

  get #nodes(): string {
    return `${this.#options.prefix}sessions`
  }

  get #hash(): string {
    return `${this.#nodes}:${this.id}`
  }
}
