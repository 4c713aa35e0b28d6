/** A line with a value in Prometheus' text format. */
export interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

const LINE = /^([a-z_][a-z0-9_]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /([a-z_]+)="((?:[^"\\]|\\.)*)"(?:,|$)/g

/**
 * Parses metrics as strictly as Prometheus.
 *
 * @param text the response to `GET /metrics`
 * @throws Error for an invalid line, a duplicate value, or a metric without a declaration
 */
export function parseMetrics(text: string): Sample[] {
  const declared = new Set<string>()
  const seen = new Set<string>()
  const samples: Sample[] = []
  for (const line of text.split('\n')) {
    const [, type] = /^# TYPE (\S+) (?:counter|gauge|histogram)$/.exec(line) ?? []
    if (type !== undefined) declared.add(type)
    if (line === '' || line.startsWith('# ')) continue
    const [, name = '', inner = '', value] = LINE.exec(line) ?? []
    if (name === '') throw new Error(`invalid line: ${line}`)
    const key = line.slice(0, line.lastIndexOf(' '))
    if (seen.has(key)) throw new Error(`duplicate value: ${key}`)
    seen.add(key)
    if (!declared.has(name) && !declared.has(name.replace(/_(?:bucket|sum|count)$/, ''))) {
      throw new Error(`metric without a declaration: ${name}`)
    }
    const labels = Object.fromEntries([...inner.matchAll(LABEL)].map(([, label, text]) => [label, text]))
    samples.push({ name, labels, value: value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value) })
  }
  return samples
}

/** Returns the value of the first sample of a metric with the given labels; undefined if there is none. */
export function metric(
  samples: readonly Sample[],
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  return samples.find(
    (sample) => sample.name === name && Object.entries(labels).every(([label, text]) => sample.labels[label] === text),
  )?.value
}
