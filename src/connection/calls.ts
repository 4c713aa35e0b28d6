import type { BoundName } from '../protocol/bounds.ts'
import { CALLS, type CallName, type Params, type Reply } from '../protocol/calls/index.ts'
import type { AnyCodec } from '../protocol/codec.ts'
import { type Envelope, readData, writeRequest } from '../protocol/envelope.ts'
import { KomError, ProtocolError } from '../protocol/errors.ts'
import { reportEnd } from './call-tracer.ts'
import type { ConnectionContext } from './context.ts'
import { ConnectionError } from './errors.ts'
import { InFlightWindow } from './in-flight-window.ts'
import { Pending, Waiting } from './pending.ts'

/** Options of one call. */
export interface CallOptions<R = unknown> {
  /** whether to send the call while no other call is in flight; for calls that change the logged-in person */
  exclusive?: boolean
  /**
   * called with the reply when the server has carried out the call, before any later message is handled, also after the
   * deadline
   */
  onReply?: (reply: R) => void
  /** the global numbers of the texts that the call is about, for `CallWatcher`, if the parameters have local numbers */
  textNos?: readonly number[]
}

/** The connection that calls are made on. */
export interface CallChannel {
  /** Writes a request to the server. */
  sendRequest(name: CallName, refNo: number, request: Buffer): void
  /** Reports that a bound was exceeded by data of the server. */
  boundHit(bound: BoundName): void
}

/** A call that waits for its reply. */
interface PendingCall {
  name: CallName
  exclusive: boolean
  /** milliseconds of `performance.now()` */
  madeAt: number
}

/** A call that the server has replied to. */
export interface RepliedCall {
  name: CallName
  /** time from the call to its reply, milliseconds */
  ms: number
  /** the error of an error reply */
  error?: KomError
}

/** Limit on the number of calls that wait on one connection, including those in flight. */
const MAX_WAITING = 4096
/** Limit on the total size of the waiting requests, in bytes: a few texts of the largest size. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024

const ignore = (): void => undefined

/**
 * The calls of one connection: numbers and sends them, limits how many wait and how many are in flight, and settles each
 * with its reply or its deadline.
 */
export class Calls {
  readonly #context: ConnectionContext
  readonly #channel: CallChannel
  readonly #pending = new Pending<PendingCall>()
  readonly #window = new InFlightWindow()

  /** Creates the calls of a connection, which `channel` stands for. */
  constructor(context: ConnectionContext, channel: CallChannel) {
    this.#context = context
    this.#channel = channel
  }

  /** Number of calls made, including those of the handshake and the keepalive. */
  get made(): number {
    return this.#pending.made
  }

  /** Number of calls that wait for a reply. */
  get waiting(): number {
    return this.#pending.size
  }

  /**
   * Makes a call and resolves with its reply. At most 20 calls are in flight; further calls are queued in order.
   *
   * @throws KomError if the server replies with an error
   * @throws ProtocolError if the parameters cannot be written (nothing is sent), or if the reply cannot be read
   * @throws ConnectionError `too-many-calls`, `call-timeout`, or the error given to `rejectAll`
   */
  make<N extends CallName>(
    name: N,
    params: Params<N>,
    { exclusive = false, onReply }: CallOptions<Reply<N>>,
  ): Promise<Reply<N>> {
    return new Promise<unknown>((resolve, reject) => {
      if (this.#pending.size >= MAX_WAITING) throw this.#tooMany(`${MAX_WAITING} calls`)
      const refNo = this.#pending.nextRefNo()
      const request = writeRequest(refNo, name, params)
      if (this.#pending.bytes + request.length > MAX_WAITING_BYTES) {
        throw this.#tooMany(`${MAX_WAITING_BYTES} bytes of calls`)
      }
      const end = this.#context.onCall?.(name)
      const waiting = this.#waitingFor(
        { name, exclusive, madeAt: performance.now() },
        request,
        end === undefined ? resolve : (reply) => resolve(reportEnd(end, reply)),
        end === undefined ? reject : (error) => reject(reportEnd(end, error)),
        onReply as ((reply: unknown) => void) | undefined,
      )
      this.#pending.add(refNo, waiting)
      const send = (): Promise<void> => {
        if (waiting.settled) {
          // The call timed out in the queue, so it is not sent and gets no reply.
          this.#pending.take(refNo)
          return Promise.resolve()
        }
        this.#channel.sendRequest(name, refNo, request)
        return waiting.ended()
      }
      if (exclusive) this.#window.runExclusive(send)
      else this.#window.run(send)
    }) as Promise<Reply<N>>
  }

