import { EventEmitter, once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { inTime } from '../../driver.ts'
import { StoreError } from '../../errors.ts'
import { type RedisAddress, redisAddress } from './address.ts'
import { isDemoted, isOfCluster, NO_CLUSTER, replyKind } from './replies.ts'
import type { Script } from './scripts.ts'

const CONNECT_MS = 3000
/** Shorter, so that an unreachable address delays the next attempt, which may find the new master, only briefly. */
const RECONNECT_MS = 1300
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 400
/** A connection that lasts this long resets the reconnect delay. */
const STABLE_MS = 5000
/** Interval of connection checks, milliseconds. */
const CHECK_MS = 1000
/** Checks without data after which a connection with pending commands is closed. */
const SILENT_CHECKS = 3
/** Checks after which an idle connection is pinged. */
const IDLE_CHECKS = 10
/** Longest queue of commands without a reply. */
const MAX_WAITING = 100_000

type Client = ReturnType<typeof clientOf>

/**
 * The connection to a Redis server. While there is none, every command is rejected immediately, and the connection is
 * restored in the background.
 *
 * The client's own reconnect is not used: the client waits forever for a server that accepts a command and does not
 * reply.
 */
export class RedisConnection {
  interruptions = 0
  readonly #address: RedisAddress
  readonly #watch: NodeJS.Timeout
  #client: Client | undefined
  /** the reason why there is no client */
  #lossReason: unknown = new Error('not connected')
  #connectedAt = 0
  #pauseMs = FIRST_PAUSE_MS
  readonly #events = new EventEmitter<{ idle: [] }>()
  #isClosed = false
  #waiting = 0
  #hasAnswered = true
  #silentChecks = 0
  #idleChecks = 0

  private constructor(url: URL) {
    this.#address = redisAddress(url)
    this.#watch = setInterval(() => this.#check(), CHECK_MS).unref()
  }

  /**
   * Connects to the server. Rejects with a `StoreError` if it cannot be reached or rejects the credentials, and with a
   * `TypeError` for a wrong URL.
   */
  static async open(url: URL): Promise<RedisConnection> {
    const line = new RedisConnection(url)
    try {
      await line.#connect(CONNECT_MS)
      return line
    } catch (error) {
      await line.close()
      throw error instanceof TypeError ? error : line.#translated(error)
    }
  }

  /** Sends a command. Rejects with a `StoreError` if it fails or there is no reply within a few seconds. */
  async send<T>(args: readonly string[]): Promise<T> {
    return await this.#use((client) => client.sendCommand<T>(args))
  }

  /** Runs a Lua script atomically on the server. Rejects like `send`. */
  async run<T>(script: Script, keys: readonly string[], args: readonly string[]): Promise<T> {
    const rest = [`${keys.length}`, ...keys, ...args]
    return await this.#use(async (client) => {
      try {
        return await client.sendCommand<T>(['EVALSHA', script.sha, ...rest])
      } catch (error) {
        // The server was restarted or replaced and does not have the script: send its text.
        if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
        return await client.sendCommand<T>(['EVAL', script.text, ...rest])
      }
    })
  }

  /** Waits for commands in progress, at most `CONNECT_MS`, and closes the connection. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#watch)
    if (this.#waiting > 0) await inTime(once(this.#events, 'idle'), CONNECT_MS).catch(() => undefined)
    this.#client?.destroy()
    this.#client = undefined
  }

  async #use<T>(work: (client: Client) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw this.#translated(new Error('the store is closed'))
    if (this.#client === undefined) throw this.#translated(this.#lossReason)
    if (this.#waiting >= MAX_WAITING) throw this.#translated(new Error('too many commands wait for an answer'))
    const client = this.#client
    this.#waiting++
    try {
      return await work(client)
    } catch (error) {
      if (isDemoted(error)) this.#lose(client, error)
      // Commands in progress when the connection was closed fail for the same reason.
      const isLost = client !== this.#client && replyKind(error) === 'connection'
      throw this.#translated(isLost ? this.#lossReason : error)
    } finally {
      this.#hasAnswered = true
      if (--this.#waiting === 0) this.#events.emit('idle')
    }
  }

  /** Connects, and checks that the server is a master that is ready. */
  async #connect(ms: number): Promise<void> {
    const client = clientOf(this.#address)
    client.on('error', (error: unknown) => this.#lose(client, error))
    try {
      await inTime(
        client.connect().then(() => checkServer(client)),
        ms,
      )
    } catch (error) {
      client.destroy()
      throw error
    }
    if (this.#isClosed) return client.destroy()
    this.#client = client
    this.#connectedAt = performance.now()
  }

  #lose(client: Client, reason: unknown): void {
    if (client !== this.#client) return
    this.#client = undefined
    this.#lossReason = reason
    this.interruptions++
    // Destroyed in a microtask, so that pending commands are rejected with the cause first.
    queueMicrotask(() => client.destroy())
    void this.#reconnect()
  }

  async #reconnect(): Promise<void> {
    if (performance.now() - this.#connectedAt > STABLE_MS) this.#pauseMs = FIRST_PAUSE_MS
    for (;;) {
      await sleep(this.#pauseMs, undefined, { ref: false })
      this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS)
      if (this.#isClosed) return
      try {
        return await this.#connect(RECONNECT_MS)
      } catch (error) {
        this.#lossReason = error
      }
    }
  }

  /**
   * Detects a connection that is silent or idle. Replies come in order, so one late reply delays all. The method counts
   * checks, not milliseconds: after this process was blocked, replies may have arrived that it has not read.
   */
  #check(): void {
    const client = this.#client
    this.#silentChecks = this.#waiting === 0 || this.#hasAnswered ? 0 : this.#silentChecks + 1
    this.#idleChecks = this.#hasAnswered ? 0 : this.#idleChecks + 1
    this.#hasAnswered = false
    if (client === undefined) return
    if (this.#silentChecks >= SILENT_CHECKS) this.#lose(client, new Error('no answer'))
    else if (this.#waiting === 0 && this.#idleChecks >= IDLE_CHECKS) void this.send(['PING']).catch(() => undefined)
  }

  #translated(error: unknown): StoreError {
    const reason = error instanceof Error ? error.message || error.name : 'for no known reason'
    const where = `Redis at ${this.#address.where}`
    const kind = replyKind(error)
    if (isOfCluster(error)) return new StoreError('unavailable', `${where}: ${NO_CLUSTER}`, { cause: error, kind })
    if (kind === 'OOM') return new StoreError('full', `${where} has no room`, { cause: error, kind })
    return new StoreError('unavailable', `${where} is not available: ${reason}`, { cause: error, kind })
  }
}

/**
 * Rejects for a server that accepts clients but does not serve them: it is loading its data set, requires a password,
 * or is a replica. Rejects with a `TypeError` for a cluster node.
 */
async function checkServer(client: Client): Promise<void> {
  await client.sendCommand(['PING'])
  // Access control lists may forbid these commands.
  const [cluster, role] = await Promise.all([
    client.sendCommand<string>(['INFO', 'cluster']).catch(() => ''),
    client.sendCommand<readonly unknown[]>(['ROLE']).catch(() => []),
  ])
  if (/^cluster_enabled:1/m.test(cluster)) throw new TypeError(NO_CLUSTER)
  if (role[0] === 'slave') throw new Error('READONLY the server is a replica')
}

function clientOf({ socket, username, password, database }: RedisAddress) {
  return createClient({
    RESP: 2,
    socket: { ...socket, connectTimeout: CONNECT_MS, reconnectStrategy: false },
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    database,
    disableOfflineQueue: true,
    // Off: this timeout only covers the time until a command is sent.
    commandOptions: { timeout: 0 },
  })
}
