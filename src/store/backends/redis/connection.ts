import { EventEmitter, once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConnectionTimeoutError, createClient, DisconnectsClientError } from 'redis'
import { ReplyTimeoutError, StoreError, withTimeout } from '../../index.ts'
import { type RedisAddress, redisAddress } from './address.ts'
import { clientOptions, LONGEST_PAUSE_MS, pauseBefore } from './client-options.ts'
import { isDemoted, isOfCluster, NO_CLUSTER, replyKind } from './replies.ts'
import type { Script } from './scripts.ts'

/** Timeout of a command, milliseconds. */
const REPLY_MS = 3000
/** Maximum number of commands in the client's queue. */
const MAX_PENDING = 100_000

type Client = ReturnType<typeof clientOf>

/**
 * The connection to a Redis server. The client reconnects by itself. While there is no connection to a ready master,
 * every command is rejected immediately.
 *
 * This class adds two features that the client lacks:
 * - A timeout for replies: the client's `timeout` ends when the command is written (redis/node-redis#3008), and
 *   `socketTimeout` does not expire while further commands are written.
 * - A check of the server's role: error replies such as READONLY never reach `reconnectStrategy`
 *   (redis/node-redis#1050), and the client accepts a replica.
 */
export class RedisConnection {
  /** number of times the connection was lost */
  interruptions = 0
  readonly #where: string
  readonly #client: Client
  /** The error with which commands are rejected; undefined while the connection can be used. */
  #lossReason: unknown = new Error('not connected')
  #isOpening = true
  #isClosed = false
  #pending = 0
  readonly #events = new EventEmitter<{ idle: [] }>()

  private constructor(url: URL) {
    const address = redisAddress(url)
    this.#where = address.where
    this.#client = clientOf(address, (retries, cause) => this.#pauseMs(retries, cause))
    // After an error reply to a ping the connection is still open and must be closed here.
    this.#client.on('error', (error: unknown) =>
      this.#client.isReady ? this.#reconnectAfter(error) : this.#connectionLost(error),
    )
  }

  /**
   * Connects to a server.
   * @param url the store URL
   * @throws StoreError if the server cannot be reached, rejects the credentials or is a replica
   * @throws TypeError for an invalid URL, or if the server is a node of a cluster
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

  /**
   * Sends a command.
   * @param args name and arguments of the command
   * @returns the reply
   * @throws StoreError if the command fails or there is no reply within three seconds
   */
  async send<T>(args: readonly string[]): Promise<T> {
    return await this.#run((client) => client.sendCommand<T>(args))
  }

  /**
   * Runs a Lua script atomically on the server.
   * @param keys the `KEYS` of the script
   * @param args the `ARGV` of the script
   * @returns the reply
   * @throws StoreError if the script fails or there is no reply within three seconds
   */
  async run<T>(script: Script, keys: readonly string[], args: readonly string[]): Promise<T> {
    const rest = [`${keys.length}`, ...keys, ...args]
    return await this.#run(async (client) => {
      try {
        return await client.sendCommand<T>(['EVALSHA', script.sha, ...rest])
      } catch (error) {
        // The server does not have the script, for example after a restart: send the text.
        if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
        return await client.sendCommand<T>(['EVAL', script.text, ...rest])
      }
    })
  }

  /** Waits for commands in progress, at most three seconds, and closes the connection. */
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
      // Report the loss of the connection as the cause for all commands that were in progress.
      const isLost = this.#lossReason !== undefined && replyKind(error) === 'connection'
      throw this.#toStoreError(isLost ? this.#lossReason : error)
    } finally {
      if (--this.#pending === 0) this.#events.emit('idle')
    }
  }

  /** Returns the pause before the client connects again, milliseconds; false to give up. */
  #pauseMs(retries: number, cause: Error): number | false {
    if (this.#isOpening) return retries === 0 && cause instanceof ConnectionTimeoutError ? 0 : false
    return pauseBefore(retries)
  }

  /** Checks a new connection: uses it if the server is a ready master, otherwise closes it. */
  async #check(): Promise<void> {
    try {
      await withTimeout(checkServer(this.#client), REPLY_MS)
      this.#lossReason = undefined
    } catch (error) {
      this.#reconnectAfter(error)
    }
  }

  /** Rejects commands until the client has reconnected. */
  #connectionLost(reason: unknown): void {
    if (reason instanceof DisconnectsClientError) return
    if (this.#lossReason === undefined) this.interruptions++
    this.#lossReason = reason
  }

  /** Closes a connection that is open and cannot be used, and connects again. */
  #reconnectAfter(reason: unknown): void {
    this.#connectionLost(reason)
    if (this.#isOpening || !this.#client.isReady) return
    this.#client.destroy()
    void this.#reconnect()
  }

  async #reconnect(): Promise<void> {
    await sleep(LONGEST_PAUSE_MS / 2, undefined, { ref: false })
    // The client reports errors as events.
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
 * Checks whether a server can be used.
 * @throws Error if the server is loading its data set, requires a password or is a replica
 * @throws TypeError if the server is a node of a cluster
 */
async function checkServer(client: Client): Promise<void> {
  await client.sendCommand(['PING'])
  // An access control list may forbid these commands.
  const [cluster, role] = await Promise.all([
    client.sendCommand<string>(['INFO', 'cluster']).catch(() => ''),
    client.sendCommand<readonly unknown[]>(['ROLE']).catch(() => []),
  ])
  if (/^cluster_enabled:1/m.test(cluster)) throw new TypeError(NO_CLUSTER)
  if (role[0] === 'slave') throw new Error('READONLY the server is a replica')
}

function clientOf(address: RedisAddress, reconnectStrategy: (retries: number, cause: Error) => number | false) {
  return createClient({
    ...clientOptions(address, reconnectStrategy),
    commandsQueueMaxLength: MAX_PENDING,
    disableOfflineQueue: true,
    // No timeout: it would create a timer for each command, and it ends when the command is written.
    commandOptions: { timeout: 0 },
  })
}
