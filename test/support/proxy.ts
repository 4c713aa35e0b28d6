import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A TCP proxy on loopback whose lines a test can spoil. */
export interface TcpProxy {
  readonly host: '127.0.0.1'
  readonly port: number
  /** Every line there has been, the first one first. */
  readonly lines: readonly ProxyLine[]
  /** Breaks all lines and stops listening. */
  close(): Promise<void>
}

/** @param prepare is given each new line before anything passes on it */
export async function startProxy(
  target: { host: string; port: number },
  prepare: (line: ProxyLine) => void = () => undefined,
): Promise<TcpProxy> {
  const lines: ProxyLine[] = []
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const far = connect({ ...target, allowHalfOpen: true, noDelay: true })
    const line = new ProxyLine(client, far)
    lines.push(line)
    prepare(line)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    lines,
    close: async () => {
      for (const line of lines) line.reset()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** One client's line through the proxy. Bytes pass until the test says otherwise. */
export class ProxyLine {
  readonly toServer: Flow
  readonly toClient: Flow
  /** Settles when the client's side is closed, whoever closed it. */
  readonly closed: Promise<void>
  readonly #sockets: readonly [Socket, Socket]

  constructor(client: Socket, server: Socket) {
    this.#sockets = [client, server]
    this.toServer = new Flow(client, server)
    this.toClient = new Flow(server, client)
    this.closed = new Promise((resolve) => client.once('close', () => resolve()))
    // A line that is broken on one side breaks on the other, unless nothing gets through there.
    client.on('error', () => this.toServer.break())
    server.on('error', () => this.toClient.break())
  }

  /** A black hole: nothing passes in either direction, no FIN and no RST either. */
  stall(): void {
    this.toServer.stall()
    this.toClient.stall()
  }

  /** Breaks the line with a RST on both sides. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }
}

/** What passes in one direction. */
export class Flow {
  /** How many bytes have passed. */
  passed = 0
  readonly #from: Socket
  readonly #to: Socket
  #stallAt = Number.POSITIVE_INFINITY
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

  /** After so many more bytes nothing is read or forwarded any more, and nothing is closed. */
  stall(afterBytes = 0): void {
    this.#stallAt = this.passed + afterBytes
    if (this.#isStopped) this.#from.pause()
  }

  /** Reads on, so that the sender sees its bytes acknowledged, but forwards nothing. */
  drop(): void {
    this.#isDropping = true
  }

  /** Forwards everything so much later. */
  delay(ms: number): void {
    this.#delayMs = ms
  }

  /** @internal Passes a RST on. */
  break(): void {
    if (!this.#isStopped) this.#to.resetAndDestroy()
  }

  get #isStopped(): boolean {
    return this.#isDropping || this.passed >= this.#stallAt
  }

  #take(chunk: Buffer): void {
    if (this.#isDropping) return
    const part = chunk.subarray(0, this.#stallAt - this.passed)
    this.passed += part.length
    if (this.#isStopped) this.#from.pause()
    if (part.length > 0) this.#later(() => this.#to.write(part))
  }

  #later(work: () => void): void {
    if (this.#delayMs === 0) work()
    else setTimeout(work, this.#delayMs)
  }
}
