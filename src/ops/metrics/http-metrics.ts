import { Counter, Histogram, type Registry } from 'prom-client'
import { DURATION_BUCKETS } from './duration-buckets.ts'

/** HTTP methods with a `method` label of their own. Clients can send any other token, which is labelled `other`. */
export const KNOWN_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
/** Label of requests that match no route and of methods outside `KNOWN_METHODS`. */
const OTHER = 'other'
/** The regular expression of a route parameter, `{[0-9]+}`. It is left out of labels. */
const PARAMETER_PATTERN = /\{(?:[^{}]|\{[^}]*\})*\}/g

/** The metrics of one route and method. */
interface RouteMetrics {
  readonly labels: { readonly route: string; readonly method: string }
  readonly duration: Histogram.Internal<string>
  /** counters of responses by HTTP status */
  readonly responses: Map<number, Counter.Internal>
}

/** Metrics of HTTP requests. Labels are route patterns, never request paths, so clients cannot create labels. */
export class HttpMetrics {
  readonly #received: Counter
  readonly #responses: Counter
  readonly #duration: Histogram
  /** The metrics by route pattern and method. The routes of the application and `KNOWN_METHODS` bound it. */
  readonly #routes = new Map<string | undefined, Map<string, RouteMetrics>>()

  constructor(register: Registry) {
    const registers = [register]
    this.#received = new Counter({
      name: 'komgate_http_requests_received_total',
      help: 'HTTP requests, including those without a response yet.',
      registers,
    })
    this.#responses = new Counter({
      name: 'komgate_http_requests_total',
      help: 'HTTP requests with a response, by route, method and status.',
      labelNames: ['route', 'method', 'status'],
      registers,
    })
    this.#duration = new Histogram({
      name: 'komgate_http_request_duration_seconds',
      help: 'Time from an HTTP request to its response, seconds.',
      labelNames: ['route', 'method'],
      buckets: DURATION_BUCKETS,
      registers,
    })
  }

  /** Counts a request. */
  received(): void {
    this.#received.inc()
  }

  /**
   * Counts a response.
   * @param pattern pattern of the matched route; undefined for a request without a route
   * @param ms time from the request to its response, milliseconds
   */
  answered(pattern: string | undefined, method: string, status: number, ms: number): void {
    const known = KNOWN_METHODS.has(method) ? method : OTHER
    const metrics = this.#routes.get(pattern)?.get(known) ?? this.#bind(pattern, known)
    metrics.duration.observe(ms / 1000)
    const responses = metrics.responses.get(status) ?? this.#bindStatus(metrics, status)
    responses.inc()
  }

  #bind(pattern: string | undefined, method: string): RouteMetrics {
    const labels = { route: pattern?.replace(PARAMETER_PATTERN, '') ?? OTHER, method }
    const metrics = { labels, duration: this.#duration.labels(labels), responses: new Map() }
    const methods = this.#routes.get(pattern) ?? new Map<string, RouteMetrics>()
    this.#routes.set(pattern, methods.set(method, metrics))
    return metrics
  }

  #bindStatus({ labels, responses }: RouteMetrics, status: number): Counter.Internal {
    const counter = this.#responses.labels({ ...labels, status: String(status) })
    responses.set(status, counter)
    return counter
  }
}
