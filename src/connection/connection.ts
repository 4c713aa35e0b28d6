import { EventEmitter } from 'node:events'
import type { BoundName } from '../protocol/bounds.ts'
import { CALLS, type CallName, type Params, type Reply } from '../protocol/calls/index.ts'
import type { AnyCodec } from '../protocol/codec.ts'
import { type Envelope, readData, readEnvelope, readMessage, refusalText, writeRequest } from '../protocol/envelope.ts'
import { KomError, ProtocolError } from '../protocol/errors.ts'
import { Framer } from '../protocol/framer.ts'
import type { AsyncMessage } from '../protocol/messages.ts'
import type { UnfinishedHolder, UnfinishedMessages } from '../protocol/unfinished-messages.ts'
import { type CallTracer, reportEnd } from './call-tracer.ts'
import { ConnectionError, type ConnectionErrorCode } from './errors.ts'
import type { Beating, Heartbeat } from './heartbeat.ts'
import { InFlightWindow } from './in-flight-window.ts'
import type { ConnectionObserver } from './observer.ts'
import { Pending, Waiting } from './pending.ts'
import type { ConnectionSettings } from './settings.ts'
import type { Transport, TransportHandlers } from './transport.ts'
import { type WireEvent, wireCall, wireMessage, wireReply } from './wire-event.ts'

/** Settings and services that connections share. */
export interface ConnectionContext {
  settings: Readonly<ConnectionSettings>
  heartbeat: Heartbeat
  /** limits the total size of unfinished messages; undefined for no limit */
  unfinished?: UnfinishedMessages
  observer?: ConnectionObserver
  onCall?: CallTracer
}

/** Options of one call. */
export interface CallOptions {
  /** send the call while no other call is in flight; for calls that change the logged-in person */
  exclusive?: boolean
  /** deadline in milliseconds from now; `callTimeoutMs` of the settings by default */
  timeoutMs?: number
}

/** The arguments of `call` after the name. Parameters are optional for a request without parameters. */
type CallArguments<N extends CallName> =
  Record<never, never> extends Params<N>
    ? [params?: Params<N>, options?: CallOptions]
    : [params: Params<N>, options?: CallOptions]

/** A call that waits for its reply. */
interface PendingCall {
  name: CallName
  exclusive: boolean
  /** milliseconds of `performance.now()` */
  madeAt: number
}

interface ConnectionEvents {
  /** an asynchronous message; decoded only if there is a listener */
  message: [message: AsyncMessage]
  /** metadata of a message sent or received; created only if there is a listener */
  wire: [event: WireEvent]
  /** the connection is closed; emitted once, after every waiting call was rejected */
  close: [reason: ConnectionError]
}

/** Limit on the calls that wait on one connection, including those in flight. */
const MAX_WAITING = 4096
/** Limit on the total size of their requests, in bytes: a few texts of the largest size. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024
/** How long the server may take to close the connection after the `disconnect` call, in milliseconds. */
const GOODBYE_MS = 1000
const GREETING = 'LysKOM'
/** The refusal of lyskomd when all its connections are in use. */
const FULL = /no connections left/i
/** Size limit of the first message, in bytes. It is the greeting or a refusal with a reason. */
const MAX_GREETING_BYTES = 1000
/**
 * Sent after each received packet while a call waits, because it carries a TCP acknowledgement. lyskomd uses Nagle's
 * algorithm: it holds back a small packet until the one before it is acknowledged, and Linux delays acknowledgements by
 * 40 ms. That delay would affect a reply after an asynchronous message, the rest of a long reply, and the replies to
 * all but the first of several calls. A request may begin with any number of spaces, and needs no reply until it ends.
 */
const NUDGE = Buffer.from(' ')

/** A TCP connection to a LysKOM server. Opened by `connect`. */
export class Connection extends EventEmitter<ConnectionEvents> implements Beating, TransportHandlers, UnfinishedHolder {
  /** The server's number for this session. */
  sessionNo = 0
  readonly #context: ConnectionContext
  readonly #framer: Framer
  readonly #pending = new Pending<PendingCall>()
  readonly #window = new InFlightWindow()
  #transport: Transport | undefined
  #greeted = false
  #dead: ConnectionError | undefined
  #closing: Promise<void> | undefined
  #lastReceived = 0
  #keepaliveSent: number | undefined

