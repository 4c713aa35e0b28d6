import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { contentLength, type ForwardedResponse } from './forwarded.ts'

/** Bodies of responses up to this size are read as a whole, bytes. */
const SMALL = 65_536
/** Responses without a body and its length. */
const EMPTY_STATUS = new Set([204, 304])

type Controller = Dispatcher.DispatchController

/**
 * One request to another node by undici's `dispatch`: `request` makes a stream of each body, an abort signal of each
 * request, and has half the throughput.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  /** Rejects with the error of the connection, or with the reason of `abort`. */
  readonly response: Promise<ForwardedResponse>
  /** whether the whole response has arrived, or an error */
  hasEnded = false
  readonly #hasBody: boolean
  #resolve!: (response: ForwardedResponse) => void
  #reject!: (error: Error) => void
  #controller: Controller | undefined
  #abortReason: Error | undefined
  #status = 0
  #headers: readonly string[] = []
  readonly #pieces: Buffer[] = []
  #stream: Readable | undefined

  /** @param method of the request; a response to HEAD has no body, whatever its headers say */
  constructor(method: string) {
    this.#hasBody = method !== 'HEAD'
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** Ends the request and the response, if it has not ended. */
  abort(reason: Error): void {
    if (this.hasEnded) return
    this.#abortReason = reason
    // It may wait for a connection.
    if (this.#controller === undefined) this.#reject(reason)
    else this.#controller.abort(reason)
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller
    if (this.#abortReason !== undefined) controller.abort(this.#abortReason)
  }

  onResponseStart(controller: Controller, status: number): void {
    // Informational responses come first.
    if (status < 200) return
    this.#status = status
    this.#headers = (controller.rawHeaders as Buffer[]).map((part) => part.toString('latin1'))
    if (!this.#hasBody || EMPTY_STATUS.has(status) || lengthIn(this.#headers) <= SMALL) return
    this.#stream = new Readable({
      read: () => controller.resume(),
      destroy: (error, callback) => {
        this.abort(error ?? new Error('the response is not read'))
        callback(error)
      },
    })
    // It may break before something reads it.
    this.#stream.on('error', () => undefined)
    this.#resolve({ status, headers: this.#headers, body: this.#stream })
  }

  onResponseData(controller: Controller, piece: Buffer): void {
    if (this.#stream === undefined) this.#pieces.push(piece)
    else if (!this.#stream.push(piece)) controller.pause()
  }

  onResponseEnd(): void {
    this.hasEnded = true
    if (this.#stream !== undefined) {
      this.#stream.push(null)
      return
    }
    const [first = new Uint8Array()] = this.#pieces
    const body = this.#pieces.length > 1 ? Buffer.concat(this.#pieces) : first
    this.#resolve({ status: this.#status, headers: this.#headers, body })
  }

  onResponseError(_: Controller, error: Error): void {
    this.hasEnded = true
    if (this.#stream === undefined) this.#reject(error)
    else this.#stream.destroy(error)
  }
}

/** Returns the length of a body; infinite if it is not known. */
function lengthIn(headers: readonly string[]): number {
  const text = contentLength(headers)
  return text === undefined ? Number.POSITIVE_INFINITY : Number(text)
}
