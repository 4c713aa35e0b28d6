import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'

export type ProblemKind =
  /** the gateway closed the connection or did not respond in time */
  | 'no response'
  /** a status that the API does not define there, or an invalid body */
  | 'wrong response'
  /** bytes received while no request was pending */
  | 'unsolicited'
  /** a well-formed response with wrong content */
  | 'wrong content'
  /** a client that did not end */
  | 'stuck'

/** A text that the gateway reported as created. */
export interface PostedText {
  serverId: string
  textNo: number
  subject: string
  size: number
}

/** A fault with start and end in milliseconds of `performance.now()`. */
export interface FaultPeriod {
  /** server id and name of the fault */
  name: string
  from: number
  to: number
}

export class Counts extends Map<string | number, number> {
  add(key: string | number, by = 1): void {
    this.set(key, (this.get(key) ?? 0) + by)
  }

  get total(): number {
    return [...this.values()].reduce((sum, count) => sum + count, 0)
  }

  override toString(): string {
    return [...this].map(([key, count]) => `${key} ${count}`).join(', ')
  }
}

/** Latencies of servers without and with faults. */
export type Latencies = Readonly<Record<'stable' | 'faulty', Latency>>

const newLatencies = (): Latencies => ({ stable: new Latency(), faulty: new Latency() })

/** A latency histogram in milliseconds. */
class Latency {
  readonly #microseconds: RecordableHistogram = createHistogram()

  record(ms: number): void {
    this.#microseconds.record(Math.max(1, Math.round(ms * 1000)))
  }

  get count(): number {
    return this.#microseconds.count
  }

  get max(): number {
    return this.#microseconds.max / 1000
  }

  /** @param percent 0 to 100; undefined without values */
  percentile(percent: number): number | undefined {
    return this.count === 0 ? undefined : this.#microseconds.percentile(percent) / 1000
  }
}

const MAX_EXAMPLES = 10

/** Everything that the clients observed. Bounded except for texts and faults. */
export class Observations {
  /** completely sent requests: each has a response, or its client disconnected first */
  readonly requests = { sent: 0, answered: 0, aborted: 0 }
  /** the same for messages on WebSockets */
  readonly messages = { sent: 0, answered: 0, aborted: 0 }
  readonly statuses = new Counts()
  /** clients by kind, and those that a fault ended early */
  readonly clients = new Counts()
  readonly interrupted = new Counts()
  readonly posted: PostedText[] = []
  /** texts that the gateway reported as created, and texts with unknown outcome, by server id */
  readonly created = new Counts()
  readonly uncertain = new Counts()
  readonly faults: FaultPeriod[] = []
  readonly latencies = newLatencies()
  /** latencies since the last call of `takeRecent` */
  #recent = newLatencies()
  readonly #problems = new Map<ProblemKind, { count: number; examples: string[] }>()

  latency(kind: keyof Latencies, ms: number): void {
    this.latencies[kind].record(ms)
    this.#recent[kind].record(ms)
  }

  /** Returns the latencies since the last call. */
  takeRecent(): Latencies {
    const recent = this.#recent
    this.#recent = newLatencies()
    return recent
  }

  problem(kind: ProblemKind, description: string): void {
    const { count, examples } = this.problems(kind)
    this.#problems.set(kind, { count: count + 1, examples: [...examples, description].slice(0, MAX_EXAMPLES) })
  }

  problems(kind: ProblemKind): { count: number; examples: string[] } {
    return this.#problems.get(kind) ?? { count: 0, examples: [] }
  }
}
