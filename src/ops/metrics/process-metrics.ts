import { readdir } from 'node:fs/promises'
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import { Gauge, type Registry } from 'prom-client'
import { readCounter, readGauge } from './read.ts'

const RESOLUTION_MS = 20
const NANOSECONDS = 1e9
const MICROSECONDS = 1e6
const LAGS = ['mean', 'p50', 'p90', 'p99', 'max'] as const
type Lag = Record<(typeof LAGS)[number], number>

/**
 * Metrics of the process and of event-loop delay, under the names of prom-client's default metrics. The default metrics
 * themselves cannot be used: they cannot be stopped, and a process can create many gateways one after the other.
 * Event-loop delay is not measured before the first scrape.
 */
export class ProcessMetrics {
  #delay: IntervalHistogram | undefined
  #isClosed = false

  constructor(register: Registry) {
    const startedAt = Date.now() / 1000 - process.uptime()
    readCounter(register, {
      name: 'process_cpu_seconds_total',
      help: 'Processor time, seconds.',
      read: () => {
        const { user, system } = process.cpuUsage()
        return [[{}, (user + system) / MICROSECONDS]]
      },
    })
    readGauge(register, {
      name: 'process_start_time_seconds',
      help: 'When the process began, seconds since 1970.',
      read: () => [[{}, startedAt]],
    })
    readGauge(register, {
      name: 'process_resident_memory_bytes',
      help: 'Resident memory.',
      read: () => [[{}, process.memoryUsage.rss()]],
    })
    readGauge(register, {
      name: 'nodejs_heap_size_total_bytes',
      help: 'Heap that Node has taken.',
      read: () => [[{}, process.memoryUsage().heapTotal]],
    })
    readGauge(register, {
      name: 'nodejs_heap_size_used_bytes',
      help: 'Heap that Node uses.',
      read: () => [[{}, process.memoryUsage().heapUsed]],
    })
    readGauge(register, {
      name: 'nodejs_external_memory_bytes',
      help: 'Memory outside the heap that Node uses.',
      read: () => [[{}, process.memoryUsage().external]],
    })
    new Gauge({
      name: 'process_open_fds',
      help: 'Open file descriptors.',
      registers: [register],
      async collect() {
        const open = await openDescriptors()
        if (open !== undefined) this.set(open)
      },
    })
    readGauge(register, {
      name: 'nodejs_active_resources',
      help: 'What keeps the event loop alive.',
      labels: ['type'],
      read: () => {
        const counts = new Map<string, number>()
        for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1)
        return [...counts].map(([type, n]) => [{ type }, n])
      },
    })
    let lag: Lag | undefined
    for (const [i, name] of LAGS.entries()) {
      readGauge(register, {
        name: `nodejs_eventloop_lag_${name}_seconds`,
        help: `How late the event loop was since the last look: ${name}.`,
        read: () => {
          if (i === 0) lag = this.#lag()
          return lag === undefined ? [] : [[{}, lag[name]]]
        },
      })
    }
  }

  /** Stops measuring the event loop. */
  close(): void {
    this.#delay?.disable()
    this.#isClosed = true
  }

  /**
   * Returns the event-loop delay since the last scrape, in seconds; undefined on the first scrape, which starts the
   * measurement.
   */
  #lag(): Lag | undefined {
    const delay = this.#delay
    if (delay === undefined) {
      this.#delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
      if (!this.#isClosed) this.#delay.enable()
      return undefined
    }
    if (delay.count === 0) return undefined
    // The histogram records the whole interval between two timer ticks, so subtract the resolution.
    const seconds = (nanoseconds: number): number => Math.max(0, nanoseconds / NANOSECONDS - RESOLUTION_MS / 1000)
    const lag = {
      mean: seconds(delay.mean),
      p50: seconds(delay.percentile(50)),
      p90: seconds(delay.percentile(90)),
      p99: seconds(delay.percentile(99)),
      max: seconds(delay.max),
    }
    delay.reset()
    return lag
  }
}

async function openDescriptors(): Promise<number | undefined> {
  // /proc exists on Linux only.
  return (await readdir('/proc/self/fd').catch(() => undefined))?.length
}
