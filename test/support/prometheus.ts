/** One line of Prometheus' text format. */
export interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

const LINE = /^([a-z_][a-z0-9_]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /([a-z_]+)="((?:[^"\\]|\\.)*)"(?:,|$)/g

/**
 * Parses metrics like Prometheus.
 * @throws Error for an invalid line, a duplicate value, or a metric without a declaration
 */
export function parseMetrics(text: string): Sample[] {
  const announced = new Set<string>()
  const seen = new Set<string>()
  const samples: Sample[] = []
  for (const line of text.split('\n')) {
    const [, type] = /^# TYPE (\S+) (?:counter|gauge|histogram)$/.exec(line) ?? []
    if (type !== undefined) announced.add(type)
    if (line === '' || line.startsWith('# ')) continue
    const [, name = '', inner = '', value] = LINE.exec(line) ?? []
    if (name === '') throw new Error(`no sample: ${line}`)
    const key = line.slice(0, line.lastIndexOf(' '))
    if (seen.has(key)) throw new Error(`twice: ${key}`)
    seen.add(key)
    if (!announced.has(name) && !announced.has(name.replace(/_(?:bucket|sum|count)$/, ''))) {
      throw new Error(`not announced: ${name}`)
    }
    const labels = Object.fromEntries([...inner.matchAll(LABEL)].map(([, label, text]) => [label, text]))
    samples.push({ name, labels, value: value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value) })
  }
  return samples
}

/** Returns the value of the metric whose labels include these; undefined if there is none. */
export function metric(
  samples: readonly Sample[],
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  return samples.find(
    (sample) => sample.name === name && Object.entries(labels).every(([label, text]) => sample.labels[label] === text),
  )?.value
}
