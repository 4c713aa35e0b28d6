import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** What happens to a line that is opened now. */
export type Welcome = 'pass' | 'refuse' | 'silence' | { delayMs: number }

/** What stands between komgate and a LysKOM server, and spoils the lines between them. */
export class FaultyProxy {
  /** open lines, to either side */
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

  /** Everything is as it should be: whatever was held back comes through. */
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

/** One line through it. */
export class ProxyLine {
  /** Settles when both sides are closed. */
  readonly closed: Promise<unknown>
  readonly #sockets: readonly [Socket, Socket]

  /** @param delayMs how much later everything comes through, in order, in both directions */
  constructor(client: Socket, server: Socket, delayMs: number) {
    this.#sockets = [client, server]
    this.closed = Promise.all(this.#sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve))))
    forward(client, server, delayMs)
    forward(server, client, delayMs)
  }

  /** A black hole from now on: nothing comes through, no FIN and no RST either. */
  hold(): void {
    for (const socket of this.#sockets) socket.pause()
  }

  /** And what was held back comes through. */
  release(): void {
    for (const socket of this.#sockets) socket.resume()
  }

  /** Breaks it with a RST on both sides. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  /** Closes it in order on both sides, in the middle of whatever is said. */
  end(): void {
    for (const socket of this.#sockets) socket.end()
    this.release()
  }
}

function forward(from: Socket, to: Socket, delayMs: number): void {
  // Timers of the same length end in the order in which they were started.
  const later = (work: () => void): void => {
    if (delayMs === 0) work()
    else setTimeout(work, delayMs)
  }
  from.on('data', (chunk: Buffer) => later(() => to.writable && to.write(chunk)))
  from.on('end', () => later(() => to.end()))
  // A line that is broken on one side breaks on the other.
  from.on('error', () => to.resetAndDestroy())
}