  /** Makes a get-time call, which bypasses the in-flight window and whose reply is ignored. */
  makeKeepalive(): void {
    const refNo = this.#pending.nextRefNo()
    const request = writeRequest(refNo, 'get-time', {})
    const call = { name: 'get-time', exclusive: false, madeAt: performance.now() } as const
    this.#pending.add(refNo, this.#waitingFor(call, request, ignore, ignore))
    this.#channel.sendRequest('get-time', refNo, request)
  }

  /** Makes the last call, which ends the session. The server closes the connection instead of replying. */
  makeDisconnect(): void {
    const refNo = this.#pending.nextRefNo()
    this.#channel.sendRequest('disconnect', refNo, writeRequest(refNo, 'disconnect', { sessionNo: 0 }))
  }

  /**
   * Settles a call with its reply.
   *
   * @param receivedAt milliseconds of `performance.now()`
   * @throws ProtocolError `unreadable` if no call waits for this reply
   */
  settle(envelope: Extract<Envelope, { kind: 'reply' | 'error' }>, receivedAt: number): RepliedCall {
    const waiting = this.#pending.take(envelope.refNo)
    if (waiting === undefined) throw new ProtocolError('unreadable', 'expected a reply to a waiting call')
    const { name, madeAt } = waiting.call
    const ms = receivedAt - madeAt
    if (envelope.kind === 'error') {
      const error = new KomError(envelope.errorCode, envelope.errorStatus)
      this.#context.observer?.answered(name, ms, error.errorName)
      waiting.reject(error)
      return { name, ms, error }
    }
    this.#context.observer?.answered(name, ms)
    try {
      waiting.resolve(readData(CALLS[name].reply as AnyCodec, envelope.reader))
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#context.observer?.unanswered(error.code, 1)
      if (error.bound !== undefined) this.#channel.boundHit(error.bound)
      waiting.reject(error)
    }
    return { name, ms }
  }

  /**
   * Rejects the calls whose deadline has passed.
   *
   * @param now milliseconds of `performance.now()`
   * @returns whether the connection is unusable: after a late exclusive call the logged-in person is unknown, and a call
   * overdue by its whole timeout is lost
   */
  expire(now: number): boolean {
    const { callTimeoutMs } = this.#context.settings
    const late = this.#pending.expire(now, ({ name }) => {
      this.#context.observer?.unanswered('call-timeout', 1)
      return new ConnectionError('call-timeout', `the LysKOM server did not answer ${name} in time`)
    })
    return late.some(({ call, deadline }) => call.exclusive || now > deadline + callTimeoutMs)
  }

  /** Rejects all waiting calls. */
  rejectAll(reason: ConnectionError): void {
    const calls = this.#pending.rejectAll(reason)
    if (calls > 0) this.#context.observer?.unanswered(reason.code, calls)
  }

  #waitingFor(
    call: PendingCall,
    { length: size }: Buffer,
    resolve: (reply: unknown) => void,
    reject: (error: Error) => void,
    onReply?: (reply: unknown) => void,
  ): Waiting<PendingCall> {
    const deadline = call.madeAt + this.#context.settings.callTimeoutMs
    return new Waiting(call, { deadline, size }, resolve, reject, onReply)
  }

  #tooMany(what: string): ConnectionError {
    this.#context.observer?.unanswered('too-many-calls', 1)
    return new ConnectionError('too-many-calls', `no more than ${what} can wait on one session`)
  }
}
