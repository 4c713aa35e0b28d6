import { Latencies } from './latencies.ts'

/** Kinds of problems. */
export type ProblemKind =
  /** the gateway closed the connection or did not respond in time */
  | 'unanswered'
  /** a status that the API does not define there, or an invalid body */
  | 'wrong answer'
  /** bytes received while no request was pending */
  | 'unasked'
  /** a well-formed response with false content */
  | 'untrue'
  /** a visit that did not end */
  | 'stuck'

/** A text that the gateway reported as created. */
export interface Posted {
  place: string
  textNo: number
  subject: string
  size: number
}

/** A fault with start and end in milliseconds of `performance.now()`. */
export interface FaultSpan {
  name: string
  place: string
  from: number
  to: number
}

/** Latency class of a server: without faults, or with faults. */
export type Weather = 'calm' | 'rough'

const MAX_EXAMPLES = 10

/** Everything that the clients observed. Bounded except for the texts. */
export class Ledger {
  /** requests sent as far as their client meant to send them */
  asked = 0
  answered = 0
  /** requests whose client left before the response */
  left = 0
  readonly websockets = { opened: 0, asked: 0, answered: 0, left: 0 }
  readonly statuses = new Map<number, number>()
  readonly total: Readonly<Record<Weather, Latencies>> = { calm: new Latencies(), rough: new Latencies() }
  readonly visits = new Map<string, number>()
  /** visits that a fault ended early */
  readonly cutShort = new Map<string, number>()
  readonly posted: Posted[] = []
  /** texts that the gateway reported as created, by place */
  readonly made = new Map<string, number>()
  /** texts with unknown outcome: the client left, or the gateway could not know */
  readonly uncertain = new Map<string, number>()
  readonly faults: FaultSpan[] = []
  /** since the last call of `takeWindow` */
  #window: Record<Weather, Latencies> = { calm: new Latencies(), rough: new Latencies() }
  readonly #problems = new Map<ProblemKind, { count: number; examples: string[] }>()

  time(weather: Weather, ms: number): void {
    this.total[weather].add(ms)
    this.#window[weather].add(ms)
  }

  /** Returns the latencies since the last call. */
  takeWindow(): Record<Weather, Latencies> {
    const taken = this.#window
    this.#window = { calm: new Latencies(), rough: new Latencies() }
    return taken
  }

  /** Records a pending post; its outcome is unknown until `hasPosted`. */
  isPosting(place: string): void {
    countOne(this.uncertain, place)
  }

  hasPosted(place: string, text?: Omit<Posted, 'place'>): void {
    this.uncertain.set(place, (this.uncertain.get(place) ?? 0) - 1)
    countOne(this.made, place)
    if (text !== undefined) this.posted.push({ place, ...text })
  }

  problem(kind: ProblemKind, what: string): void {
    const known = this.#problems.get(kind) ?? { count: 0, examples: [] }
    known.count++
    if (known.examples.length < MAX_EXAMPLES) known.examples.push(what)
    this.#problems.set(kind, known)
  }

  problems(kind: ProblemKind): { count: number; examples: readonly string[] } {
    return this.#problems.get(kind) ?? { count: 0, examples: [] }
  }
}

/** Increments a count. */
export function countOne<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
