import { Registry as Register } from 'prom-client'
import type { ConnectionObserver } from '../connection/observer.ts'
import { LIMITS, type LimitName } from '../sessions/limit-error.ts'
import type { Registry } from '../sessions/registry.ts'
import type { SessionStore } from '../sessions/store/store.ts'
import { HttpMetrics } from './http-metrics.ts'
import { LyskomMetrics } from './lyskom-metrics.ts'
import { ProcessMetrics } from './process-metrics.ts'
import { readCounter, readGauge } from './read.ts'
import { watchSessions } from './session-metrics.ts'
import { watchStore } from './store-metrics.ts'

/**
 * What one gateway counts, in a register of its own. All is counted in plain numbers, and put into words only when
 * somebody asks. No label holds what a client or a LysKOM server has chosen.
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
      help: 'How often somebody was turned away by a limit.',
      labels: ['limit'],
      read: () => [...this.#limits].map(([limit, n]) => [{ limit }, n]),
    })
  }

  /** Is to be told of what happens on connections. */
  get connections(): ConnectionObserver {
    return this.#lyskom
  }

  /** Counts the sessions of a registry from now on. */
  watch(registry: Registry, serverIds: Iterable<string>): void {
    watchSessions(this.#register, registry, serverIds)
  }

  /** Reads the state of a session store. */
  watchStore(store: SessionStore): void {
    watchStore(this.#register, store)
  }

  /** Reports the limits of demo servers, by server id, from now on. */
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

  /** Shows how many bytes of responses clients have not read. */
  watchUnread(read: () => number): void {
    readGauge(this.#register, {
      name: 'komgate_http_unread_bytes',
      help: 'Responses and messages held for clients that have not read them.',
      read: () => [[{}, read()]],
    })
  }

  /** Somebody was turned away by a limit. */
  limitHit(limit: LimitName): void {
    this.#limits.set(limit, (this.#limits.get(limit) ?? 0) + 1)
  }

  /** Everything, in the text format of Prometheus. */
  text(): Promise<string> {
    return this.#register.metrics()
  }

  /** The media type of the text. */
  get contentType(): string {
    return this.#register.contentType
  }

  close(): void {
    this.#process.close()
  }
}
