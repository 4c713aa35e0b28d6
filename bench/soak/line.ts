import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type HttpAnswer, readAnswer } from './http-answer.ts'

interface Waiting {
  toHead: boolean
  resolve: (answer: HttpAnswer | undefined) => void
  reject: (error: Error) => void
}

/**
 * One connection to komgate, byte for byte: a client's library would neither send half a request nor notice an answer
 * to a request that nobody has made.
 */
export class Line {
  readonly socket: Socket
  /** When its last answer came. */
  idleSince = 0
  #received: Buffer = Buffer.alloc(0)
  #waiting: Waiting | undefined
  readonly #onUnasked: (bytes: Buffer) => void

  private constructor(socket: Socket, onUnasked: (bytes: Buffer) => void) {
    this.socket = socket
    this.#onUnasked = onUnasked
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    // What breaks is told by 'close'.
    socket.on('error', () => undefined)
    socket.on('close', () => this.#settle()?.resolve(undefined))
  }

  /** @param onUnasked is given bytes that come while no answer is awaited */
  static async open(port: number, localAddress: string, onUnasked: (bytes: Buffer) => void): Promise<Line> {
    const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true })
    await once(socket, 'connect')
    return new Line(socket, onUnasked)
  }

  get isOpen(): boolean {
    return this.socket.readyState === 'open'
  }

  /** The next answer; undefined when the connection is closed without. Rejects when it is no answer. */
  answer(toHead = false): Promise<HttpAnswer | undefined> {
    if (!this.isOpen) return Promise.resolve(undefined)
    return new Promise((resolve, reject) => {
      this.#waiting = { toHead, resolve, reject }
    })
  }

  ask(request: Buffer, toHead = false): Promise<HttpAnswer | undefined> {
    const answer = this.answer(toHead)
    this.socket.write(request)
    return answer
  }

  close(): void {
    this.socket.end()
    this.socket.destroySoon()
  }

  /** Leaves with a RST. */
  reset(): void {
    this.socket.resetAndDestroy()
  }

  #take(chunk: Buffer): void {
    if (this.#waiting === undefined) {
      this.#onUnasked(chunk)
      return
    }
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    try {
      const read = readAnswer(this.#received, this.#waiting.toHead)
      if (read === undefined) return
      const rest = this.#received.subarray(read.length)
      this.#received = Buffer.alloc(0)
      this.idleSince = performance.now()
      this.#settle()?.resolve(read.answer)
      if (rest.length > 0) this.#onUnasked(rest)
    } catch (error) {
      this.#settle()?.reject(error as Error)
      this.reset()
    }
  }

  #settle(): Waiting | undefined {
    const waiting = this.#waiting
    this.#waiting = undefined
    return waiting
  }
}
