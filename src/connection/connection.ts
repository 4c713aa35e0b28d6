import { EventEmitter } from 'node:events'
import type { BoundName } from '../protocol/bounds.ts'
import { CALLS, type CallName, type Params, type Reply } from '../protocol/calls/index.ts'
import type { AnyCodec } from '../protocol/codec.ts'
import { type Envelope, readData, readEnvelope, readMessage, refusalText, writeRequest } from '../protocol/envelope.ts'
import { KomError, ProtocolError } from '../protocol/errors.ts'
import { Framer } from '../protocol/framer.ts'
import type { AsyncMessage } from '../protocol/messages.ts'
import type { UnfinishedHolder, UnfinishedMessages } from '../protocol/unfinished-messages.ts'
import { type CallTracer, told } from './call-tracer.ts'
import { ConnectionError, type ConnectionErrorCode } from './errors.ts'
import type { Beating, Heartbeat } from './heartbeat.ts'
import type { ConnectionObserver } from './observer.ts'
import { Pending, Waiting } from './pending.ts'
import type { ConnectionSettings } from './settings.ts'
import type { Transport, TransportHandlers } from './transport.ts'
import { CallWindow } from './window.ts'
import { type WireEvent, wireCall, wireMessage, wireReply } from './wire-event.ts'

/** Counted over all connections that are given the same object. */
export interface ConnectionCounters {
  replies: number
  errors: number
  messages: number
}

/** What connections share. */
export interface ConnectionContext {
  settings: Readonly<ConnectionSettings>
  heartbeat: Heartbeat
  counters: ConnectionCounters
  /** bounds what the connections hold of messages that have not come whole */
  unfinished?: UnfinishedMessages
  observer?: ConnectionObserver
  onCall?: CallTracer
}

export interface CallOptions {
  /** run while no other call is under way: for what changes who is logged in */
  alone?: boolean
  timeoutMs?: number
}

/** `call` needs no parameters where the request has none. */
type CallArguments<N extends CallName> =
  Record<never, never> extends Params<N>
    ? [params?: Params<N>, options?: CallOptions]
    : [params: Params<N>, options?: CallOptions]

/** What is kept of a call while it waits. */
interface PendingCall {
  name: CallName
  alone: boolean
  /** milliseconds of `performance.now()` */
  madeAt: number
}

interface ConnectionEvents {
  /** decoded only while somebody listens */
  message: [message: AsyncMessage]
  /** what passes on the line; made only while somebody listens */
  wire: [event: WireEvent]
  /** the line is dead; emitted once, after every waiting call was rejected */
  close: [reason: ConnectionError]
}

/** Calls waiting on one connection, those in flight included. */
const MAX_WAITING = 4096
/** And the bytes of their requests: some texts of the largest kind. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024
/** How long the server has for closing the line after we said goodbye. */
const GOODBYE_MS = 1000
const GREETING = 'LysKOM'
/** What lyskomd says when all its connections are taken. */
const FULL = /no connections left/i
/** It has a line of its own, and so has the reason why a server refuses. */
const MAX_GREETING_BYTES = 1000
/**
 * lyskomd leaves Nagle's algorithm on: behind a packet that has not been acknowledged it holds back the next small
 * one, and our kernel delays its acknowledgement for 40 ms. So while a call waits, whatever follows a packet would be
 * late: the reply behind an asynchronous message, the rest of a long reply, the replies to all but the first of
 * several calls. Anything sent carries the acknowledgement, and the cheapest thing is a space: requests may begin
 * with any number of them, and nobody has to answer.
 */
const NUDGE = Buffer.from(' ')

/** One TCP connection to one LysKOM server, opened by `connect`. */
export class Connection extends EventEmitter<ConnectionEvents> implements Beating, TransportHandlers, UnfinishedHolder {
  /** The server's number for this session. */
  sessionNo = 0
  readonly #context: ConnectionContext
  readonly #framer: Framer
  readonly #pending = new Pending<PendingCall>()
  readonly #window = new CallWindow()
  #transport: Transport | undefined
  #greeted = false
  #dead: ConnectionError | undefined
  #closing: Promise<void> | undefined
  #lastReceived = 0
  #keepaliveSent: number | undefined

  constructor(context: ConnectionContext) {
    super()
    // Who listens is counted by those who let them: each WebSocket and each trace of a session does.
    this.setMaxListeners(0)
    this.#context = context
    this.#framer = new Framer(Connection.#onLine, context.settings.maxMessageBytes, this)
  }

  /** How many calls have been made on it, those of the handshake and of the keepalive included. */
  get calls(): number {
    return this.#pending.made
  }

  /** Why the line is dead; undefined while it lives. */
  get dead(): ConnectionError | undefined {
    return this.#dead
  }

  attach(transport: Transport): void {
    if (this.#dead !== undefined) {
      transport.destroy()
      return
    }
    this.#transport = transport
    this.#lastReceived = performance.now()
    this.#context.heartbeat.add(this)
  }

  /** Sends the line that begins a connection. */
  hello(line: Buffer): void {
    this.#write(line)
  }

