import { Counter, type Registry } from 'prom-client'
import type { ConnectionObserver, UnansweredCode } from '../../connection/observer.ts'
import type { BoundName } from '../../protocol/bounds.ts'
import { CALLS, type CallName } from '../../protocol/calls/index.ts'
import type { KomError } from '../../protocol/errors.ts'
import { DurationHistogram, type Durations } from './duration-histogram.ts'

/**
 * Metrics of the traffic between the gateway and LysKOM servers. Label values are names from the Protocol A
 * specification and from this code base, so LysKOM servers cannot create any.
 */
export class LyskomMetrics implements ConnectionObserver {
  /** The call durations by call. */
  readonly #durations: ReadonlyMap<CallName, Durations>
  readonly #duration: DurationHistogram
  readonly #errors: Counter<'error'>
  readonly #unanswered: Counter<'code'>
  readonly #messages: Counter
  readonly #unreadableMessages: Counter
  readonly #boundHits: Counter<'bound'>
  readonly #received: Counter
  readonly #sent: Counter

  constructor(register: Registry) {
    const registers = [register]
    this.#duration = new DurationHistogram(register, {
      name: 'komgate_lyskom_call_duration_seconds',
      help: 'Time from a call to its reply or error reply, seconds.',
      labelNames: ['call'],
    })
    this.#durations = new Map((Object.keys(CALLS) as CallName[]).map((call) => [call, this.#duration.bind({ call })]))
    this.#errors = new Counter({
      name: 'komgate_lyskom_errors_total',
      help: 'Error replies from LysKOM servers, by error.',
      labelNames: ['error'],
      registers,
    })
    this.#unanswered = new Counter({
      name: 'komgate_lyskom_unanswered_calls_total',
      help: 'Calls without a reply, by reason.',
      labelNames: ['code'],
      registers,
    })
    this.#messages = new Counter({
      name: 'komgate_lyskom_messages_total',
      help: 'Asynchronous messages from LysKOM servers.',
      registers,
    })
    this.#unreadableMessages = new Counter({
      name: 'komgate_lyskom_unreadable_messages_total',
      help: 'Asynchronous messages that were skipped because they could not be parsed.',
      registers,
    })
    this.#boundHits = new Counter({
      name: 'komgate_lyskom_bound_hits_total',
      help: 'Replies, messages and cached values of LysKOM servers that exceeded a bound.',
      labelNames: ['bound'],
      registers,
    })
    this.#received = new Counter({
      name: 'komgate_lyskom_received_bytes_total',
      help: 'Bytes received from LysKOM servers.',
      registers,
    })
    this.#sent = new Counter({
      name: 'komgate_lyskom_sent_bytes_total',
      help: 'Bytes sent to LysKOM servers.',
      registers,
    })
  }

  /** Returns the numbers of replies by bucket of the time since their call. */
  durations(): Float64Array {
    return this.#duration.totals()
  }

  received(bytes: number): void {
    this.#received.inc(bytes)
  }

  sent(bytes: number): void {
    this.#sent.inc(bytes)
  }

  message(): void {
    this.#messages.inc()
  }

  unreadableMessage(): void {
    this.#unreadableMessages.inc()
  }

  boundHit(bound: BoundName): void {
    this.#boundHits.inc({ bound })
  }

  answered(call: CallName, ms: number, error?: KomError['errorName']): void {
    this.#durations.get(call)?.observe(ms)
    if (error !== undefined) this.#errors.inc({ error })
  }

  unanswered(code: UnansweredCode, calls: number): void {
    this.#unanswered.inc({ code }, calls)
  }
}
