import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { resetSocket } from '../../src/http/node/reset-socket.ts'

/** A TCP proxy on loopback that can inject faults into its connections. */
export interface TcpProxy {
  readonly host: '127.0.0.1'
  readonly port: number
  /** The open connections, oldest first. */
  readonly lines: readonly ProxyLine[]
  /** Closes all connections and stops listening. */
  close(): Promise<void>
}

/**
 * Starts a proxy.
 *
 * @param target address of the server, of which `host` and `port` are read for each connection
 * @param prepare called with each new connection before the proxy forwards data
 */
export async function startProxy(
  target: { readonly host: string; readonly port: number },
  prepare: (line: ProxyLine) => void = () => undefined,
): Promise<TcpProxy> {
  const lines = new Set<ProxyLine>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const far = connect({ host: target.host, port: target.port, allowHalfOpen: true, noDelay: true })
    const line = new ProxyLine(client, far)
    lines.add(line)
    void line.finished.then(() => lines.delete(line))
    prepare(line)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    get lines() {
      return [...lines]
    },
    close: async () => {
      for (const line of lines) line.reset()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A client connection through the proxy. It forwards data until the test injects a fault. */
export class ProxyLine {
  readonly toServer: Flow
  readonly toClient: Flow
  /** Settles when either end has closed the client side. */
  readonly closed: Promise<unknown>
  /** Settles when both sides are closed. */
  readonly finished: Promise<unknown>

  constructor(
    readonly client: Socket,
    readonly server: Socket,
  ) {
    this.toServer = new Flow(client, server)
    this.toClient = new Flow(server, client)
    this.closed = new Promise((resolve) => client.once('close', resolve))
    this.finished = Promise.all([this.closed, new Promise((resolve) => server.once('close', resolve))])
    // An error on one side closes the other side, unless that direction is blocked.
    client.on('error', () => this.toServer.break())
    server.on('error', () => this.toClient.break())
  }

  /** Blocks both directions without a FIN or RST. */
  stall(): void {
    this.toServer.stall()
    this.toClient.stall()
  }

  /** Ends `stall`: forwards the held data. */
  resume(): void {
    this.toServer.resume()
    this.toClient.resume()
  }

  /** Delays forwarding by `ms` in each direction. */
  delay(ms: number): void {
    this.toServer.delay(ms)
    this.toClient.delay(ms)
  }

  /** Resets both sides (RST). */
  reset(): void {
    resetSocket(this.client)
    resetSocket(this.server)
  }

  /** Closes both sides after `bytes` more bytes from the server: with a RST, or with a FIN. */
  cut(bytes: number, how: 'reset' | 'end'): void {
    this.toClient.stall(bytes, () => {
      if (how === 'reset') return this.reset()
      this.client.end()
      this.server.destroy()
    })
  }

  /** Closes both sides (FIN), possibly in mid-message. */
  end(): void {
    this.client.end()
    this.server.end()
    this.resume()
  }
}

/** The data flow in one direction. */
export class Flow {
  /** Number of forwarded bytes. */
  passed = 0
  readonly #from: Socket
  readonly #to: Socket
  #stallAt = Number.POSITIVE_INFINITY
  #onStalled: () => void = () => undefined
  #isDropping = false
  #delayMs = 0

  constructor(from: Socket, to: Socket) {
    this.#from = from
    this.#to = to
    from.on('data', (chunk: Buffer) => this.#take(chunk))
    from.on('end', () => {
      if (!this.#isStopped) this.#later(() => to.end())
    })
  }

  /**
   * Stops reading and forwarding after `afterBytes` more bytes, without closing the connection, and then calls
   * `onStalled`.
   */
  stall(afterBytes = 0, onStalled: () => void = () => undefined): void {
    this.#stallAt = this.passed + afterBytes
    this.#onStalled = onStalled
    if (this.#isStopped) this.#stop()
  }

  /** Ends `stall`. */
  resume(): void {
    this.#stallAt = Number.POSITIVE_INFINITY
    if (this.#from.readableEnded) this.#later(() => this.#to.end())
    else if (this.#from.destroyed) this.break()
    else this.#from.resume()
  }

  /** Continues to read, so that the sender gets acknowledgements, but forwards nothing. */
  drop(): void {
    this.#isDropping = true
  }

  /** Delays forwarding by `ms`. */
  delay(ms: number): void {
    this.#delayMs = ms
  }

  /** @internal Forwards a RST. */
  break(): void {
    if (!this.#isStopped) resetSocket(this.#to)
  }

  get #isStopped(): boolean {
    return this.#isDropping || this.passed >= this.#stallAt
  }

  #take(chunk: Buffer): void {
    if (this.#isDropping) return
    const part = chunk.subarray(0, this.#stallAt - this.passed)
    this.passed += part.length
    if (part.length > 0) this.#later(() => this.#to.write(part))
    if (this.#isStopped) this.#stop()
  }

  #stop(): void {
    this.#from.pause()
    this.#later(this.#onStalled)
  }

  #later(work: () => void): void {
    if (this.#delayMs === 0) work()
    else setTimeout(work, this.#delayMs)
  }
}
