import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** Behaviour for new connections. */
export type Welcome = 'pass' | 'refuse' | 'silence' | { delayMs: number }

/** A proxy between the gateway and a LysKOM server that injects connection faults. */
export class FaultyProxy {
  /** open connections */
  readonly lines = new Set<ProxyLine>()
  welcome: Welcome = 'pass'
  readonly #server: Server

  private constructor(target: number) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#open(client, target))
  }

  static async start(target: number): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(target)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Ends all faults and forwards held data. */
  calm(): void {
    this.welcome = 'pass'
    for (const line of this.lines) line.release()
  }

  async close(): Promise<void> {
    for (const line of this.lines) line.reset()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #open(client: Socket, target: number): void {
    if (this.welcome === 'refuse') {
      client.resetAndDestroy()
      return
    }
    const server = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    const line = new ProxyLine(client, server, typeof this.welcome === 'object' ? this.welcome.delayMs : 0)
    this.lines.add(line)
    if (this.welcome === 'silence') line.hold()
    void line.closed.then(() => this.lines.delete(line))
  }
}

/** One proxied connection. */
export class ProxyLine {
  /** Settles when both sides are closed. */
  readonly closed: Promise<unknown>
  readonly #sockets: readonly [Socket, Socket]

  /** @param delayMs latency in both directions, in milliseconds */
  constructor(client: Socket, server: Socket, delayMs: number) {
    this.#sockets = [client, server]
    this.closed = Promise.all(this.#sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve))))
    forward(client, server, delayMs)
    forward(server, client, delayMs)
  }

  /** Black hole: forwards nothing, neither FIN nor RST. */
  hold(): void {
    for (const socket of this.#sockets) socket.pause()
  }

  /** Forwards the held data. */
  release(): void {
    for (const socket of this.#sockets) socket.resume()
  }

  /** Resets both sides (RST). */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  /** Closes both sides (FIN), possibly in mid-message. */
  end(): void {
    for (const socket of this.#sockets) socket.end()
    this.release()
  }
}

function forward(from: Socket, to: Socket, delayMs: number): void {
  // Timers with the same delay fire in order.
  const later = (work: () => void): void => {
    if (delayMs === 0) work()
    else setTimeout(work, delayMs)
  }
  from.on('data', (chunk: Buffer) => later(() => to.writable && to.write(chunk)))
  from.on('end', () => later(() => to.end()))
  // An error on one side resets the other.
  from.on('error', () => to.resetAndDestroy())
}
