import { MemcacheClient } from 'memcache-client'
import { StoreError } from '../errors.ts'

const PORT = 11_211
/** To connect, and for an answer. */
const WAIT_MS = 3000
/** Commands on their way at the same time. */
const MAX_WAITING = 100_000

type Send = MemcacheClient['_send']

/** The line to memcached: whether it holds, and what goes wrong on it. */
export class MemcacheLine {
  /** How often the line was lost. A line that nobody uses is looked after too: memcached may be empty when it is back. */
  interruptions = 0
  readonly #where: string
  readonly #client: MemcacheClient
  #isClosed = false
  #waiting = 0

  /** Throws a `TypeError` for a URL that is wrong. */
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

  /** Puts a question; rejects with a `StoreError` when it cannot be answered, or is not within some seconds. */
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

  /** Throws when somebody has waited for too long: of many in a queue, not each shall find out that nobody answers. */
  checkPatience(since: number): void {
    if (performance.now() - since >= WAIT_MS) throw this.#unavailable(`no answer within ${WAIT_MS / 1000} s`)
  }

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

/** The client says nothing of a connection that ends, and waits for ever for the answer to what it sends on one. */
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