  constructor(context: ConnectionContext) {
    super()
    // Each WebSocket and each trace of a session adds a listener; their numbers are limited elsewhere.
    this.setMaxListeners(0)
    this.#context = context
    this.#framer = new Framer(Connection.#onLine, context.settings.maxMessageBytes, this)
  }

  /** Number of calls made on this connection, including those of the handshake and the keepalive. */
  get calls(): number {
    return this.#pending.made
  }

  /** Why the connection is closed; undefined while it is open. */
  get dead(): ConnectionError | undefined {
    return this.#dead
  }

  /** Sets the transport and joins the heartbeat, or destroys the transport if the connection is closed. */
  attach(transport: Transport): void {
    if (this.#dead !== undefined) {
      transport.destroy()
      return
    }
    this.#transport = transport
    this.#lastReceived = performance.now()
    this.#context.heartbeat.add(this)
  }

  /** Sends the first message of the connection (see `writeHello`). */
  hello(line: Buffer): void {
    this.#write(line)
  }

  /**
   * Makes a call and resolves with its reply. At most 20 calls are in flight; further calls are queued in order.
   *
   * @throws KomError if the server replies with an error
   * @throws ProtocolError if the parameters cannot be written (nothing is sent), or if the reply cannot be read
   * @throws ConnectionError if the connection closes, the deadline passes or too many calls wait
   */
  call<N extends CallName>(name: N, ...[params, options]: CallArguments<N>): Promise<Reply<N>> {
    return new Promise<unknown>((resolve, reject) => {
      if (this.#dead !== undefined) throw this.#dead
      if (this.#closing !== undefined) throw closedByUs()
      if (this.#pending.size >= MAX_WAITING) throw this.#tooMany(`${MAX_WAITING} calls`)
      const refNo = this.#pending.nextRefNo()
      const line = writeRequest(refNo, name, (params ?? {}) as Params<N>)
      if (this.#pending.bytes + line.length > MAX_WAITING_BYTES) {
        throw this.#tooMany(`${MAX_WAITING_BYTES} bytes of calls`)
      }
      const madeAt = performance.now()
      const deadline = madeAt + (options?.timeoutMs ?? this.#context.settings.callTimeoutMs)
      const end = this.#context.onCall?.(name)
      const waiting = new Waiting(
        { name, exclusive: options?.exclusive === true, madeAt },
        { deadline, size: line.length },
        end === undefined ? resolve : (reply) => resolve(reportEnd(end, reply)),
        end === undefined ? reject : (error) => reject(reportEnd(end, error)),
      )
      this.#pending.add(refNo, waiting)
      const send = (): Promise<void> => {
        if (waiting.settled) {
          // The call timed out in the queue. It is not sent, so there will be no reply.
          this.#pending.take(refNo)
          return Promise.resolve()
        }
        this.#send(name, refNo, line)
        return waiting.over()
      }
      if (options?.exclusive) this.#window.runExclusive(send)
      else this.#window.run(send)
    }) as Promise<Reply<N>>
  }

  /** The limit on unfinished messages that this connection shares with others. */
  get unfinished(): UnfinishedMessages | undefined {
    return this.#context.unfinished
  }

  /** Closes the connection because all unfinished messages together are over their limit. */
  overflow(): void {
    this.boundHit('unfinished-messages')
    this.#die('connection-unreadable', 'the unfinished messages of LysKOM servers are too many')
  }

  /** Reports to the observer that data of the server exceeded a bound. */
  boundHit(bound: BoundName): void {
    this.#context.observer?.boundHit(bound)
  }

  /** Rejects the waiting calls, sends `disconnect` and closes the connection, within a second. Never rejects. */
  close(): Promise<void> {
    this.#closing ??= this.#goodbye()
    return this.#closing
  }

  /** Closes the connection immediately, without a `disconnect` call, and rejects the waiting calls. */
  destroy(reason: ConnectionError): void {
    if (this.#dead !== undefined) return
    this.#dead = reason
    this.#context.heartbeat.remove(this)
    this.#framer.drop()
    this.#transport?.destroy()
    this.#rejectAll(reason)
    this.emit('close', reason)
  }

  /** Rejects calls whose deadline has passed, sends keepalives, and closes a connection that is silent for too long. */
  beat(now: number, next: number): void {
    const { callTimeoutMs, keepaliveMs, keepaliveTimeoutMs } = this.#context.settings
    const late = this.#pending.expire(now, ({ name }) => {
      this.#context.observer?.unanswered('call-timeout', 1)
      return new ConnectionError('call-timeout', `the LysKOM server did not answer ${name} in time`)
    })
    // After a late exclusive call the logged-in person is unknown; a call overdue by its whole timeout is lost.
    if (late.some(({ call, deadline }) => call.exclusive || now > deadline + callTimeoutMs)) {
      this.#die('connection-silent', 'the LysKOM server left a call without an answer')
    } else if (this.#keepaliveSent === undefined) {
      // Act one beat early, so that a dead connection is detected within the sum of both times.
      if (next - this.#lastReceived <= keepaliveMs) return
      this.#keepaliveSent = now
      this.#ask()
    } else if (next - this.#keepaliveSent > keepaliveTimeoutMs) {
      this.#die(
        'connection-silent',
        `nothing came from the LysKOM server for ${Math.round(now - this.#lastReceived)} ms`,
      )
    }
  }

  async #goodbye(): Promise<void> {
    this.#rejectAll(closedByUs())
    if (this.#dead !== undefined) return
    const gone = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, GOODBYE_MS)
      this.once('close', () => {
        clearTimeout(timer)
        resolve()
      })
    })
    const refNo = this.#pending.nextRefNo()
    this.#send('disconnect', refNo, writeRequest(refNo, 'disconnect', { sessionNo: 0 }))
    await gone
    this.destroy(closedByUs())
  }

