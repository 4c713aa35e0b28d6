import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type HttpAnswer, readAnswer } from './http-answer.ts'

interface Waiting {
  toHead: boolean
  resolve: (answer: HttpAnswer | undefined) => void
  reject: (error: Error) => void
}

/**
 * One raw connection to the gateway. An HTTP library could neither send half a request nor detect a response without a
 * request.
 */
export class Line {
  readonly socket: Socket
  /** time of the last response */
  idleSince = 0
  #received: Buffer = Buffer.alloc(0)
  #waiting: Waiting | undefined
  readonly #onUnasked: (bytes: Buffer) => void

  private constructor(socket: Socket, onUnasked: (bytes: Buffer) => void) {
    this.socket = socket
    this.#onUnasked = onUnasked
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    // The 'close' event reports the error.
    socket.on('error', () => undefined)
    socket.on('close', () => this.#settle()?.resolve(undefined))
  }

  /** @param onUnasked called with bytes received while no response is pending */
  static async open(port: number, localAddress: string, onUnasked: (bytes: Buffer) => void): Promise<Line> {
    const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true })
    await once(socket, 'connect')
    return new Line(socket, onUnasked)
  }

  get isOpen(): boolean {
    return this.socket.readyState === 'open'
  }

  /** Resolves with the next response; undefined if the connection closes first. Rejects for an invalid response. */
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

  /** Resets the connection (RST). */
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
