import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'

/** Kinds of problems, as the result names them. */
export const PROBLEMS = {
  'no response': 'requests without a response within the deadline',
  'wrong response': 'responses that the API does not define',
  unsolicited: 'responses without a request',
  'wrong content': 'responses with wrong content',
  'another session': 'responses of another session',
  'wrong events': 'event streams with missing, repeated or misplaced events',
  stuck: 'clients that did not end',
}
type ProblemKind = keyof typeof PROBLEMS

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

const newLatencies = () => ({ stable: createHistogram(), faulty: createHistogram() })

/** Returns a percentile of a histogram of microseconds, in milliseconds; undefined if the histogram is empty. */
export function percentile(histogram: RecordableHistogram, percent: number): number | undefined {
  return histogram.count === 0 ? undefined : histogram.percentile(percent) / 1000
}

const MAX_EXAMPLES = 10

/** Everything that the clients observed. Bounded except for texts and faults. */
export class Observations {
  /** completely sent requests: each has a response, or its client disconnected first */
  readonly requests = { sent: 0, answered: 0, aborted: 0 }
  /** the same for messages on WebSockets */
  readonly messages = { sent: 0, answered: 0, aborted: 0 }
  /** messages that clients have sent to themselves, as events on each of their followers, which use several connections */
  readonly events = { expected: 0, received: 0, connections: 0 }
  readonly statuses = new Counts()
  /** comparisons of a part of a response with the session or person of the client, by part */
  readonly compared = new Counts()
  /** clients by kind, and those that a fault ended early */
  readonly clients = new Counts()
  readonly interrupted = new Counts()
  /** texts that the gateway reported as created */
  readonly posted: { serverId: string; textNo: number; subject: string; size: number }[] = []
  /** number of these, of images and of texts with unknown outcome, by server id */
  readonly created = new Counts()
  readonly uncertain = new Counts()
  readonly faults: FaultPeriod[] = []
  /** response times of servers without and with faults, in microseconds */
  readonly latencies = newLatencies()
  /** the same since the previous sample */
  readonly recent = newLatencies()
  readonly #problems = new Map<ProblemKind, { count: number; examples: string[] }>()

  latency(kind: 'stable' | 'faulty', ms: number): void {
    for (const { [kind]: histogram } of [this.latencies, this.recent]) histogram.record(Math.ceil(ms * 1000))
  }

  problem(kind: ProblemKind, description: string): void {
    const { count, examples } = this.problems(kind)
    this.#problems.set(kind, { count: count + 1, examples: [...examples, description].slice(0, MAX_EXAMPLES) })
  }

  problems(kind: ProblemKind): { count: number; examples: string[] } {
    return this.#problems.get(kind) ?? { count: 0, examples: [] }
  }
}
