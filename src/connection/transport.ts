import { once } from 'node:events'
import { connect as connectSocket, type Socket } from 'node:net'
import { Traffic } from './traffic.ts'

/** A byte stream to one server. Everything above knows only this. */
export interface Transport {
  write(bytes: Uint8Array): void
  /** Drops the line at once, unsent bytes included. */
  destroy(): void
}

export interface TransportHandlers {
  /** Called for each chunk, in order. */
  onData(chunk: Buffer): void
  /** Called once, last: without an error when the other side ended the stream. */
  onClosed(error: Error | undefined): void
}

export interface TcpAddress {
  host: string
  port: number
}

/**
 * Opens a TCP connection. Rejects with the socket's error; aborting `signal` while connecting rejects with its reason.
 * The handlers are called only after the promise has been fulfilled.
 */
export async function connectTcp(
  address: TcpAddress,
  handlers: TransportHandlers,
  signal: AbortSignal,
): Promise<Transport> {
  const socket = connectSocket({ host: address.host, port: address.port, noDelay: true })
  try {
    await once(socket, 'connect', { signal })
  } catch (error) {
    socket.destroy()
    throw signal.aborted ? signal.reason : error
  }
  return new TcpTransport(socket, handlers)
}

/** Of all connections together. */
const traffic = new Traffic()

/** Knows whose it is. So its listeners can be the same for all: closures would be memory for each of many idle lines. */
interface OwnedSocket extends Socket {
  owner: TcpTransport
}

class TcpTransport implements Transport {
  readonly handlers: TransportHandlers
  /** Why the socket is closed. */
  failure: Error | undefined
  readonly #socket: Socket
  /** What was written in this turn. */
  #unsent: Uint8Array[] | undefined

  constructor(socket: Socket, handlers: TransportHandlers) {
    this.#socket = socket
    this.handlers = handlers
    Object.assign(socket, { owner: this } satisfies Partial<OwnedSocket>)
    socket.on('error', onError)
    socket.on('data', onData)
    // The other side has ended the stream: with bytes of ours that it does not read, `close` might never come.
    socket.on('end', socket.destroy)
    socket.on('close', onClose)
  }

  /**
   * What is written in one turn of the event loop leaves in one packet at its end, with that of other connections, but
   * for what need not wait for others.
   */
  write(bytes: Uint8Array): void {
    if (this.#unsent !== undefined) {
      this.#unsent.push(bytes)
    } else if (traffic.leavesAtOnce()) {
      this.#socket.write(bytes)
    } else {
      this.#unsent = [bytes]
      setImmediate(flush, this)
    }
  }

  flush(): void {
    const unsent = this.#unsent ?? []
    this.#unsent = undefined
    // A single write goes straight to the kernel, what is corked by way of the stream's buffer.
    const [only] = unsent
    if (unsent.length === 1 && only !== undefined) {
      this.#socket.write(only)
      return
    }
    this.#socket.cork()
    for (const bytes of unsent) this.#socket.write(bytes)
    this.#socket.uncork()
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

function onError(this: OwnedSocket, error: Error): void {
  this.owner.failure = error
}

function onData(this: OwnedSocket, chunk: Buffer): void {
  this.owner.handlers.onData(chunk)
}

function onClose(this: OwnedSocket): void {
  const { handlers, failure } = this.owner
  handlers.onClosed(failure)
}

function flush(transport: TcpTransport): void {
  transport.flush()
}
