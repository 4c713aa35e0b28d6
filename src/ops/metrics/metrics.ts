import { Registry as Register } from 'prom-client'
import type { ConnectionObserver } from '../../connection/observer.ts'
import { LIMITS, type LimitName } from '../../sessions/limit-error.ts'
import type { Registry } from '../../sessions/registry.ts'
import type { SessionStore } from '../../store/store.ts'
import { HttpMetrics } from './http-metrics.ts'
import { LyskomMetrics } from './lyskom-metrics.ts'
import { ProcessMetrics } from './process-metrics.ts'
import { readCounter, readGauge } from './read.ts'
import { watchSessions } from './session-metrics.ts'
import { watchStore } from './store-metrics.ts'

/**
 * The metrics of one gateway, in a prom-client registry of its own. Counters are plain numbers; the text is only built
 * for `GET /metrics`. No label contains text from a client or a LysKOM server.
 */
export class Metrics {
  readonly http: HttpMetrics
  readonly #register = new Register()
  readonly #lyskom: LyskomMetrics
  readonly #process: ProcessMetrics
  readonly #limits = new Map<LimitName, number>()

  constructor() {
    this.http = new HttpMetrics(this.#register)
    this.#lyskom = new LyskomMetrics(this.#register)
    this.#process = new ProcessMetrics(this.#register)
    for (const limit of LIMITS) this.#limits.set(limit, 0)
    readCounter(this.#register, {
      name: 'komgate_limit_hits_total',
      help: 'Requests and connections that a limit rejected.',
      labels: ['limit'],
      read: () => [...this.#limits].map(([limit, n]) => [{ limit }, n]),
    })
  }

  /** The observer that connections report their calls, messages and bytes to. */
  get connections(): ConnectionObserver {
    return this.#lyskom
  }

  /** Registers the metrics of sessions. Sessions are counted from this call on. */
  watch(registry: Registry, serverIds: Iterable<string>): void {
    watchSessions(this.#register, registry, serverIds)
  }

  /** Registers the metrics of a session store. */
  watchStore(store: SessionStore): void {
    watchStore(this.#register, store)
  }

  /** Registers the limit hits of demo servers, by server id. */
  watchDemos(demos: ReadonlyMap<string, { readonly limitHits: ReadonlyMap<string, number> }>): void {
    readCounter(this.#register, {
      name: 'komgate_demo_limit_hits_total',
      help: 'Texts that a demo server deleted to make room, and calls that it refused at its other limits.',
      labels: ['server', 'limit'],
      read: () =>
        [...demos].flatMap(([server, { limitHits }]) =>
          [...limitHits].map(([limit, n]) => [{ server, limit }, n] as const),
        ),
    })
  }

  /**
   * Registers `komgate_http_unread_bytes`.
   * @param read returns the bytes held for clients that have not read them
   */
  watchUnread(read: () => number): void {
    readGauge(this.#register, {
      name: 'komgate_http_unread_bytes',
      help: 'Responses and messages held for clients that have not read them.',
      read: () => [[{}, read()]],
    })
  }

  /** Counts a request or connection that was rejected by a limit. */
  limitHit(limit: LimitName): void {
    this.#limits.set(limit, (this.#limits.get(limit) ?? 0) + 1)
  }

  /** Returns all metrics in the Prometheus text format. */
  text(): Promise<string> {
    return this.#register.metrics()
  }

  /** The media type of `text()`. */
  get contentType(): string {
    return this.#register.contentType
  }

  /** Stops measuring the event loop. */
  close(): void {
    this.#process.close()
  }
}
