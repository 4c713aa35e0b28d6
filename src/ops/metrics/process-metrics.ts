import { readdir } from 'node:fs/promises'
import { Counter, Gauge, type Registry } from 'prom-client'
import { DELAYS, type Delays, LoopDelay } from './loop-delay.ts'

const MICROSECONDS = 1e6

/**
 * Metrics of the process and of event-loop delay, under the names of prom-client's default metrics. The default metrics
 * are not used because they cannot be stopped, and a process can start and close many gateways. Event-loop delay is
 * measured from the first scrape on.
 */
export class ProcessMetrics {
  readonly #delay = new LoopDelay()

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
    let delays: Delays
    for (const name of DELAYS) {
      gauge(`nodejs_eventloop_lag_${name}_seconds`, `Event-loop delay since the last scrape, seconds: ${name}.`, () => {
        // prom-client collects the gauges in the order of their registration.
        if (name === DELAYS[0]) delays = this.#delay.take()
        return delays[name]
      })
    }
  }

  /** Stops measuring the event loop. */
  close(): void {
    this.#delay.close()
  }
}

async function openDescriptors(): Promise<number | undefined> {
  // /proc exists on Linux only.
  return (await readdir('/proc/self/fd').catch(() => undefined))?.length
}
