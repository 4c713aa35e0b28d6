import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'

/** Interval of the timer that measures the event-loop delay, milliseconds. */
const RESOLUTION_MS = 20
const NANOSECONDS = 1e9

/** The figures of a delay. */
export const DELAYS = ['mean', 'p50', 'p90', 'p99', 'max'] as const
/** Event-loop delays, seconds. */
export type Delays = Record<(typeof DELAYS)[number], number>
const NO_DELAYS: Delays = { mean: 0, p50: 0, p90: 0, p99: 0, max: 0 }

/** Measures the event-loop delay from the first `take` on. */
export class LoopDelay {
  #delay: IntervalHistogram | undefined
  #isClosed = false

  /** Returns the event-loop delay since the last call, seconds; zeros for the first call, which starts the measurement. */
  take(): Delays {
    const delay = this.#delay
    if (delay === undefined) {
      this.#delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
      if (!this.#isClosed) this.#delay.enable()
      return NO_DELAYS
    }
    if (delay.count === 0) return NO_DELAYS
    // The histogram records the whole interval between two timer ticks, so subtract the resolution.
    const seconds = (nanoseconds: number): number => Math.max(0, nanoseconds / NANOSECONDS - RESOLUTION_MS / 1000)
    const delays = {
      mean: seconds(delay.mean),
      p50: seconds(delay.percentile(50)),
      p90: seconds(delay.percentile(90)),
      p99: seconds(delay.percentile(99)),
      max: seconds(delay.max),
    }
    delay.reset()
    return delays
  }

  /** Stops measuring. */
  close(): void {
    this.#delay?.disable()
    this.#isClosed = true
  }
}
