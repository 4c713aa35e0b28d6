import { connect as connectSocket, type Socket } from 'node:net'

/** A byte stream to one server. Everything above knows only this. */
export interface Transport {
  write(bytes: Uint8Array): void
  /** Drops the line at once, unsent bytes included. */
  destroy(): void
}

export interface TransportHandlers {
  /** Called for each chunk, in order. */
  data(chunk: Buffer): void
  /** Called once, last: without an error when the other side ended the stream. */
  close(error: Error | undefined): void
}

export interface TcpAddress {
  host: string
  port: number
}

/**
 * Opens a TCP connection. Rejects with the socket's error; aborting `signal` while connecting rejects with its reason.
 * The handlers are called only after the promise has been fulfilled.
 */
export function connectTcp(address: TcpAddress, handlers: TransportHandlers, signal: AbortSignal): Promise<Transport> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const socket = connectSocket({ ...address, noDelay: true })
    const abort = (): void => {
      socket.destroy()
      reject(signal.reason)
    }
    signal.addEventListener('abort', abort, { once: true })
    socket.once('error', reject)
    socket.once('connect', () => {
      signal.removeEventListener('abort', abort)
      socket.off('error', reject)
      let failure: Error | undefined
      socket.on('error', (error) => {
        failure = error
      })
      socket.on('data', (chunk: Buffer) => handlers.data(chunk))
      // The other side has ended the stream: with bytes of ours that it does not read, `close` might never come.
      socket.once('end', () => socket.destroy())
      socket.once('close', () => handlers.close(failure))
      resolve(new TcpTransport(socket))
    })
  })
}

class TcpTransport implements Transport {
  readonly #socket: Socket
  #corked = false

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** What is written in one turn of the event loop leaves in one packet. */
  write(bytes: Uint8Array): void {
    if (!this.#corked) {
      this.#corked = true
      this.#socket.cork()
      process.nextTick(uncork, this)
    }
    this.#socket.write(bytes)
  }

  flush(): void {
    this.#corked = false
    this.#socket.uncork()
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

function uncork(transport: TcpTransport): void {
  transport.flush()
}
