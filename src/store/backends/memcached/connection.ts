import { MemcacheClient } from 'memcache-client'
import { StoreError } from '../../errors.ts'

const PORT = 11_211
/** Timeout for connecting and for each reply, milliseconds. */
const WAIT_MS = 3000
/** Longest queue of commands without a reply. */
const MAX_WAITING = 100_000

type Send = MemcacheClient['_send']

/** The connection to memcached: detects its loss and converts errors. */
export class MemcachedConnection {
  /** Number of lost connections. Idle connections are watched too, since memcached may be empty after a restart. */
  interruptions = 0
  readonly #where: string
  readonly #client: MemcacheClient
  #isClosed = false
  #waiting = 0

  /** @throws TypeError for a wrong URL */
  constructor(url: URL) {
    const { hostname, port, username, password, pathname } = url
    if (hostname === '' || username !== '' || password !== '' || pathname.length > 1) {
      throw new TypeError('memcache://host:port is what is needed: its protocol knows neither users nor databases')
    }
    if (hostname.startsWith('[')) throw new TypeError('the client of memcached takes no IPv6 address; a name will do')
    this.#where = url.host
    const server = `${hostname}:${port || PORT}`
    this.#client = new WatchedClient({ server, connectTimeout: WAIT_MS, cmdTimeout: WAIT_MS, noDelay: true }, () =>
      this.#noteLost(),
    )
  }

  /**
   * Runs commands on the client. Rejects with a `StoreError` if they fail or there is no reply within a few seconds.
   */
  async ask<T>(question: (client: MemcacheClient) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw this.#unavailable('the store is closed')
    if (this.#waiting >= MAX_WAITING) throw this.#unavailable('too many commands wait for an answer')
    this.#waiting++
    try {
      return await question(this.#client)
    } catch (error) {
      throw this.#translated(error)
    } finally {
      this.#waiting--
    }
  }

  /**
   * Throws if a caller has waited too long: of many queued callers, not each one should wait for its own timeout.
   * @param since start of the wait, milliseconds of `performance.now()`
   */
  checkPatience(since: number): void {
    if (performance.now() - since >= WAIT_MS) throw this.#unavailable(`no answer within ${WAIT_MS / 1000} s`)
  }

  /** Closes the connection. Later commands are rejected. */
  close(): void {
    this.#isClosed = true
    this.#client.shutdown()
  }

  #noteLost(): void {
    if (!this.#isClosed) this.interruptions++
  }

  #translated(error: unknown): StoreError {
    const reason = error instanceof Error ? error.message : 'for no known reason'
    if (reason.startsWith('SERVER_ERROR object too large')) {
      return new StoreError('too-large', 'memcached takes no item of that size', { cause: error })
    }
    if (reason.startsWith('SERVER_ERROR out of memory')) {
      return new StoreError('full', 'memcached has no room', { cause: error })
    }
    return this.#unavailable(reason, error)
  }

  #unavailable(reason: string, cause?: unknown): StoreError {
    return new StoreError('unavailable', `memcached at ${this.#where} is not available: ${reason}`, { cause })
  }
}

/**
 * Reports closed connections, which `MemcacheClient` does not, and rejects commands on them, for whose reply it would
 * wait forever.
 */
class WatchedClient extends MemcacheClient {
  readonly #onLost: () => void
  readonly #watched = new WeakSet<object>()

  constructor(options: ConstructorParameters<typeof MemcacheClient>[0], onLost: () => void) {
    super(options)
    this.#onLost = onLost
  }

  override _send(...[connection, data, options]: Parameters<Send>): ReturnType<Send> {
    const { socket } = connection
    if (socket === undefined) return Promise.reject(new Error('the line is lost'))
    if (!this.#watched.has(socket)) {
      this.#watched.add(socket)
      socket.once('close', this.#onLost)
    }
    return super._send(connection, data, options)
  }
}
