import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { BOUNDS_MS, type Times } from './times.ts'

/** The labels of one value, by label name. */
export type Labels = Readonly<Record<string, string>>

/** A metric whose values are counted elsewhere. prom-client calls `read` for each scrape. */
interface ReadMetric<V> {
  name: string
  help: string
  labels?: readonly string[]
  read: () => Iterable<readonly [labels: Labels, value: V]>
}

/** Registers a counter whose values are read for each scrape. */
export function readCounter(register: Registry, { name, help, labels = [], read }: ReadMetric<number>): void {
  new Counter({
    name,
    help,
    labelNames: labels,
    registers: [register],
    collect() {
      this.reset()
      for (const [each, value] of read()) this.inc(each, value)
    },
  })
}

/** Registers a gauge whose values are read for each scrape. */
export function readGauge(register: Registry, { name, help, labels = [], read }: ReadMetric<number>): void {
  new Gauge({
    name,
    help,
    labelNames: labels,
    registers: [register],
    collect() {
      this.reset()
      for (const [each, value] of read()) this.set(each, value)
    },
  })
}

/** Registers a histogram in seconds whose values are read for each scrape. */
export function readHistogram(register: Registry, metric: ReadMetric<Times>): void {
  register.registerMetric(new ReadHistogram(metric))
}

class ReadHistogram extends Histogram {
  readonly #description: { name: string; help: string }
  readonly #read: ReadMetric<Times>['read']

  constructor({ name, help, labels = [], read }: ReadMetric<Times>) {
    super({ name, help, labelNames: labels, registers: [] })
    this.#description = { name, help }
    this.#read = read
  }

  /** Overrides the method by which prom-client reads a histogram: returns the values from `read`. */
  getForPromString() {
    const { name } = this.#description
    const values: Sample[] = []
    for (const [sharedLabels, { buckets, sumMs }] of this.#read()) {
      let count = 0
      for (const [i, bound] of [...BOUNDS_MS, Number.POSITIVE_INFINITY].entries()) {
        count += buckets[i] as number
        const le = bound === Number.POSITIVE_INFINITY ? '+Inf' : bound / 1000
        values.push({ metricName: `${name}_bucket`, labels: { le }, sharedLabels, value: count })
      }
      values.push({ metricName: `${name}_sum`, labels: {}, sharedLabels, value: sumMs / 1000 })
      values.push({ metricName: `${name}_count`, labels: {}, sharedLabels, value: count })
    }
    return Promise.resolve({ ...this.#description, type: 'histogram', aggregator: 'sum', values })
  }
}

/** One sample, which is one line of the text format. */
interface Sample {
  metricName: string
  labels: Record<string, string | number>
  sharedLabels: Labels
  value: number
}
