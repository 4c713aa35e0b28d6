import { readdir } from 'node:fs/promises'
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, Gauge, type Registry } from 'prom-client'

/** Interval of the timer that measures the event-loop delay, milliseconds. */
const RESOLUTION_MS = 20
const NANOSECONDS = 1e9
const MICROSECONDS = 1e6
const DELAYS = ['mean', 'p50', 'p90', 'p99', 'max'] as const
type Delays = Record<(typeof DELAYS)[number], number>
const NO_DELAYS: Delays = { mean: 0, p50: 0, p90: 0, p99: 0, max: 0 }

/**
 * Metrics of the process and of event-loop delay, under the names of prom-client's default metrics. The default metrics
 * are not used because they cannot be stopped, and a process can start and close many gateways. Event-loop delay is
 * measured from the first scrape on.
 */
export class ProcessMetrics {
  #delay: IntervalHistogram | undefined
  #isClosed = false

  /** @param register the prom-client registry that exposes the metrics */
  constructor(register: Registry) {
    const registers = [register]
    const startedAt = Date.now() / 1000 - process.uptime()
    new Counter({
      name: 'process_cpu_seconds_total',
      help: 'User and system CPU time, seconds.',
      registers,
      collect() {
        const { user, system } = process.cpuUsage()
        this.reset()
        this.inc((user + system) / MICROSECONDS)
      },
    })
    const gauge = (name: string, help: string, read: () => number): void => {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read())
        },
      })
    }
    gauge('process_start_time_seconds', 'Start time of the process, seconds since 1970.', () => startedAt)
    gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss())
    gauge('nodejs_heap_size_total_bytes', 'Size of the V8 heap.', () => process.memoryUsage().heapTotal)
    gauge('nodejs_heap_size_used_bytes', 'Used part of the V8 heap.', () => process.memoryUsage().heapUsed)
    gauge('nodejs_external_memory_bytes', 'Memory outside the V8 heap.', () => process.memoryUsage().external)
    new Gauge({
      name: 'process_open_fds',
      help: 'Open file descriptors.',
      registers,
      async collect() {
        const open = await openDescriptors()
        if (open !== undefined) this.set(open)
      },
    })
    new Gauge({
      name: 'nodejs_active_resources',
      help: 'Resources that keep the event loop alive, by type.',
      labelNames: ['type'],
      registers,
      collect() {
        this.reset()
        for (const type of process.getActiveResourcesInfo()) this.inc({ type })
      },
    })
    let delays = NO_DELAYS
    for (const name of DELAYS) {
      gauge(`nodejs_eventloop_lag_${name}_seconds`, `Event-loop delay since the last scrape, seconds: ${name}.`, () => {
        // prom-client collects the gauges in the order of their registration.
        if (name === DELAYS[0]) delays = this.#takeDelays()
        return delays[name]
      })
    }
  }

  /** Stops measuring the event loop. */
  close(): void {
    this.#delay?.disable()
    this.#isClosed = true
  }

  /**
   * Returns the event-loop delay since the last scrape, seconds. The first scrape starts the measurement and returns
   * zeros.
   */
  #takeDelays(): Delays {
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
}

async function openDescriptors(): Promise<number | undefined> {
  // /proc exists on Linux only.
  return (await readdir('/proc/self/fd').catch(() => undefined))?.length
}
