import { Counter, type Registry } from 'prom-client'
import { DurationHistogram, type Durations } from './duration-histogram.ts'

/** HTTP methods that have a label value of their own. Clients can send any other token, which is labelled `other`. */
export const KNOWN_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
/** Label value of requests that match no route, and of methods outside `KNOWN_METHODS`. */
const OTHER = 'other'
/** The regular expression of a route parameter, `{[0-9]+}`. It is left out of labels. */
const PARAMETER_PATTERN = /\{(?:[^{}]|\{[^}]*\})*\}/g

/** Routes whose responses last as long as their clients stay. */
const STREAMS = /\/(?:events|trace)$/

/** The metrics of one route and method. */
interface RouteMetrics {
  readonly labels: { readonly route: string; readonly method: string }
  readonly durations: Durations
  /** numbers of responses by HTTP status, which prom-client's counter reads for each scrape */
  readonly responses: Map<number, number>
}

/** Metrics of HTTP requests. Label values are route patterns, never request paths, so clients cannot create any. */
export class HttpMetrics {
  readonly #received: Counter
  readonly #duration: DurationHistogram
  /** The metrics by route pattern and method. Its size is bounded by the routes and `KNOWN_METHODS`. */
  readonly #routes = new Map<string | undefined, Map<string, RouteMetrics>>()

  /** @param register the prom-client registry that exposes the metrics */
  constructor(register: Registry) {
    const registers = [register]
    this.#received = new Counter({
      name: 'komgate_http_requests_received_total',
      help: 'HTTP requests, including those without a response yet.',
      registers,
    })
    const routes = this.#routes
    new Counter({
      name: 'komgate_http_requests_total',
      help: 'HTTP requests with a response, by route, method and status.',
      labelNames: ['route', 'method', 'status'],
      registers,
      collect() {
        this.reset()
        for (const methods of routes.values()) {
          for (const { labels, responses } of methods.values()) {
            for (const [status, n] of responses) this.inc({ ...labels, status: String(status) }, n)
          }
        }
      },
    })
    this.#duration = new DurationHistogram(register, {
      name: 'komgate_http_request_duration_seconds',
      help: 'Time from an HTTP request to its response, seconds.',
      labelNames: ['route', 'method'],
    })
  }

  /** Counts a request. */
  received(): void {
    this.#received.inc()
  }

  /**
   * Counts a response and observes its duration.
   * @param pattern pattern of the matched route; undefined for a request without a route
   * @param method HTTP method of the request
   * @param status HTTP status of the response
   * @param ms time from the request to its response, milliseconds
   */
  answered(pattern: string | undefined, method: string, status: number, ms: number): void {
    const known = KNOWN_METHODS.has(method) ? method : OTHER
    const { durations, responses } = this.#routes.get(pattern)?.get(known) ?? this.#bind(pattern, known)
    durations.observe(ms)
    responses.set(status, (responses.get(status) ?? 0) + 1)
  }

  /** Returns the numbers of responses by bucket of their duration, without streams. */
  durations(): Float64Array {
    return this.#duration.totals(({ route = '' }) => !STREAMS.test(route))
  }

  #bind(pattern: string | undefined, method: string): RouteMetrics {
    const labels = { route: pattern?.replace(PARAMETER_PATTERN, '') ?? OTHER, method }
    const metrics = { labels, durations: this.#duration.bind(labels), responses: new Map() }
    const methods = this.#routes.get(pattern) ?? new Map<string, RouteMetrics>()
    this.#routes.set(pattern, methods.set(method, metrics))
    return metrics
  }
}
