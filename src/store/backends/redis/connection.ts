import { EventEmitter, once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConnectionTimeoutError, createClient, DisconnectsClientError } from 'redis'
import { ReplyTimeoutError, withTimeout } from '../../driver.ts'
import { StoreError } from '../../errors.ts'
import { type RedisAddress, redisAddress } from './address.ts'
import { isDemoted, isOfCluster, NO_CLUSTER, replyKind } from './replies.ts'
import type { Script } from './scripts.ts'

/** Short, so that an unreachable address delays the next attempt, which may find the new master, only briefly. */
const CONNECT_MS = 1500
/** Deadline of each command, milliseconds. */
const REPLY_MS = 3000
/** Longest silence of a connection, milliseconds; it also bounds the client's handshake. */
const SILENT_MS = 4000
/** Interval of pings on an idle connection, milliseconds: shorter than `SILENT_MS`. */
const PING_MS = 1000
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 400
const MAX_PENDING = 100_000

type Client = ReturnType<typeof clientOf>

/**
 * The connection to a Redis server. The client reconnects by itself; while there is no connection to a master that is
 * ready, every command is rejected immediately.
 *
 * The client has no options for two things, which this class adds:
 * - A deadline for replies: the client's `timeout` ends when the command is written (redis/node-redis#3008), and
 *   `socketTimeout` does not expire while further commands are written.
 * - A check of the server's role: error replies such as READONLY never reach `reconnectStrategy`
 *   (redis/node-redis#1050), and a replica counts as connected.
 */
export class RedisConnection {
  /** Number of times the connection was lost. */
  interruptions = 0
  readonly #where: string
  readonly #client: Client
  /** Why commands are rejected; undefined while the server is in use. */
  #lossReason: unknown = new Error('not connected')
  #isOpening = true
  #isClosed = false
  #pending = 0
  readonly #events = new EventEmitter<{ idle: [] }>()

  private constructor(url: URL) {
    const address = redisAddress(url)
    this.#where = address.where
    this.#client = clientOf(address, (retries, cause) => this.#pauseMs(retries, cause))
    // An error reply to a ping leaves the connection open.
    this.#client.on('error', (error: unknown) =>
      this.#client.isReady ? this.#reconnectAfter(error) : this.#connectionLost(error),
    )
  }

  /**
   * Connects to the server. Rejects with a `StoreError` if it cannot be reached or rejects the credentials, and with a
   * `TypeError` for a wrong URL.
   */
  static async open(url: URL): Promise<RedisConnection> {
    const connection = new RedisConnection(url)
    try {
      await connection.#client.connect()
      await withTimeout(checkServer(connection.#client), REPLY_MS)
    } catch (error) {
      await connection.close()
      throw error instanceof TypeError ? error : connection.#toStoreError(error)
    }
    connection.#isOpening = false
    connection.#lossReason = undefined
    connection.#client.on('ready', () => void connection.#check())
    return connection
  }

  /** Sends a command. Rejects with a `StoreError` if it fails or there is no reply within `REPLY_MS`. */
  async send<T>(args: readonly string[]): Promise<T> {
    return await this.#run((client) => client.sendCommand<T>(args))
  }

  /** Runs a Lua script atomically on the server. Rejects like `send`. */
  async run<T>(script: Script, keys: readonly string[], args: readonly string[]): Promise<T> {
    const rest = [`${keys.length}`, ...keys, ...args]
    return await this.#run(async (client) => {
      try {
        return await client.sendCommand<T>(['EVALSHA', script.sha, ...rest])
      } catch (error) {
        // The server was restarted or replaced and does not have the script: send its text.
        if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
        return await client.sendCommand<T>(['EVAL', script.text, ...rest])
      }
    })
  }

  /** Waits for commands in progress, at most `REPLY_MS`, and closes the connection. */
  async close(): Promise<void> {
    this.#isClosed = true
    // The client's own `close` would reject the second command of `run`.
    if (this.#pending > 0) await withTimeout(once(this.#events, 'idle'), REPLY_MS).catch(() => undefined)
    this.#client.destroy()
  }

  async #run<T>(work: (client: Client) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw this.#toStoreError(new Error('the store is closed'))
    if (this.#lossReason !== undefined) throw this.#toStoreError(this.#lossReason)
    this.#pending++
    try {
      return await withTimeout(work(this.#client), REPLY_MS)
    } catch (error) {
      if (isDemoted(error) || error instanceof ReplyTimeoutError) this.#reconnectAfter(error)
      // Commands in progress when the connection was lost fail for the same reason.
      const isLost = this.#lossReason !== undefined && replyKind(error) === 'connection'
      throw this.#toStoreError(isLost ? this.#lossReason : error)
    } finally {
      if (--this.#pending === 0) this.#events.emit('idle')
    }
  }

  /** Returns the pause before the client connects again, milliseconds; false to give up. */
  #pauseMs(retries: number, cause: Error): number | false {
    if (this.#isOpening) return retries === 0 && cause instanceof ConnectionTimeoutError ? 0 : false
    return Math.min(FIRST_PAUSE_MS * 2 ** retries, LONGEST_PAUSE_MS)
  }

  /** Uses a new connection if its server is a master that is ready; otherwise closes it. */
  async #check(): Promise<void> {
    try {
      await withTimeout(checkServer(this.#client), REPLY_MS)
      this.#lossReason = undefined
    } catch (error) {
      this.#reconnectAfter(error)
    }
  }

  /** Rejects commands from now on. The client reconnects. */
  #connectionLost(reason: unknown): void {
    if (reason instanceof DisconnectsClientError) return
    if (this.#lossReason === undefined) this.interruptions++
    this.#lossReason = reason
  }

  /** Closes a connection that is open but cannot be used, and connects again. */
  #reconnectAfter(reason: unknown): void {
    this.#connectionLost(reason)
    if (this.#isOpening || !this.#client.isReady) return
    this.#client.destroy()
    void this.#reconnect()
  }

  async #reconnect(): Promise<void> {
    await sleep(LONGEST_PAUSE_MS / 2, undefined, { ref: false })
    // Errors are reported as events.
    if (!this.#isClosed) await this.#client.connect().catch(() => undefined)
  }

  #toStoreError(error: unknown): StoreError {
    const reason = error instanceof Error ? error.message || error.name : 'for no known reason'
    const where = `Redis at ${this.#where}`
    const kind = replyKind(error)
    if (isOfCluster(error)) return new StoreError('unavailable', `${where}: ${NO_CLUSTER}`, { cause: error, kind })
    if (kind === 'OOM') return new StoreError('full', `${where} is full`, { cause: error, kind })
    return new StoreError('unavailable', `${where} is unavailable: ${reason}`, { cause: error, kind })
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

function clientOf(
  { socket, username, password, database }: RedisAddress,
  reconnectStrategy: (retries: number, cause: Error) => number | false,
) {
  return createClient({
    RESP: 2,
    socket: { ...socket, connectTimeout: CONNECT_MS, socketTimeout: SILENT_MS, reconnectStrategy },
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    database,
    pingInterval: PING_MS,
    commandsQueueMaxLength: MAX_PENDING,
    disableOfflineQueue: true,
    // Off: it would create a timer for each command and only cover the time until the command is written.
    commandOptions: { timeout: 0 },
  })
}
