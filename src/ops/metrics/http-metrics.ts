import type { Registry } from 'prom-client'
import { readCounter, readHistogram } from './read.ts'
import { Times } from './times.ts'

/** HTTP methods with a `method` label of their own. Clients can send any other token, which is labelled `other`. */
export const KNOWN_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
/** Label of requests that match no route and of methods outside `KNOWN_METHODS`. */
const OTHER = 'other'
/** The pattern of a route parameter, `{[0-9]+}`. It is left out of labels. */
const DEMANDS = /\{(?:[^{}]|\{[^}]*\})*\}/g

/** Request count and durations of one route and method. */
class Requests {
  readonly times = new Times()
  readonly byStatus = new Map<number, number>()

  constructor(
    readonly route: string,
    readonly method: string,
  ) {}

  add(status: number, ms: number): void {
    this.times.add(ms)
    this.byStatus.set(status, (this.byStatus.get(status) ?? 0) + 1)
  }
}

/** Metrics of HTTP requests. Labels are route patterns, never request paths, so clients cannot create labels. */
export class HttpMetrics {
  /**
   * Requests by route pattern and method, as `answered` looks them up; `#all` has each entry once, as `/metrics` lists
   * them.
   */
  readonly #known = new Map<string | undefined, Map<string, Requests>>()
  readonly #all: Requests[] = []

  constructor(register: Registry) {
    readCounter(register, {
      name: 'komgate_http_requests_total',
      help: 'HTTP requests that were answered.',
      labels: ['route', 'method', 'status'],
      read: () =>
        this.#all.flatMap(({ route, method, byStatus }) =>
          [...byStatus].map(([status, n]) => [{ route, method, status: String(status) }, n] as const),
        ),
    })
    readHistogram(register, {
      name: 'komgate_http_request_duration_seconds',
      help: 'HTTP requests, to the moment when their answer was ready.',
      labels: ['route', 'method'],
      read: () => this.#all.map(({ route, method, times }) => [{ route, method }, times]),
    })
  }

  /**
   * Counts a response.
   * @param pattern pattern of the matched route; undefined for a request without a route
   * @param ms time from the request to its response, milliseconds
   */
  answered(pattern: string | undefined, method: string, status: number, ms: number): void {
    const known = KNOWN_METHODS.has(method) ? method : OTHER
    const requests = this.#known.get(pattern)?.get(known) ?? this.#create(pattern, known)
    requests.add(status, ms)
  }

  #create(pattern: string | undefined, method: string): Requests {
    const route = pattern?.replace(DEMANDS, '') ?? OTHER
    let requests = this.#all.find((each) => each.route === route && each.method === method)
    if (requests === undefined) {
      requests = new Requests(route, method)
      this.#all.push(requests)
    }
    const methods = this.#known.get(pattern) ?? new Map<string, Requests>()
    this.#known.set(pattern, methods.set(method, requests))
    return requests
  }
}
