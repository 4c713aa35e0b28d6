import { BOUNDS_MS } from './duration-histogram.ts'
import { LoopDelay } from './loop-delay.ts'

/** The interval of samples, milliseconds. */
export const SAMPLE_MS = 2000
/** The samples that are kept: those of 15 minutes. */
const MAX_SAMPLES = (15 * 60 * 1000) / SAMPLE_MS

/** The figures of an interval, or at its end. Durations are milliseconds, null without any. */
export interface Figures {
  /** the end of the interval, milliseconds since 1970 */
  time: number
  sessions: number
  /** HTTP requests with a response, per second */
  requests: number
  requestP50: number | null
  requestP99: number | null
  callP50: number | null
  callP99: number | null
  loopP99: number
  loopMax: number
  /** resident memory, bytes */
  memory: number
  /** used part of the JavaScript heap, bytes */
  heap: number
  /** requests and connections that a limit rejected in the interval */
  limitHits: number
}

/** What the figures are made from. Durations are numbers of observations by bucket, since the start. */
export interface FigureSource {
  sessions: () => number
  requestDurations: () => Float64Array
  callDurations: () => Float64Array
  limitHits: () => number
}

/** Samples the figures of a gateway every two seconds, and keeps them for 15 minutes. */
export class FigureRecorder {
  readonly #source: FigureSource
  readonly #delay = new LoopDelay()
  readonly #timer: NodeJS.Timeout
  #last: { time: number; requests: Float64Array; calls: Float64Array; limitHits: number }
  #samples: Figures[] = []

  constructor(source: FigureSource) {
    this.#source = source
    this.#last = this.#read(performance.now())
    this.#delay.take()
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS)
    this.#timer.unref()
  }

  /** Returns the samples after a time, oldest first. @param time milliseconds since 1970 */
  after(time: number): readonly Figures[] {
    return this.#samples.filter((sample) => sample.time > time)
  }

  /** Stops sampling. */
  close(): void {
    clearInterval(this.#timer)
    this.#delay.close()
  }

  #read(time: number) {
    const { requestDurations, callDurations, limitHits } = this.#source
    return { time, requests: requestDurations(), calls: callDurations(), limitHits: limitHits() }
  }

  #sample(): void {
    const last = this.#last
    const now = this.#read(performance.now())
    this.#last = now
    const requests = difference(now.requests, last.requests)
    const calls = difference(now.calls, last.calls)
    const { p99, max } = this.#delay.take()
    const { rss, heapUsed } = process.memoryUsage()
    const count = requests.reduce((sum, n) => sum + n, 0)
    const sample: Figures = {
      time: Date.now(),
      sessions: this.#source.sessions(),
      requests: rounded((count * 1000) / (now.time - last.time)),
      requestP50: quantile(requests, 0.5),
      requestP99: quantile(requests, 0.99),
      callP50: quantile(calls, 0.5),
      callP99: quantile(calls, 0.99),
      loopP99: rounded(p99 * 1000),
      loopMax: rounded(max * 1000),
      memory: rss,
      heap: heapUsed,
      limitHits: now.limitHits - last.limitHits,
    }
    if (this.#samples.length === MAX_SAMPLES) this.#samples.shift()
    this.#samples.push(sample)
  }
}

function difference(now: Float64Array, last: Float64Array): Float64Array {
  return now.map((n, i) => n - (last[i] ?? 0))
}

/**
 * Estimates a quantile of durations, milliseconds, as if those of each bucket were spread evenly; those above all bounds
 * count as the highest bound. Returns null without durations.
 * @param buckets numbers of durations by bucket of `BOUNDS_MS`
 * @param q 0 to 1
 */
export function quantile(buckets: Float64Array, q: number): number | null {
  const count = buckets.reduce((sum, n) => sum + n, 0)
  if (count === 0) return null
  const rank = q * count
  let below = 0
  for (const [i, n] of buckets.entries()) {
    const upper = BOUNDS_MS[i]
    const lower = BOUNDS_MS[i - 1] ?? 0
    if (upper === undefined) return lower
    if (n > 0 && below + n >= rank) return rounded(lower + ((upper - lower) * (rank - below)) / n)
    below += n
  }
  return null
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}
