import { EventEmitter, once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { inTime } from '../driver.ts'
import { StoreError } from '../errors.ts'
import { type RedisAddress, redisAddress } from './address.ts'
import type { Script } from './scripts.ts'

const CONNECT_MS = 3000
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 1000
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
      await line.#connect()
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
    if (this.#client === undefined) throw this.#translated(new Error('the line is lost'))
    if (this.#waiting >= MAX_WAITING) throw this.#translated(new Error('too many commands wait for an answer'))
    this.#waiting++
    try {
      return await work(this.#client)
    } catch (error) {
      throw this.#translated(error)
    } finally {
      this.#hasAnswered = true
      if (--this.#waiting === 0) this.#events.emit('idle')
    }
  }

  async #connect(): Promise<void> {
    const client = clientOf(this.#address)
    client.on('error', () => this.#lose(client))
    try {
      // It lets anybody in, but does nothing for those who have not said who they are, or while it is loading.
      await inTime(
        client.connect().then(() => client.sendCommand(['PING'])),
        CONNECT_MS,
      )
    } catch (error) {
      client.destroy()
      throw error
    }
    if (this.#isClosed) client.destroy()
    else this.#client = client
  }

  #lose(client: Client): void {
    if (client !== this.#client) return
    this.#client = undefined
    this.interruptions++
    // Not before it has told those who wait what has happened.
    queueMicrotask(() => client.destroy())
    void this.#reconnect()
  }

  async #reconnect(): Promise<void> {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      await sleep(pause, undefined, { ref: false })
      if (this.#isClosed) return
      try {
        return await this.#connect()
      } catch {
        // It is still away.
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
    if (this.#silentLooks >= SILENT_LOOKS) this.#lose(client)
    else if (this.#waiting === 0 && this.#idleLooks >= IDLE_LOOKS) void this.send(['PING']).catch(() => undefined)
  }

  #translated(error: unknown): StoreError {
    const reason = error instanceof Error ? error.message || error.name : 'for no known reason'
    const where = `Redis at ${this.#address.where}`
    if (reason.startsWith('OOM')) return new StoreError('full', `${where} has no room`, { cause: error })
    return new StoreError('unavailable', `${where} is not available: ${reason}`, { cause: error })
  }
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
