import type { Counter, Gauge, Histogram, Registry } from 'prom-client'

/**
 * Returns the values of `GET /stats` by name, as httpkom does. All are sums of metrics in the registry.
 * @param register a registry with the metrics of HTTP requests, sessions and LysKOM servers
 * @throws Error if a metric is not registered
 */
export async function stats(register: Registry): Promise<Record<string, number>> {
  const [received, sent, active, opened, closed, answered, errors, messages] = await Promise.all([
    sum(register, 'komgate_http_requests_received_total'),
    sumBy(register, 'komgate_http_requests_total', 'status'),
    sum(register, 'komgate_sessions_open'),
    sum(register, 'komgate_sessions_opened_total'),
    sumBy(register, 'komgate_sessions_closed_total', 'reason'),
    sum(register, 'komgate_lyskom_call_duration_seconds', '_count'),
    sum(register, 'komgate_lyskom_errors_total'),
    sum(register, 'komgate_lyskom_messages_total'),
  ])
  const byStatus = [...sent].sort(([a], [b]) => Number(a) - Number(b))
  return {
    'komgate.http.requests.received.last': received,
    ...Object.fromEntries(byStatus.map(([status, n]) => [`komgate.http.responses.sent.${status}.last`, n])),
    'komgate.sessions.active.last': active,
    'komgate.sessions.opened.last': opened,
    ...Object.fromEntries([...closed].map(([reason, n]) => [`komgate.sessions.closed.${reason}.last`, n])),
    // The histogram counts error replies too.
    'komgate.connections.responses.received.ok.last': answered - errors,
    'komgate.connections.responses.received.error.last': errors,
    'komgate.connections.responses.received.async.last': messages,
  }
}

/**
 * Returns the sum of a metric over all label values.
 * @param suffix of the samples of a histogram, `_count` for example
 */
async function sum(register: Registry, name: string, suffix = ''): Promise<number> {
  let total = 0
  for (const { metricName = name, value } of await samples(register, name)) {
    if (metricName === name + suffix) total += value
  }
  return total
}

/** Returns the sums of a metric by the values of one label, in the order in which the values first occurred. */
async function sumBy(register: Registry, name: string, label: string): Promise<Map<string, number>> {
  const sums = new Map<string, number>()
  for (const { labels, value } of await samples(register, name)) {
    const key = String(labels[label])
    sums.set(key, (sums.get(key) ?? 0) + value)
  }
  return sums
}

async function samples(register: Registry, name: string) {
  const metric = register.getSingleMetric(name) as Counter | Gauge | Histogram | undefined
  if (metric === undefined) throw new Error(`no metric ${name}`)
  const { values } = await metric.get()
  return values as Sample[]
}

/** A value of a metric. `metricName` is set for histograms. */
interface Sample {
  metricName?: string
  labels: Partial<Record<string, string | number>>
  value: number
}
