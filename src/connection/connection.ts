import { EventEmitter } from 'node:events'
import type { BoundName } from '../protocol/bounds.ts'
import { CALLS, type CallName, type Params, type Reply } from '../protocol/calls/index.ts'
import type { AnyCodec } from '../protocol/codec.ts'
import { type Envelope, readData, readEnvelope, readMessage, writeRequest } from '../protocol/envelope.ts'
import { KomError, ProtocolError } from '../protocol/errors.ts'
import { Framer } from '../protocol/framer.ts'
import type { AsyncMessage } from '../protocol/messages.ts'
import type { UnfinishedHolder, UnfinishedMessages } from '../protocol/unfinished-messages.ts'
import { type CallTracer, reportEnd } from './call-tracer.ts'
import { ConnectionError, type ConnectionErrorCode } from './errors.ts'
import { greetingError, MAX_GREETING_BYTES, noGreeting } from './greeting.ts'
import type { Heartbeat, HeartbeatMember } from './heartbeat.ts'
import { InFlightWindow } from './in-flight-window.ts'
import { Keepalive } from './keepalive.ts'
import type { ConnectionObserver } from './observer.ts'
import { Pending, Waiting } from './pending.ts'
import type { ConnectionSettings } from './settings.ts'
import type { Transport, TransportHandlers } from './transport.ts'
import { type WireEvent, wireCall, wireMessage, wireReply } from './wire-event.ts'

/** Settings and services that connections share. */
export interface ConnectionContext {
  settings: Readonly<ConnectionSettings>
  /** the timer of deadlines and keepalives */
  heartbeat: Heartbeat
  /** limits the total size of unfinished messages; undefined for no limit */
  unfinished?: UnfinishedMessages
  /** receives the events of connections, for metrics */
  observer?: ConnectionObserver
  /** called for each call, for tracing */
  onCall?: CallTracer
}

