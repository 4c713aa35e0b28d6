import { once } from 'node:events'
import { connect as connectSocket, type Socket } from 'node:net'
import { WriteCoalescer } from './write-coalescer.ts'

/** A byte stream to a server, as `Connection` uses it. */
export interface Transport {
  /** Sends bytes, possibly together with later ones of the same event-loop tick. */
  write(bytes: Uint8Array): void
  /** Closes the stream immediately, and discards unsent bytes. */
  destroy(): void
}

/** Receives the events of a `Transport`. */
export interface TransportHandlers {
  /** Called for each received chunk, in order. */
  onData(chunk: Buffer): void
  /** Called once, as the last event. There is no error if the server ended the stream. */
  onClosed(error: Error | undefined): void
}

/** The address of a LysKOM server. */
export interface TcpAddress {
  /** host name or IP address */
  host: string
  port: number
}

/**
 * Opens a TCP connection.
 *
 * @param handlers receive the events of the connection, only after the returned promise is fulfilled
 * @param signal aborts the attempt; the promise then rejects with the reason of the signal
 * @throws the error of the socket
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

/** Size of a chunk after which the socket may hold more, bytes. */
const FULL_READ_BYTES = 65_536

/** Shared by all connections. */
const coalescer = new WriteCoalescer()

/** A socket with a reference to its transport, so that all sockets share the same listeners, which saves memory. */
interface OwnedSocket extends Socket {
  owner: TcpTransport
}

class TcpTransport implements Transport {
  readonly handlers: TransportHandlers
  /** The error that closed the socket. */
  failure: Error | undefined
  readonly #socket: Socket
  /** The delayed writes of this event-loop tick; undefined if there are none. */
  #unsent: Uint8Array[] | undefined

  constructor(socket: Socket, handlers: TransportHandlers) {
    this.#socket = socket
    this.handlers = handlers
    Object.assign(socket, { owner: this } satisfies Partial<OwnedSocket>)
    socket.on('error', onError)
    socket.on('data', onData)
    // When the server ends the stream but does not read our bytes, `close` might never follow. Destroy the socket
    // instead.
    socket.on('end', socket.destroy)
    socket.on('close', onClose)
  }

  /** Writes bytes immediately if `WriteCoalescer` allows it, and otherwise at the end of the event-loop tick. */
  write(bytes: Uint8Array): void {
    if (this.#unsent !== undefined) {
      this.#unsent.push(bytes)
    } else if (coalescer.mayWriteNow()) {
      this.#socket.write(bytes)
    } else {
      this.#unsent = [bytes]
      setImmediate(flush, this)
    }
  }

  flush(): void {
    const unsent = this.#unsent ?? []
    this.#unsent = undefined
    // Corked writes go through the buffer of the stream, which a single write does not need.
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
  if (chunk.length < FULL_READ_BYTES) return
  // Node would read up to 32 such chunks in one event-loop tick, and other sessions would wait for all of them. Now it
  // reads two: it buffers the one after this.
  this.pause()
  setImmediate(resume, this)
}

function onClose(this: OwnedSocket): void {
  const { handlers, failure } = this.owner
  handlers.onClosed(failure)
}

function resume(socket: Socket): void {
  socket.resume()
}

function flush(transport: TcpTransport): void {
  transport.flush()
}
