import { Counter, Gauge, Registry as Register } from 'prom-client'
import type { Cluster } from '../../cluster/cluster.ts'
import type { ConnectionObserver } from '../../connection/observer.ts'
import { LIMITS, type LimitName } from '../../sessions/limit-error.ts'
import type { Registry } from '../../sessions/registry.ts'
import type { SessionStore } from '../../store/store.ts'
import { watchCluster } from './cluster-metrics.ts'
import { FigureRecorder, type Figures } from './figures.ts'
import { HttpMetrics } from './http-metrics.ts'
import { LyskomMetrics } from './lyskom-metrics.ts'
import { ProcessMetrics } from './process-metrics.ts'
import { watchSessions } from './session-metrics.ts'
import { stats } from './stats.ts'
import { watchStore } from './store-metrics.ts'

/**
 * The metrics of one gateway, in a prom-client registry of its own. `GET /stats` is derived from them. No label value
 * is text from a client or a LysKOM server, and the number of label values is bounded.
 */
export class Metrics {
  /** the metrics of HTTP requests */
  readonly http: HttpMetrics
  readonly #register = new Register()
  readonly #lyskom: LyskomMetrics
  readonly #process: ProcessMetrics
  readonly #limitHits: Counter<'limit'>
  readonly #hitsByLimit = new Map<LimitName, number>(LIMITS.map((limit) => [limit, 0]))
  #figures: FigureRecorder | undefined

  constructor() {
    this.http = new HttpMetrics(this.#register)
    this.#lyskom = new LyskomMetrics(this.#register)
    this.#process = new ProcessMetrics(this.#register)
    this.#limitHits = new Counter({
      name: 'komgate_limit_hits_total',
      help: 'Requests and connections that a limit rejected, by limit.',
      labelNames: ['limit'],
      registers: [this.#register],
    })
    for (const limit of LIMITS) this.#limitHits.inc({ limit }, 0)
  }

  /** The observer that connections report their calls, messages and bytes to. */
  get connections(): ConnectionObserver {
    return this.#lyskom
  }

  /**
   * Registers the metrics of sessions. Sessions are counted from this call on.
   * @param serverIds the ids of the LysKOM servers, which are the values of the label `server`
   */
  watch(registry: Registry, serverIds: Iterable<string>): void {
    watchSessions(this.#register, registry, serverIds)
  }

  /** Registers the metrics of a session store. */
  watchStore(store: SessionStore): void {
    watchStore(this.#register, store)
  }

  /** Registers the metrics of a node of a cluster. */
  watchCluster(cluster: Cluster): void {
    watchCluster(this.#register, cluster)
  }

  /**
   * Registers `komgate_demo_limit_hits_total`.
   * @param demos the demo servers by server id; `limitHits` has the number of hits by limit
   */
  watchDemos(demos: ReadonlyMap<string, { readonly limitHits: ReadonlyMap<string, number> }>): void {
    new Counter({
      name: 'komgate_demo_limit_hits_total',
      help: 'Texts that a demo server deleted to make room, and calls that it rejected at its other limits.',
      labelNames: ['server', 'limit'],
      registers: [this.#register],
      collect() {
        this.reset()
        for (const [server, { limitHits }] of demos) {
          for (const [limit, n] of limitHits) this.inc({ server, limit }, n)
        }
      },
    })
  }

  /**
   * Registers `komgate_http_unread_bytes`.
   * @param read returns the bytes held for clients that have not read them
   */
  watchUnread(read: () => number): void {
    new Gauge({
      name: 'komgate_http_unread_bytes',
      help: 'Bytes of unread responses, waiting requests, and request bodies.',
      registers: [this.#register],
      collect() {
        this.set(read())
      },
    })
  }

  /** Counts a request or connection that a limit rejected. */
  limitHit(limit: LimitName): void {
    this.#limitHits.inc({ limit })
    this.#hitsByLimit.set(limit, this.hitsOf(limit) + 1)
  }

  /** Returns how often a limit has rejected something. */
  hitsOf(limit: LimitName): number {
    return this.#hitsByLimit.get(limit) ?? 0
  }

  /**
   * Starts the samples of `figures`.
   * @param sessions returns the number of open sessions
   */
  recordFigures(sessions: () => number): void {
    this.#figures ??= new FigureRecorder({
      sessions,
      requestDurations: () => this.http.durations(),
      callDurations: () => this.#lyskom.durations(),
      limitHits: () => LIMITS.reduce((sum, limit) => sum + this.hitsOf(limit), 0),
    })
  }

  /** Returns the samples after a time; none unless `recordFigures` was called. @param time milliseconds since 1970 */
  figures(time: number): readonly Figures[] {
    return this.#figures?.after(time) ?? []
  }

  /** Returns all metrics in the Prometheus text format. */
  text(): Promise<string> {
    return this.#register.metrics()
  }

  /** Returns the values of `GET /stats` by name. */
  stats(): Promise<Record<string, number>> {
    return stats(this.#register)
  }

  /** The media type of `text()`. */
  get contentType(): string {
    return this.#register.contentType
  }

  /** Stops measuring the event loop. */
  close(): void {
    this.#process.close()
    this.#figures?.close()
  }
}
