import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A client that handles only message boundaries and reference numbers. Strings are bytes in ISO 8859-1. */
export class RawClient {
  readonly socket: Socket
  #received = ''
  #ref = 0

  private constructor(port: number) {
    this.socket = connect(port, '127.0.0.1')
    this.socket.setNoDelay(true)
    this.socket.on('error', () => this.socket.destroy())
    this.socket.on('data', (chunk) => {
      this.#received += chunk.toString('latin1')
    })
  }

  /** Connects without sending a greeting. */
  static async connect(port: number): Promise<RawClient> {
    const client = new RawClient(port)
    await once(client.socket, 'connect')
    return client
  }

  /** Connects and sends the greeting. */
  static async open(port: number): Promise<RawClient> {
    const client = await RawClient.connect(port)
    client.send('A4Hu%me\n')
    await client.until('LysKOM\n')
    return client
  }

  send(bytes: string): void {
    this.socket.write(Buffer.from(bytes, 'latin1'))
  }

  /** Reads and consumes the input up to and including `end`. */
  async until(end: string): Promise<string> {
    return this.take(() => {
      const at = this.#received.indexOf(end)
      return at < 0 ? 0 : at + end.length
    })
  }

  /**
   * Sends a request with the next reference number. Returns the reply without it and the messages received before it.
   */
  async ask(request: string): Promise<{ reply: string; messages: string[] }> {
    const ref = String(++this.#ref)
    this.send(`${ref} ${request}\n`)
    const answer = new RegExp(`^[=%]${ref}(?= |\\n)`)
    const messages: string[] = []
    for (;;) {
      const line = await this.line()
      if (answer.test(line)) return { reply: line[0] + line.slice(1 + ref.length), messages }
      messages.push(line)
    }
  }

  /** Reads the next line, including line feeds in Hollerith strings. */
  async line(): Promise<string> {
    return this.take(() => lineLength(this.#received))
  }

  async closed(): Promise<string> {
    if (!this.socket.closed) await once(this.socket, 'close', { signal: AbortSignal.timeout(5000) })
    return this.#received
  }

  async take(length: () => number): Promise<string> {
    const deadline = Date.now() + 5000
    for (;;) {
      const end = length()
      if (end > 0) {
        const taken = this.#received.slice(0, end)
        this.#received = this.#received.slice(end)
        return taken
      }
      if (this.socket.destroyed || Date.now() >= deadline) {
        throw new Error(`nothing more came after ${JSON.stringify(this.#received.slice(0, 200))}`)
      }
      await this.#more(deadline)
    }
  }

  /** Resolves when more bytes have arrived, the connection has closed or the deadline has passed. */
  #more(deadline: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        this.socket.off('data', done).off('close', done)
        resolve()
      }
      const timer = setTimeout(done, deadline - Date.now())
      this.socket.on('data', done).on('close', done)
    })
  }
}

/** Returns the length of the first line of `bytes`; 0 if it is incomplete. */
function lineLength(bytes: string): number {
  const token = /\n|(\d+)H/g
  for (let found = token.exec(bytes); found !== null; found = token.exec(bytes)) {
    if (found[1] === undefined) return token.lastIndex
    token.lastIndex += Number(found[1])
  }
  return 0
}