  /** Handles bytes from the server. */
  onData(chunk: Buffer): void {
    if (this.#dead !== undefined) return
    this.#lastReceived = performance.now()
    this.#keepaliveSent = undefined
    this.#context.observer?.received(chunk.length)
    try {
      this.#framer.push(chunk)
    } catch (error) {
      this.#unreadable(error)
      return
    }
    if (!this.#greeted && this.#framer.rest().length > MAX_GREETING_BYTES) this.#noGreeting()
    if (this.#pending.size > 0) this.#write(NUDGE)
  }

  /** Sends a keepalive: the cheapest call, which bypasses the in-flight window. */
  #ask(): void {
    const refNo = this.#pending.nextRefNo()
    const line = writeRequest(refNo, 'get-time', {})
    const madeAt = performance.now()
    const call = { name: 'get-time', exclusive: false, madeAt } as const
    const deadline = madeAt + this.#context.settings.callTimeoutMs
    const ignore = (): void => undefined
    this.#pending.add(refNo, new Waiting(call, { deadline, size: line.length }, ignore, ignore))
    this.#send('get-time', refNo, line)
  }

  #send(name: CallName, refNo: number, line: Buffer): void {
    this.#write(line)
    if (this.listenerCount('wire') > 0) this.emit('wire', wireCall(name, refNo, line.length))
  }

  #write(bytes: Buffer): void {
    if (this.#transport === undefined) return
    this.#context.observer?.sent(bytes.length)
    this.#transport.write(bytes)
  }

  /** One function for all connections: a closure for each would cost memory in every idle session. */
  static #onLine(this: void, line: Buffer, connection: UnfinishedHolder): void {
    if (connection instanceof Connection) connection.#receive(line)
  }

  #receive(line: Buffer): void {
    if (this.#dead !== undefined || this.#closing !== undefined) return
    if (!this.#greeted) {
      this.#greet(line)
      return
    }
    try {
      this.#handle(readEnvelope(line), line.length)
    } catch (error) {
      this.#unreadable(error)
    }
  }