  /**
   * Makes a call and resolves with its reply. Rejects with the server's `KomError`; with a `ProtocolError` when the
   * parameters cannot be written (nothing was sent) or the reply cannot be read; with a `ConnectionError` when the
   * line dies, the deadline passes or too many calls wait.
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
        { name, alone: options?.alone === true, madeAt },
        { deadline, size: line.length },
        end === undefined ? resolve : (reply) => resolve(told(end, reply)),
        end === undefined ? reject : (error) => reject(told(end, error)),
      )
      this.#pending.add(refNo, waiting)
      const send = (): Promise<void> => {
        if (waiting.settled) {
          // Given up while it was queued: the server was not asked, so no reply will come.
          this.#pending.take(refNo)
          return Promise.resolve()
        }
        this.#send(name, refNo, line)
        return waiting.over()
      }
      if (options?.alone) this.#window.runExclusive(send)
      else this.#window.run(send)
    }) as Promise<Reply<N>>
  }

  get unfinished(): UnfinishedMessages | undefined {
    return this.#context.unfinished
  }

  overflow(): void {
    this.boundHit('unfinished-messages')
    this.#die('line-unreadable', 'the unfinished messages of LysKOM servers are too many')
  }

  /** Counts a bound that something from the server exceeded. */
  boundHit(bound: BoundName): void {
    this.#context.observer?.boundHit(bound)
  }

  /** Says goodbye to the server and closes the line; waiting calls are rejected at once. Never rejects. */
  close(): Promise<void> {
    this.#closing ??= this.#goodbye()
    return this.#closing
  }

  /** Drops the line without a word. */
  destroy(reason: ConnectionError): void {
    if (this.#dead !== undefined) return
    this.#dead = reason
    this.#context.heartbeat.remove(this)
    this.#framer.drop()
    this.#transport?.destroy()
    this.#rejectAll(reason)
    this.emit('close', reason)
  }

  beat(now: number, next: number): void {
    const { callTimeoutMs, keepaliveMs, keepaliveTimeoutMs } = this.#context.settings
    const late = this.#pending.expire(now, ({ name }) => {
      this.#context.observer?.unanswered('call-timeout', 1)
      return new ConnectionError('call-timeout', `the LysKOM server did not answer ${name} in time`)
    })
    // After a late call that was to run alone nobody knows who is logged in; after twice its time none will be answered.
    if (late.some(({ call, deadline }) => call.alone || now > deadline + callTimeoutMs)) {
      this.#die('line-silent', 'the LysKOM server left a call without an answer')
    } else if (this.#keepaliveSent === undefined) {
      // What would be too late at the next beat is done at this one, so that a dead line is found within both times.
      if (next - this.#lastReceived <= keepaliveMs) return
      this.#keepaliveSent = now
      this.#ask()
    } else if (next - this.#keepaliveSent > keepaliveTimeoutMs) {
      this.#die('line-silent', `nothing came from the LysKOM server for ${Math.round(now - this.#lastReceived)} ms`)
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

  /** Makes the server say something: the cheapest call there is, past the window. */
  #ask(): void {
    const refNo = this.#pending.nextRefNo()
    const line = writeRequest(refNo, 'get-time', {})
    const madeAt = performance.now()
    const call = { name: 'get-time', alone: false, madeAt } as const
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

  /** One function for all connections: a closure for each would be memory for each of many idle sessions. */
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
    const { counters } = this.#context
    switch (envelope.kind) {
      case 'reply': {
        counters.replies++
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
        counters.errors++
        const waiting = this.#take(envelope.refNo)
        const error = new KomError(envelope.errorCode, envelope.errorStatus)
        this.#answered(waiting.call, envelope.refNo, bytes, error)
        waiting.reject(error)
        return
      }
      case 'message':
        counters.messages++
        this.#context.observer?.message()
        if (this.listenerCount('wire') > 0) this.emit('wire', wireMessage(envelope.number, bytes))
        if (this.listenerCount('message') > 0) this.#deliver(envelope)
        return
      case 'refusal':
        this.#die('line-refused', `the LysKOM server refused the connection: ${envelope.text}`)
    }
  }

  /** What came last came with the reply, so the clock need not be asked again. */
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
      // Skipped whole: its frame was sound, so what follows it can be read.
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

  onClosed(error: Error | undefined): void {
    const lastWords = this.#framer.rest()
    if (this.#closing !== undefined) this.destroy(closedByUs())
    else if (error !== undefined) this.#die('line-reset', 'the connection to the LysKOM server broke', error)
    else if (lastWords.toString('latin1', 0, 2) === '%%') this.#receive(Buffer.concat([lastWords, Buffer.from('\n')]))
    else if (this.#greeted) this.#die('line-ended', 'the LysKOM server closed the connection')
    else this.#die('not-lyskom', 'the server closed the connection instead of greeting')
  }

  #tooMany(what: string): ConnectionError {
    this.#context.observer?.unanswered('too-many-calls', 1)
    return new ConnectionError('too-many-calls', `${what} wait on this session already`)
  }

  #rejectAll(reason: ConnectionError): void {
    const calls = this.#pending.rejectAll(reason)
    if (calls > 0) this.#context.observer?.unanswered(reason.code, calls)
  }

  #unreadable(error: unknown): void {
    if (!(error instanceof ProtocolError)) throw error
    this.#observeBound(error)
    this.#die(this.#greeted ? 'line-unreadable' : 'not-lyskom', 'the server sent what is not Protocol A', error)
  }

  #observeBound({ bound }: ProtocolError): void {
    if (bound !== undefined) this.boundHit(bound)
  }

  #die(code: ConnectionErrorCode, message: string, cause?: Error): void {
    this.destroy(new ConnectionError(code, message, cause && { cause }))
  }
}

function closedByUs(): ConnectionError {
  return new ConnectionError('line-closed', 'the session was closed')
}
