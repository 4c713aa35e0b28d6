import type { Registry } from 'prom-client'
import type { ConnectionObserver, UnansweredCode } from '../../connection/observer.ts'
import type { BoundName } from '../../protocol/bounds.ts'
import { CALLS, type CallName } from '../../protocol/calls/index.ts'
import type { KomError } from '../../protocol/errors.ts'
import { type Labels, readCounter, readHistogram } from './read.ts'
import { Times } from './times.ts'

/**
 * Metrics of the traffic between the gateway and LysKOM servers. Labels are names from the Protocol A specification and
 * from this code base, so LysKOM servers cannot create labels.
 */
export class LyskomMetrics implements ConnectionObserver {
  readonly #calls = new Map<CallName, Times>()
  readonly #errors = new Map<KomError['errorName'], number>()
  readonly #unanswered = new Map<UnansweredCode, number>()
  readonly #boundHits = new Map<BoundName, number>()
  #messages = 0
  #unreadableMessages = 0
  #received = 0
  #sent = 0

  constructor(register: Registry) {
    // Created in advance, so that counting a call allocates nothing.
    for (const name of Object.keys(CALLS) as CallName[]) this.#calls.set(name, new Times())
    readHistogram(register, {
      name: 'komgate_lyskom_call_duration_seconds',
      help: 'Calls that a LysKOM server has answered, from the moment they were made.',
      labels: ['call'],
      read: () =>
        labelled(
          'call',
          [...this.#calls].filter(([, times]) => times.sumMs > 0),
        ),
    })
    readCounter(register, {
      name: 'komgate_lyskom_errors_total',
      help: 'Error replies of LysKOM servers.',
      labels: ['error'],
      read: () => labelled('error', this.#errors),
    })
    readCounter(register, {
      name: 'komgate_lyskom_unanswered_calls_total',
      help: 'Calls for which there was no reply, by why there was none.',
      labels: ['code'],
      read: () => labelled('code', this.#unanswered),
    })
    readCounter(register, {
      name: 'komgate_lyskom_messages_total',
      help: 'Asynchronous messages from LysKOM servers.',
      read: () => [[{}, this.#messages]],
    })
    readCounter(register, {
      name: 'komgate_lyskom_unreadable_messages_total',
      help: 'Asynchronous messages that were skipped because they could not be read.',
      read: () => [[{}, this.#unreadableMessages]],
    })
    readCounter(register, {
      name: 'komgate_lyskom_bound_hits_total',
      help: 'Replies, messages and cached values of LysKOM servers that exceeded a bound.',
      labels: ['bound'],
      read: () => labelled('bound', this.#boundHits),
    })
    readCounter(register, {
      name: 'komgate_lyskom_received_bytes_total',
      help: 'Bytes from LysKOM servers.',
      read: () => [[{}, this.#received]],
    })
    readCounter(register, {
      name: 'komgate_lyskom_sent_bytes_total',
      help: 'Bytes to LysKOM servers.',
      read: () => [[{}, this.#sent]],
    })
  }

  received(bytes: number): void {
    this.#received += bytes
  }

  sent(bytes: number): void {
    this.#sent += bytes
  }

  message(): void {
    this.#messages++
  }

  unreadableMessage(): void {
    this.#unreadableMessages++
  }

  boundHit(bound: BoundName): void {
    this.#boundHits.set(bound, (this.#boundHits.get(bound) ?? 0) + 1)
  }

  answered(call: CallName, ms: number, error?: KomError['errorName']): void {
    this.#calls.get(call)?.add(ms)
    if (error !== undefined) this.#errors.set(error, (this.#errors.get(error) ?? 0) + 1)
  }

  unanswered(code: UnansweredCode, calls: number): void {
    this.#unanswered.set(code, (this.#unanswered.get(code) ?? 0) + calls)
  }
}

/** Yields the values of a metric with one label. */
function* labelled<V>(label: string, values: Iterable<readonly [string, V]>): Iterable<readonly [Labels, V]> {
  for (const [each, value] of values) yield [{ [label]: each }, value]
}
