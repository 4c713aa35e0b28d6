import { EventEmitter } from 'node:events'
import type { BoundName } from '../protocol/bounds.ts'
import type { CallName, Params, Reply } from '../protocol/calls/index.ts'
import { type Envelope, readEnvelope } from '../protocol/envelope.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { Framer } from '../protocol/framer.ts'
import type { AsyncMessage } from '../protocol/messages.ts'
import { RecentMessages } from '../protocol/recent-messages.ts'
import type { UnfinishedHolder, UnfinishedMessages } from '../protocol/unfinished-messages.ts'
import { type CallChannel, type CallOptions, Calls } from './calls.ts'
import type { ConnectionContext } from './context.ts'
import { ConnectionError, type ConnectionErrorCode } from './errors.ts'
import { greetingError, MAX_GREETING_BYTES, noGreeting } from './greeting.ts'
import type { HeartbeatMember } from './heartbeat.ts'
import { Keepalive } from './keepalive.ts'
import type { Transport, TransportHandlers } from './transport.ts'
import { type WireEvent, wireCall, wireMessage, wireReply } from './wire-event.ts'

/** The arguments of `call` after the name. Parameters are optional for a request without parameters. */
type CallArguments<N extends CallName> =
  Record<never, never> extends Params<N>
    ? [params?: Params<N>, options?: CallOptions<Reply<N>>]
    : [params: Params<N>, options?: CallOptions<Reply<N>>]

/** Watches the calls of a connection. */
export interface CallWatcher {
  /**
   * Called for each call with parameters. If it returns a function, this is called when the server has carried out the
   * call, before any later message is handled, or with the error of the call. After a timeout both may happen.
   */
  onCall<N extends CallName>(
    name: N,
    params: Params<N>,
    options: CallOptions<Reply<N>>,
  ): ((error?: unknown) => void) | undefined
}

interface ConnectionEvents {
  /** an asynchronous message; decoded only if there is a listener */
  message: [message: AsyncMessage]
  /** metadata of a message sent or received; created only if there is a listener */
  wire: [event: WireEvent]
  /** the connection is closed; emitted once, after every waiting call was rejected */
  close: [reason: ConnectionError]
}

const NO_OPTIONS = {}
/** How long the server may take to close the connection after the `disconnect` call, in milliseconds. */
const DISCONNECT_MS = 1000
/**
 * Sent after each received packet while a call waits, because it carries a TCP acknowledgement. lyskomd uses Nagle's
 * algorithm: it holds back a small packet until the one before it is acknowledged, and Linux delays acknowledgements by
 * 40 ms. That delay would affect a reply after an asynchronous message, the rest of a long reply, and the replies to
 * all but the first of several calls. A request may begin with any number of spaces, so the server ignores this one.
 */
const ACK_CARRIER = Buffer.from(' ')

/** Shared by all connections. */
const recentMessages = new RecentMessages()

/**
 * A TCP connection to a LysKOM server, opened by `connect`. It numbers and sends calls, matches replies to them, emits
 * asynchronous messages, enforces deadlines and sends keepalives.
 */
export class Connection
  extends EventEmitter<ConnectionEvents>
  implements HeartbeatMember, TransportHandlers, UnfinishedHolder, CallChannel
{
  /** The session number that the server has assigned; 0 during the handshake. */
  sessionNo = 0
  /** Watches the calls. A field, because a listener for each call would cost time and memory in every session. */
  watcher: CallWatcher | undefined
  /** Returns whether to drop an asynchronous message undecoded, by its number. */
  drops: ((number: number) => boolean) | undefined
  readonly #context: ConnectionContext
  readonly #framer: Framer
  readonly #calls: Calls
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
    this.#calls = new Calls(context, this)
    this.#framer = new Framer(Connection.#onMessage, context.settings.maxMessageBytes, this)
  }

  /** Number of calls made on this connection, including those of the handshake and the keepalive. */
  get calls(): number {
    return this.#calls.made
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
    if (this.#dead !== undefined) return Promise.reject(this.#dead)
    if (this.#closing !== undefined) return Promise.reject(closedByGateway())
    const given: CallOptions<Reply<N>> = options ?? NO_OPTIONS
    const onEnd = params && this.watcher?.onCall(name, params, given)
    if (onEnd === undefined) return this.#calls.make(name, (params ?? {}) as Params<N>, given)
    const onReply = (reply: Reply<N>): void => {
      given.onReply?.(reply)
      onEnd()
    }
    const reply = this.#calls.make(name, params as Params<N>, { ...given, onReply })
    reply.catch(onEnd)
    return reply
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
    this.#calls.rejectAll(reason)
    this.emit('close', reason)
  }

  /** Rejects calls whose deadline has passed, sends keepalives and closes a connection whose server is silent. */
  beat(now: number, next: number): void {
    if (this.#calls.expire(now)) {
      this.#fail('connection-silent', 'the LysKOM server did not reply to a call')
      return
    }
    const action = this.#keepalive.check(now, next, this.#context.settings)
    if (action === 'send') this.#calls.makeKeepalive()
    if (action !== 'silent') return
    const silentMs = Math.round(now - this.#keepalive.lastReceived)
    this.#fail('connection-silent', `the LysKOM server sent nothing for ${silentMs} ms`)
  }

  async #disconnect(): Promise<void> {
    this.#calls.rejectAll(closedByGateway())
    if (this.#dead !== undefined) return
    const closed = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, DISCONNECT_MS)
      this.once('close', () => {
        clearTimeout(timer)
        resolve()
      })
    })
    this.#calls.makeDisconnect()
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
    if (this.#calls.waiting > 0) this.#write(ACK_CARRIER)
  }

  /** Writes the request of a call to the server. */
  sendRequest(name: CallName, refNo: number, request: Buffer): void {
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
      this.#handle(readEnvelope(message), message)
    } catch (error) {
      this.#unreadable(error)
    }
  }

  #handle(envelope: Envelope, bytes: Buffer): void {
    switch (envelope.kind) {
      case 'reply':
      case 'error': {
        // It arrived with the last received bytes.
        const { name, ms, error } = this.#calls.settle(envelope, this.#keepalive.lastReceived)
        if (this.listenerCount('wire') > 0) this.emit('wire', wireReply(name, envelope.refNo, bytes.length, ms, error))
        return
      }
      case 'message':
        this.#context.observer?.message()
        if (this.listenerCount('wire') > 0) this.emit('wire', wireMessage(envelope.number, bytes.length))
        if (this.listenerCount('message') > 0 && this.drops?.(envelope.number) !== true) this.#deliver(envelope, bytes)
        return
      case 'refusal':
        this.#fail('connection-rejected', `the LysKOM server refused the connection: ${envelope.text}`)
    }
  }

  /** Emits an asynchronous message. Skips unknown and unreadable ones. */
  #deliver(envelope: Extract<Envelope, { kind: 'message' }>, bytes: Buffer): void {
    let message: AsyncMessage | undefined
    try {
      message = recentMessages.read(bytes, envelope)
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