/** Options of one call. */
export interface CallOptions {
  /** whether to send the call while no other call is in flight; for calls that change the logged-in person */
  exclusive?: boolean
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

/** Limit on the number of calls that wait on one connection, including those in flight. */
const MAX_WAITING = 4096
/** Limit on the total size of the waiting requests, in bytes: a few texts of the largest size. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024
/** How long the server may take to close the connection after the `disconnect` call, in milliseconds. */
const DISCONNECT_MS = 1000
/**
 * Sent after each received packet while a call waits, because it carries a TCP acknowledgement. lyskomd uses Nagle's
 * algorithm: it holds back a small packet until the one before it is acknowledged, and Linux delays acknowledgements by
 * 40 ms. That delay would affect a reply after an asynchronous message, the rest of a long reply, and the replies to
 * all but the first of several calls. A request may begin with any number of spaces, so the server ignores this one.
 */
const ACK_CARRIER = Buffer.from(' ')

/**
 * A TCP connection to a LysKOM server, opened by `connect`. It numbers and sends calls, matches replies to them, emits
 * asynchronous messages, enforces deadlines and sends keepalives.
 */
export class Connection
  extends EventEmitter<ConnectionEvents>
  implements HeartbeatMember, TransportHandlers, UnfinishedHolder
{
  /** The session number that the server has assigned; 0 during the handshake. */
  sessionNo = 0
  readonly #context: ConnectionContext
  readonly #framer: Framer
  readonly #pending = new Pending<PendingCall>()
  readonly #window = new InFlightWindow()
  #transport: Transport | undefined
  #greeted = false
  #dead: ConnectionError | undefined
  #closing: Promise<void> | undefined
  readonly #keepalive = new Keepalive()

  /** Creates a connection without a transport. */
  constructor(context: ConnectionContext) {
    super()
    // Each WebSocket and each trace of a session adds a listener. Other modules limit their numbers.
    this.setMaxListeners(0)
    this.#context = context
    this.#framer = new Framer(Connection.#onMessage, context.settings.maxMessageBytes, this)
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
    this.#keepalive.received(performance.now())
    this.#context.heartbeat.add(this)
  }

  /**
   * Sends the first message of the connection, before any call.
   *
   * @param message the result of `writeHello`
   */
  hello(message: Buffer): void {
    this.#write(message)
  }

  /**
   * Makes a call and resolves with its reply. At most 20 calls are in flight; further calls are queued in order.
   *
   * @param name name of the request in the specification
   * @param params its parameters; optional for a request without parameters
   * @param options see `CallOptions`
   * @throws KomError if the server replies with an error
   * @throws ProtocolError if the parameters cannot be written (nothing is sent), or if the reply cannot be read
   * @throws ConnectionError if the connection closes, the deadline passes or too many calls wait
   */
  call<N extends CallName>(name: N, ...[params, options]: CallArguments<N>): Promise<Reply<N>> {
    return new Promise<unknown>((resolve, reject) => {
      if (this.#dead !== undefined) throw this.#dead
      if (this.#closing !== undefined) throw closedByGateway()
      if (this.#pending.size >= MAX_WAITING) throw this.#tooMany(`${MAX_WAITING} calls`)
      const refNo = this.#pending.nextRefNo()
      const request = writeRequest(refNo, name, (params ?? {}) as Params<N>)
      if (this.#pending.bytes + request.length > MAX_WAITING_BYTES) {
        throw this.#tooMany(`${MAX_WAITING_BYTES} bytes of calls`)
      }
      const madeAt = performance.now()
      const deadline = madeAt + this.#context.settings.callTimeoutMs
      const end = this.#context.onCall?.(name)
      const waiting = new Waiting(
        { name, exclusive: options?.exclusive === true, madeAt },
        { deadline, size: request.length },
        end === undefined ? resolve : (reply) => resolve(reportEnd(end, reply)),
        end === undefined ? reject : (error) => reject(reportEnd(end, error)),
      )
      this.#pending.add(refNo, waiting)
      const send = (): Promise<void> => {
        if (waiting.settled) {
          // The call timed out in the queue, so it is not sent and gets no reply.
          this.#pending.take(refNo)
          return Promise.resolve()
        }
        this.#send(name, refNo, request)
        return waiting.ended()
      }
      if (options?.exclusive) this.#window.runExclusive(send)
      else this.#window.run(send)
    }) as Promise<Reply<N>>
  }

  /** The limit on unfinished messages that this connection shares with others. */
  get unfinished(): UnfinishedMessages | undefined {
    return this.#context.unfinished
  }

  /** Closes the connection because all unfinished messages together exceed their limit. */
  overflow(): void {
    this.boundHit('unfinished-messages')
    this.#fail('connection-unreadable', 'the unfinished messages of all LysKOM servers exceed their limit')
  }

  /** Reports to the observer that data of the server exceeded a bound. */
  boundHit(bound: BoundName): void {
    this.#context.observer?.boundHit(bound)
  }

  /** Rejects the waiting calls, sends `disconnect` and closes the connection within one second. Never rejects. */
  close(): Promise<void> {
    this.#closing ??= this.#disconnect()
    return this.#closing
  }

  /**
   * Closes the connection immediately, without a `disconnect` call, and rejects the waiting calls. Does nothing if the
   * connection is closed.
   *
   * @param reason the error of the waiting calls and of later calls
   */
  destroy(reason: ConnectionError): void {
    if (this.#dead !== undefined) return
    this.#dead = reason
    this.#context.heartbeat.remove(this)
    this.#framer.drop()
    this.#transport?.destroy()
    this.#rejectAll(reason)
    this.emit('close', reason)
  }

  /** Rejects calls whose deadline has passed, sends keepalives and closes a connection whose server is silent. */
  beat(now: number, next: number): void {
    const { settings } = this.#context
    const late = this.#pending.expire(now, ({ name }) => {
      this.#context.observer?.unanswered('call-timeout', 1)
      return new ConnectionError('call-timeout', `the LysKOM server did not answer ${name} in time`)
    })
    // After a late exclusive call the logged-in person is unknown; a call overdue by its whole timeout is lost.
    if (late.some(({ call, deadline }) => call.exclusive || now > deadline + settings.callTimeoutMs)) {
      this.#fail('connection-silent', 'the LysKOM server did not reply to a call')
      return
    }
    const action = this.#keepalive.check(now, next, settings)
    if (action === 'send') this.#sendKeepalive()
    if (action !== 'silent') return
    const silentMs = Math.round(now - this.#keepalive.lastReceived)
    this.#fail('connection-silent', `the LysKOM server sent nothing for ${silentMs} ms`)
  }

  async #disconnect(): Promise<void> {
    this.#rejectAll(closedByGateway())
    if (this.#dead !== undefined) return
    const closed = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, DISCONNECT_MS)
      this.once('close', () => {
        clearTimeout(timer)
        resolve()
      })
    })
    const refNo = this.#pending.nextRefNo()
    this.#send('disconnect', refNo, writeRequest(refNo, 'disconnect', { sessionNo: 0 }))
    await closed
    this.destroy(closedByGateway())
  }

  /** Handles bytes from the server. */
  onData(chunk: Buffer): void {
    if (this.#dead !== undefined) return
    this.#keepalive.received(performance.now())
    this.#context.observer?.received(chunk.length)
    try {
      this.#framer.push(chunk)
    } catch (error) {
      this.#unreadable(error)
      return
    }
    if (!this.#greeted && this.#framer.rest().length > MAX_GREETING_BYTES) this.destroy(noGreeting())
    if (this.#pending.size > 0) this.#write(ACK_CARRIER)
  }

  /** Sends a keepalive: a get-time call, which bypasses the in-flight window. Its reply is ignored. */
  #sendKeepalive(): void {
    const refNo = this.#pending.nextRefNo()
    const request = writeRequest(refNo, 'get-time', {})
    const madeAt = performance.now()
    const call = { name: 'get-time', exclusive: false, madeAt } as const
    const deadline = madeAt + this.#context.settings.callTimeoutMs
    const ignore = (): void => undefined
    this.#pending.add(refNo, new Waiting(call, { deadline, size: request.length }, ignore, ignore))
    this.#send('get-time', refNo, request)
  }

  #send(name: CallName, refNo: number, request: Buffer): void {
    this.#write(request)
    if (this.listenerCount('wire') > 0) this.emit('wire', wireCall(name, refNo, request.length))
  }

  #write(bytes: Buffer): void {
    if (this.#transport === undefined) return
    this.#context.observer?.sent(bytes.length)
    this.#transport.write(bytes)
  }

  /** One function for all connections: a closure for each would cost memory in every idle session. */
  static #onMessage(this: void, message: Buffer, connection: UnfinishedHolder): void {
    if (connection instanceof Connection) connection.#receive(message)
  }

  #receive(message: Buffer): void {
    if (this.#dead !== undefined || this.#closing !== undefined) return
    if (!this.#greeted) {
      const error = greetingError(message)
      if (error === undefined) this.#greeted = true
      else this.destroy(error)
      return
    }
    try {
      this.#handle(readEnvelope(message), message.length)
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
        this.#fail('connection-rejected', `the LysKOM server refused the connection: ${envelope.text}`)
    }
  }

  /** Reports a reply to the observer and the listeners. It arrived with the last received bytes. */
  #answered({ name, madeAt }: PendingCall, refNo: number, bytes: number, error?: KomError): void {
    const ms = this.#keepalive.lastReceived - madeAt
    this.#context.observer?.answered(name, ms, error?.errorName)
    if (this.listenerCount('wire') > 0) this.emit('wire', wireReply(name, refNo, bytes, ms, error))
  }

