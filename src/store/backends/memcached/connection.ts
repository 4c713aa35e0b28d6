import { MemcacheClient } from 'memcache-client'
import { StoreError } from '../../index.ts'

const PORT = 11_211
/** Timeout for connecting and for each reply, milliseconds. */
const WAIT_MS = 3000
/** Maximum number of commands without a reply. */
const MAX_PENDING = 100_000

type Send = MemcacheClient['_send']

/** The connection to memcached. Detects lost connections and converts errors. */
export class MemcachedConnection {
  /** number of lost connections, idle ones included, since memcached may be empty after a restart */
  interruptions = 0
  readonly #where: string
  readonly #client: MemcacheClient
  #isClosed = false
  #pending = 0

  /**
   * Creates the client, which connects with the first command.
   * @param url the store URL, `memcache://host:port`
   * @throws TypeError for an invalid URL
   */
  constructor(url: URL) {
    const { hostname, port, username, password, pathname } = url
    if (hostname === '' || username !== '' || password !== '' || pathname.length > 1) {
      throw new TypeError('memcached store URLs are memcache://host:port: the protocol has no users and no databases')
    }
    if (hostname.startsWith('[')) throw new TypeError('memcached store URLs cannot contain an IPv6 address')
    this.#where = url.host
    const server = `${hostname}:${port || PORT}`
    this.#client = new MonitoredClient({ server, connectTimeout: WAIT_MS, cmdTimeout: WAIT_MS, noDelay: true }, () =>
      this.#onConnectionLost(),
    )
  }

  /**
   * Runs commands on the client.
   * @returns the result of `work`
   * @throws StoreError if a command fails or there is no reply within three seconds
   */
  async run<T>(work: (client: MemcacheClient) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw this.#unavailable('the store is closed')
    if (this.#pending >= MAX_PENDING) throw this.#unavailable('too many commands wait for a reply')
    this.#pending++
    try {
      return await work(this.#client)
    } catch (error) {
      throw this.#toStoreError(error)
    } finally {
      this.#pending--
    }
  }

  /** Closes the connection. Later commands are rejected. */
  close(): void {
    this.#isClosed = true
    this.#client.shutdown()
  }

  #onConnectionLost(): void {
    if (!this.#isClosed) this.interruptions++
  }

  #toStoreError(error: unknown): StoreError {
    const reason = error instanceof Error ? error.message : 'for no known reason'
    if (reason.startsWith('SERVER_ERROR object too large')) {
      return new StoreError('too-large', 'memcached rejects an item of that size', { cause: error })
    }
    if (reason.startsWith('SERVER_ERROR out of memory')) {
      return new StoreError('full', 'memcached is full', { cause: error })
    }
    return this.#unavailable(reason, error)
  }

  #unavailable(reason: string, cause?: unknown): StoreError {
    return new StoreError('unavailable', `memcached at ${this.#where} is unavailable: ${reason}`, { cause })
  }
}

/**
 * Reports closed connections, which `MemcacheClient` does not report, and rejects commands on them, for which
 * `MemcacheClient` would wait forever.
 */
class MonitoredClient extends MemcacheClient {
  readonly #onLost: () => void
  readonly #monitored = new WeakSet<object>()

  constructor(options: ConstructorParameters<typeof MemcacheClient>[0], onLost: () => void) {
    super(options)
    this.#onLost = onLost
  }

  override _send(...[connection, data, options]: Parameters<Send>): ReturnType<Send> {
    const { socket } = connection
    if (socket === undefined) return Promise.reject(new Error('the connection is lost'))
    if (!this.#monitored.has(socket)) {
      this.#monitored.add(socket)
      socket.once('close', this.#onLost)
    }
    return super._send(connection, data, options)
  }
}
