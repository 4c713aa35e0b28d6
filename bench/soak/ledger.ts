import { Latencies } from './latencies.ts'

/** What must not be, by kind. */
export type ProblemKind =
  /** komgate closed the connection, or said nothing for too long */
  | 'unanswered'
  /** a status that the API does not have there, a body that is none */
  | 'wrong answer'
  /** bytes that came while no request waited */
  | 'unasked'
  /** an answer that is right in itself, but not true */
  | 'untrue'
  /** a visit that did not end */
  | 'stuck'

/** A text that komgate says it has made. */
export interface Posted {
  place: string
  textNo: number
  subject: string
  size: number
}

/** A fault, from when to when, milliseconds of `performance.now()`. */
export interface FaultSpan {
  name: string
  place: string
  from: number
  to: number
}

/** How the answers of a kind of server are timed: one where nothing goes wrong, and one that has faults. */
export type Weather = 'calm' | 'rough'

const MAX_EXAMPLES = 10

/** Everything that the clients have seen. Bounded, but for the texts. */
export class Ledger {
  /** requests that went out whole, or as far as their client meant to send them */
  asked = 0
  answered = 0
  /** whose client left before the answer */
  left = 0
  readonly websockets = { opened: 0, asked: 0, answered: 0, left: 0 }
  readonly statuses = new Map<number, number>()
  readonly total: Readonly<Record<Weather, Latencies>> = { calm: new Latencies(), rough: new Latencies() }
  readonly visits = new Map<string, number>()
  /** visits that a fault has cut short */
  readonly cutShort = new Map<string, number>()
  readonly posted: Posted[] = []
  /** texts that komgate says it has made, by place */
  readonly made = new Map<string, number>()
  /** texts that may have been made besides: their client left, or komgate could not know */
  readonly uncertain = new Map<string, number>()
  readonly faults: FaultSpan[] = []
  /** since the last time that somebody looked */
  #window: Record<Weather, Latencies> = { calm: new Latencies(), rough: new Latencies() }
  readonly #problems = new Map<ProblemKind, { count: number; examples: string[] }>()

  time(weather: Weather, ms: number): void {
    this.total[weather].add(ms)
    this.#window[weather].add(ms)
  }

  /** What has been timed since the last call. */
  takeWindow(): Record<Weather, Latencies> {
    const taken = this.#window
    this.#window = { calm: new Latencies(), rough: new Latencies() }
    return taken
  }

  /** A text is to be made; until `hasPosted` nobody knows whether it has been. */
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

/** Counts one more. */
export function countOne<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