  /** Removes and returns the call with a reference number. Throws a `ProtocolError` if there is none. */
  #take(refNo: number): Waiting<PendingCall> {
    const waiting = this.#pending.take(refNo)
    if (waiting === undefined) throw new ProtocolError('unreadable', 'expected a reply to a waiting call')
    return waiting
  }

  /** Emits an asynchronous message. Skips unknown and unreadable ones. */
  #deliver({ number, reader }: Extract<Envelope, { kind: 'message' }>): void {
    let message: AsyncMessage | undefined
    try {
      message = readMessage(number, reader)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      // The framer has found the end of the message, so the next one is readable.
      this.#context.observer?.unreadableMessage()
      this.#observeBound(error)
      return
    }
    if (message !== undefined) this.emit('message', message)
  }

  /** Handles the end of the transport: rejects the waiting calls with the reason. */
  onClosed(error: Error | undefined): void {
    if (this.#closing !== undefined) {
      this.destroy(closedByGateway())
    } else if (error !== undefined) {
      this.#fail('connection-reset', 'the connection to the LysKOM server broke', error)
    } else if (this.#framer.rest().toString('latin1', 0, 2) === '%%') {
      // A refusal may end without a line feed.
      this.#receive(Buffer.concat([this.#framer.rest(), Buffer.from('\n')]))
    } else if (this.#greeted) {
      this.#fail('connection-ended', 'the LysKOM server closed the connection')
    } else {
      this.#fail('not-lyskom', 'the server closed the connection before its greeting')
    }
  }

  #tooMany(what: string): ConnectionError {
    this.#context.observer?.unanswered('too-many-calls', 1)
    return new ConnectionError('too-many-calls', `no more than ${what} can wait on one session`)
  }

  #rejectAll(reason: ConnectionError): void {
    const calls = this.#pending.rejectAll(reason)
    if (calls > 0) this.#context.observer?.unanswered(reason.code, calls)
  }

  /** Closes the connection after an error of the framer or the reader. */
  #unreadable(error: unknown): void {
    if (!(error instanceof ProtocolError)) throw error
    this.#observeBound(error)
    const code = this.#greeted ? 'connection-unreadable' : 'not-lyskom'
    this.#fail(code, 'the server sent bytes that are not Protocol A', error)
  }

  #observeBound({ bound }: ProtocolError): void {
    if (bound !== undefined) this.boundHit(bound)
  }

  #fail(code: ConnectionErrorCode, message: string, cause?: Error): void {
    this.destroy(new ConnectionError(code, message, cause && { cause }))
  }
}

function closedByGateway(): ConnectionError {
  return new ConnectionError('connection-closed', 'the session was closed')
}
