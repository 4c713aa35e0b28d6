/**
 * Node emits all pipelined requests of a chunk at once and buffers their responses without a bound: 60 connections with
 * 690 pipelined GETs of 131 kB each took 1.6 GB.
 */

import type { Socket } from 'node:net'
import type { Backlog } from './backlog.ts'
import { resetSocket } from './reset-socket.ts'
import type { RequestOwner, TrackedRequest } from './tracked-request.ts'
import type { ResponseOwner, TrackedResponse } from './tracked-response.ts'
import type { UnreadBudget, UnreadSource } from './unread-budget.ts'

/** A listener of Node's `request` event. */
export type RequestHandler = (request: TrackedRequest, response: TrackedResponse) => void

interface Exchange {
  readonly request: TrackedRequest
  readonly response: TrackedResponse
  readonly handle: RequestHandler
}

/** State and callbacks that the connections of a server share. */
export interface ConnectionContext {
  readonly budget: UnreadBudget
  readonly backlog: Backlog
  /** number of connections with an unanswered request */
  busy: number
  /** whether the server is closing: the last response of each connection carries `Connection: close` */
  isDraining: boolean
  /** called when a request must wait for the response before it */
  onWait(): void
  /** called when a connection has answered its last request */
  onIdle(): void
}

/** Heap bytes of a waiting request: 1.7 kB with the shortest pipelined GETs. */
const WAITING_REQUEST_BYTES = 2048
/** Bytes of a request body that are not counted: most bodies are smaller and arrive at once. */
const SMALL_BODY_BYTES = 16_384

/**
 * Handles the requests of one HTTP connection one after the other (RFC 9112, 9.3.2), each when the client has received
 * the response before it. While requests wait, nothing is read from the socket.
 */
export class HttpConnection implements RequestOwner, ResponseOwner, UnreadSource {
  readonly #context: ConnectionContext
  readonly #socket: Socket
  readonly #waiting: Exchange[] = []
  #current: Exchange | undefined
  /** set after a parse error, an upgrade or CONNECT: Node emits no further requests */
  #whenAnswered: (() => void) | undefined
  #isReadingStopped = false
  #isWatched = false
  /** whether the budget counts this connection; most responses are read immediately */
  #isCounted = false

  constructor(
    context: ConnectionContext,
    socket: Socket,
    readonly network: string | undefined,
  ) {
    this.#context = context
    this.#socket = socket
    socket.once('close', () => this.#closed())
  }

  /** Whether a request is unanswered. */
  get isBusy(): boolean {
    return this.#current !== undefined || this.#waiting.length > 0
  }

  /** Whether no further request can arrive, after a parse error, an upgrade or CONNECT. */
  get hasFailed(): boolean {
    return this.#whenAnswered !== undefined
  }

  /** Handles a request, immediately or after the requests before it. */
  accept(exchange: Exchange): void {
    exchange.response.owner = this
    exchange.request.owner = this
    if (!this.isBusy) {
      this.#context.busy++
      this.#begin(exchange)
      return
    }
    this.#waiting.push(exchange)
    this.#stopReading()
    this.#context.onWait()
    this.unread()
  }

  ended(): void {
    // The socket is closed, and `#closed` has updated the counters.
    if (this.#current === undefined) return
    this.#current = undefined
    if (this.#isCounted) {
      // The client has read the response: the next response starts a new stall time.
      this.#isCounted = false
      this.#context.budget.remove(this)
    }
    if (this.#waiting.length > 0) {
      this.unread()
      this.#context.backlog.add(() => this.#next())
    } else {
      this.#idle()
    }
  }

  unread(): void {
    this.#isCounted = true
    this.#context.budget.update(this)
  }

  received(request: TrackedRequest): void {
    if (request !== this.#current?.request || request.receivedBytes <= SMALL_BODY_BYTES) return
    this.#isCounted = true
    this.#context.budget.progress(this)
  }

  /** A request body counts until the response is finished, since the gateway keeps it. */
  unreadBytes(): number {
    if (this.#socket.destroyed) return 0
    const body = this.#current?.request.receivedBytes ?? 0
    const held = body > SMALL_BODY_BYTES ? body : 0
    return held + this.#socket.writableLength + this.#waiting.length * WAITING_REQUEST_BYTES
  }

  drop(): void {
    resetSocket(this.#socket)
  }

  /**
   * Runs `action` when every complete request is answered, after a parse error or a timeout of the request. A request
   * that has not arrived in full is dropped: `action` answers it.
   */
  fail(action: () => void): void {
    const last = this.#waiting.at(-1) ?? this.#current
    const isCut = last !== undefined && !last.request.complete && !last.response.headersSent
    if (isCut && last === this.#current) {
      this.#settle(action)
      return
    }
    this.#stopReading()
    this.#whenAnswered = () => this.#settle(action)
    const wasBusy = this.isBusy
    if (isCut) this.#waiting.pop()
    if (this.isBusy) return
    if (wasBusy) this.#idle()
    else this.#whenAnswered()
  }

  /**
   * Runs `action` when every request is answered, after Node has detached its HTTP parser from the socket for an
   * upgrade or CONNECT. Node detaches it immediately, even while earlier responses are unfinished.
   */
  detach(action: () => void): void {
    const socket = this.#socket
    this.#isReadingStopped = false
    const onError = (): void => undefined
    const onTimeout = (): void => void socket.destroy()
    const onDrain = (): void => void this.#current?.response.emit('drain')
    socket.on('error', onError).on('timeout', onTimeout).on('drain', onDrain)
    this.#whenAnswered = () => {
      socket.off('error', onError).off('timeout', onTimeout).off('drain', onDrain)
      this.#whenAnswered = undefined
      // Node resumes a paused socket only through the listeners that it has removed, so restart reading here.
      socket._read(0)
      action()
    }
    if (!this.isBusy) this.#whenAnswered()
  }

  #settle(action: () => void): void {
    this.#whenAnswered = () => undefined
    this.#isReadingStopped = false
    action()
  }

  #begin(exchange: Exchange): void {
    const { request, response, handle } = exchange
    this.#current = exchange
    if (this.#context.isDraining && this.#waiting.length === 0) response.setHeader('Connection', 'close')
    response.on('close', reportEnd)
    handle(request, response)
  }

  #next(): void {
    const exchange = this.#waiting.shift()
    if (exchange === undefined) return
    this.#begin(exchange)
    if (this.#waiting.length === 0 && this.#whenAnswered === undefined) this.#readOn()
  }

  #idle(): void {
    this.#context.busy--
    this.#whenAnswered?.()
    this.#context.onIdle()
  }

  #closed(): void {
    const wasBusy = this.isBusy
    this.#waiting.length = 0
    this.#current = undefined
    this.#whenAnswered = undefined
    this.#context.budget.remove(this)
    if (wasBusy) this.#idle()
  }

  #stopReading(): void {
    this.#isReadingStopped = true
    if (!this.#isWatched) {
      this.#isWatched = true
      // Node resumes the socket itself after it has read a request body.
      this.#socket.on('resume', () => {
        if (this.#isReadingStopped) this.#socket.pause()
      })
    }
    this.#socket.pause()
  }

  #readOn(): void {
    this.#isReadingStopped = false
    this.#socket.resume()
  }
}

function reportEnd(this: TrackedResponse): void {
  this.owner?.ended()
}