  #handle(envelope: Envelope, bytes: number): void {
    switch (envelope.kind) {
      case 'reply': {
        const waiting = this.#take(envelope.refNo)
        this.#answered(waiting.call, envelope.refNo, bytes)
        let reply: unknown
        try {
          reply = readData(CALLS[waiting.call.name].reply as AnyCodec, envelope.reader)
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error
          this.#context.observer?.unanswered(error.code, 1)
          this.#observeBound(error)
          waiting.reject(error)
          return
        }
        waiting.resolve(reply)
        return
      }
      case 'error': {
        const waiting = this.#take(envelope.refNo)
        const error = new KomError(envelope.errorCode, envelope.errorStatus)
        this.#answered(waiting.call, envelope.refNo, bytes, error)
        waiting.reject(error)
        return
      }
      case 'message':
        this.#context.observer?.message()
        if (this.listenerCount('wire') > 0) this.emit('wire', wireMessage(envelope.number, bytes))
        if (this.listenerCount('message') > 0) this.#deliver(envelope)
        return
      case 'refusal':
        this.#die('connection-rejected', `the LysKOM server refused the connection: ${envelope.text}`)
    }
  }

  /** Reports a reply. It arrived with the last received bytes, whose time is known. */
  #answered({ name, madeAt }: PendingCall, refNo: number, bytes: number, error?: KomError): void {
    const ms = this.#lastReceived - madeAt
    this.#context.observer?.answered(name, ms, error?.errorName)
    if (this.listenerCount('wire') > 0) this.emit('wire', wireReply(name, refNo, bytes, ms, error))
  }

  #take(refNo: number): Waiting<PendingCall> {
    const waiting = this.#pending.take(refNo)
    if (waiting === undefined) throw new ProtocolError('unreadable', 'a reply to a call that was not made')
    return waiting
  }

  #deliver({ number, reader }: Extract<Envelope, { kind: 'message' }>): void {
    let message: AsyncMessage | undefined
    try {
      message = readMessage(number, reader)
    } catch (error) {
      // Skip the message. The framer has found its end, so the next one can be read.
      if (!(error instanceof ProtocolError)) throw error
      this.#context.observer?.unreadableMessage()
      this.#observeBound(error)
      return
    }
    if (message !== undefined) this.emit('message', message)
  }

  #greet(line: Buffer): void {
    const text = line.toString('latin1', 0, 200).trim()
    if (text === GREETING) this.#greeted = true
    else if (text.startsWith('%%')) this.#refused(refusalText(line))
    else this.#noGreeting()
  }

  #refused(reason: string): void {
    if (FULL.test(reason)) this.#die('server-full', 'the LysKOM server has no connections left')
    else this.#die('connect-refused', `the LysKOM server refused: ${reason}`)
  }

  #noGreeting(): void {
    this.#die('not-lyskom', 'the server did not greet as a LysKOM server does')
  }

  /** Handles the end of the transport: rejects the waiting calls with the reason. */
  onClosed(error: Error | undefined): void {
    const lastWords = this.#framer.rest()
    if (this.#closing !== undefined) this.destroy(closedByUs())
    else if (error !== undefined) this.#die('connection-reset', 'the connection to the LysKOM server broke', error)
    else if (lastWords.toString('latin1', 0, 2) === '%%') this.#receive(Buffer.concat([lastWords, Buffer.from('\n')]))
    else if (this.#greeted) this.#die('connection-ended', 'the LysKOM server closed the connection')
    else this.#die('not-lyskom', 'the server closed the connection instead of greeting')
  }

  #tooMany(what: string): ConnectionError {
    this.#context.observer?.unanswered('too-many-calls', 1)
    return new ConnectionError('too-many-calls', `no more than ${what} can wait on one session`)
  }

  #rejectAll(reason: ConnectionError): void {
    const calls = this.#pending.rejectAll(reason)
    if (calls > 0) this.#context.observer?.unanswered(reason.code, calls)
  }

  #unreadable(error: unknown): void {
    if (!(error instanceof ProtocolError)) throw error
    this.#observeBound(error)
    this.#die(
      this.#greeted ? 'connection-unreadable' : 'not-lyskom',
      'the server sent bytes that are not Protocol A',
      error,
    )
  }

  #observeBound({ bound }: ProtocolError): void {
    if (bound !== undefined) this.boundHit(bound)
  }

  #die(code: ConnectionErrorCode, message: string, cause?: Error): void {
    this.destroy(new ConnectionError(code, message, cause && { cause }))
  }
}

function closedByUs(): ConnectionError {
  return new ConnectionError('connection-closed', 'the session was closed')
}
