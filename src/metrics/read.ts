import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { BOUNDS_MS, type Times } from './times.ts'

/** Of one value. */
export type Labels = Readonly<Record<string, string>>

/** What a metric is, and where its values come from: they are counted elsewhere, and read when somebody asks. */
interface ReadMetric<V> {
  name: string
  help: string
  labels?: readonly string[]
  read: () => Iterable<readonly [labels: Labels, value: V]>
}

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

/** In seconds. */
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

  /** What the register asks for its text, in the place of the histogram's own values. */
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

/** One line of the text. */
interface Sample {
  metricName: string
  labels: Record<string, string | number>
  sharedLabels: Labels
  value: number
}
