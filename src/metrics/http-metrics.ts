import type { Registry } from 'prom-client'
import { readCounter, readHistogram } from './read.ts'
import { Times } from './times.ts'

/** Methods of HTTP that are told by their name; a client can invent any number of others. */
export const KNOWN_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
/** What no route matches, and what is no method of ours. */
const OTHER = 'other'
/** What a route demands of a parameter, `{[0-9]+}`. */
const DEMANDS = /\{(?:[^{}]|\{[^}]*\})*\}/g

/** The requests of one route and method. */
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

/** HTTP requests. Its labels are patterns of routes, never a path that somebody has asked for. */
export class HttpMetrics {
  /** By the route's own pattern and the request's own method, as often as it takes; and each once, for the text. */
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

  /** @param pattern of the route that answered; undefined where there was none */
  answered(pattern: string | undefined, method: string, status: number, ms: number): void {
    const known = KNOWN_METHODS.has(method) ? method : OTHER
    const requests = this.#known.get(pattern)?.get(known) ?? this.#meet(pattern, known)
    requests.add(status, ms)
  }

  #meet(pattern: string | undefined, method: string): Requests {
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
