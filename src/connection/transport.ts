import { once } from 'node:events'
import { connect as connectSocket, type Socket } from 'node:net'

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

/** Knows whose it is. So its listeners can be the same for all: closures would be memory for each of many idle lines. */
interface OwnedSocket extends Socket {
  owner: TcpTransport
}

class TcpTransport implements Transport {
  readonly #socket: Socket
  readonly #handlers: TransportHandlers
  #failure: Error | undefined
  #isWaiting = false

  constructor(socket: Socket, handlers: TransportHandlers) {
    this.#socket = socket
    this.#handlers = handlers
    Object.assign(socket, { owner: this } satisfies Partial<OwnedSocket>)
    socket.on('error', TcpTransport.#onError)
    socket.on('data', TcpTransport.#onData)
    // The other side has ended the stream: with bytes of ours that it does not read, `close` might never come.
    socket.on('end', socket.destroy)
    socket.on('close', TcpTransport.#onClose)
  }

  static #onError(this: OwnedSocket, error: Error): void {
    this.owner.#failure = error
  }

  static #onData(this: OwnedSocket, chunk: Buffer): void {
    this.owner.#handlers.onData(chunk)
  }

  static #onClose(this: OwnedSocket): void {
    this.owner.#handlers.onClosed(this.owner.#failure)
  }

  /**
   * What is written in one turn of the event loop leaves in one packet, and at its end, with that of other connections:
   * a server on the same machine is then woken once for all of them.
   */
  write(bytes: Uint8Array): void {
    if (!this.#isWaiting) {
      this.#isWaiting = true
      this.#socket.cork()
      setImmediate(flush, this)
    }
    this.#socket.write(bytes)
  }

  flush(): void {
    this.#isWaiting = false
    this.#socket.uncork()
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

function flush(transport: TcpTransport): void {
  transport.flush()
}
