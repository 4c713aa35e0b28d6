import { EventEmitter, once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { inTime } from '../driver.ts'
import { StoreError } from '../errors.ts'
import { type RedisAddress, redisAddress } from './address.ts'
import { isDemoted, isOfCluster, NO_CLUSTER, replyKind } from './replies.ts'
import type { Script } from './scripts.ts'

const CONNECT_MS = 3000
/** Less, so that an address that leads nowhere delays the next attempt, which may find the new master, by little. */
const RECONNECT_MS = 1300
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 400
/** A connection that lasts for so long worked. */
const STABLE_MS = 5000
/** The line is looked at so often, */
const LOOK_MS = 1000
/** given up when nothing has come for so many looks though an answer was due, */
const SILENT_LOOKS = 3
/** and asked for a sign of life when nobody has used it for so many. */
const IDLE_LOOKS = 10
/** Commands on their way at the same time. */
const MAX_WAITING = 100_000

type Client = ReturnType<typeof clientOf>

/**
 * The line to a Redis server. There is one or there is none: while there is none, every command is refused at once, and
 * a new one is tried for behind the scenes.
 *
 * The client would do that by itself, but it waits for ever for a server that has taken a command and says nothing.
 */
export class RedisLine {
  interruptions = 0
  readonly #address: RedisAddress
  readonly #watch: NodeJS.Timeout
  #client: Client | undefined
  /** why there is no client */
  #lossReason: unknown = new Error('not connected')
  #connectedAt = 0
  #pauseMs = FIRST_PAUSE_MS
  readonly #events = new EventEmitter<{ idle: [] }>()
  #isClosed = false
  #waiting = 0
  #hasAnswered = true
  #silentLooks = 0
  #idleLooks = 0

  private constructor(url: URL) {
    this.#address = redisAddress(url)
    this.#watch = setInterval(() => this.#look(), LOOK_MS).unref()
  }

  /** Rejects with a `StoreError` when there is nobody, or nobody who lets us in; with a `TypeError` for a wrong URL. */
  static async open(url: URL): Promise<RedisLine> {
    const line = new RedisLine(url)
    try {
      await line.#connect(CONNECT_MS)
      return line
    } catch (error) {
      await line.close()
      throw error instanceof TypeError ? error : line.#translated(error)
    }
  }

  /** Sends a command; rejects with a `StoreError` when it cannot be done, or nobody answers within some seconds. */
  async send<T>(args: readonly string[]): Promise<T> {
    return await this.#use((client) => client.sendCommand<T>(args))
  }

  /** Runs a script on the server, which happens all at once for everybody else. */
  async run<T>(script: Script, keys: readonly string[], args: readonly string[]): Promise<T> {
    const rest = [`${keys.length}`, ...keys, ...args]
    return await this.#use(async (client) => {
      try {
        return await client.sendCommand<T>(['EVALSHA', script.sha, ...rest])
      } catch (error) {
        // The server has been started anew, or is another one, and learns the script by being sent it.
        if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
        return await client.sendCommand<T>(['EVAL', script.text, ...rest])
      }
    })
  }

  /** Waits for what is on its way, but not for long. */
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
      // Commands that were on their way when the connection was given up fail for the same reason.
      const isLost = client !== this.#client && replyKind(error) === 'connection'
      throw this.#translated(isLost ? this.#lossReason : error)
    } finally {
      this.#hasAnswered = true
      if (--this.#waiting === 0) this.#events.emit('idle')
    }
  }

  /** Connects to a server that is a master and ready. */
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
    // Not before it has told those who wait what has happened.
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
   * Answers come in order, so that one that is late holds up all. Looks are counted, not milliseconds: when this process
   * itself was held up, answers may be there that it has not come to read.
   */
  #look(): void {
    const client = this.#client
    this.#silentLooks = this.#waiting === 0 || this.#hasAnswered ? 0 : this.#silentLooks + 1
    this.#idleLooks = this.#hasAnswered ? 0 : this.#idleLooks + 1
    this.#hasAnswered = false
    if (client === undefined) return
    if (this.#silentLooks >= SILENT_LOOKS) this.#lose(client, new Error('no answer'))
    else if (this.#waiting === 0 && this.#idleLooks >= IDLE_LOOKS) void this.send(['PING']).catch(() => undefined)
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
 * Rejects for a server that lets clients in and does not serve them: one that still loads its data set, wants a password,
 * or is a replica. Rejects with a `TypeError` for a node of a cluster.
 */
async function checkServer(client: Client): Promise<void> {
  await client.sendCommand(['PING'])
  // Not every user may run these.
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
    // A timer for each command, which stops when the command is sent.
    commandOptions: { timeout: 0 },
  })
}
