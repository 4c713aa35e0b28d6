/** A sample of `GET /admin/figures`; durations are milliseconds, null without any. */
export interface Sample {
  /** milliseconds since 1970 */
  time: number
  sessions: number
  requests_per_s: number
  request_p50_ms: number | null
  request_p99_ms: number | null
  call_p50_ms: number | null
  call_p99_ms: number | null
  loop_p99_ms: number
  loop_max_ms: number
  memory_bytes: number
  heap_bytes: number
  limit_hits: number
}

/** The figures of the gateway. */
export interface Figures {
  interval_ms: number
  /** since the start, by limit */
  limit_hits: Readonly<Record<string, number>>
  samples: readonly Sample[]
}

/** The time that charts show. */
const KEPT_MS = 15 * 60 * 1000
/** Time without samples after which a line is interrupted, in milliseconds. */
const GAP_MS = 10_000

/** Returns the samples of 15 minutes with newer ones. */
export function withNewer(samples: readonly Sample[], newer: readonly Sample[]): readonly Sample[] {
  const last = samples.at(-1)?.time ?? 0
  const all = [...samples, ...newer.filter(({ time }) => time > last)]
  const first = (all.at(-1)?.time ?? 0) - KEPT_MS
  return all.filter(({ time }) => time > first)
}

/** Returns the samples with an undefined one in each gap, in which the gateway was away. */
export function withGaps(samples: readonly Sample[]): readonly (Sample | undefined)[] {
  return samples.flatMap((sample, i) => {
    const before = samples[i - 1]
    return before !== undefined && sample.time - before.time > GAP_MS ? [undefined, sample] : [sample]
  })
}

/** A line of a chart. */
export interface Series {
  /** the key of its label in `strings.ts` */
  label: 'sessions' | 'requests' | 'p50' | 'p99' | 'max' | 'resident' | 'heap' | 'hits'
  field: Exclude<keyof Sample, 'time'>
}

/** A chart. */
export interface Chart {
  /** the key of its title in `strings.ts` */
  title: 'sessions' | 'requestRate' | 'requestTime' | 'callTime' | 'loopDelay' | 'memory' | 'limitHits'
  unit: 'count' | 'perSecond' | 'ms' | 'bytes'
  series: readonly [Series, ...Series[]]
}

/** The charts, in their order. */
export const CHARTS: readonly Chart[] = [
  { title: 'sessions', unit: 'count', series: [{ label: 'sessions', field: 'sessions' }] },
  { title: 'requestRate', unit: 'perSecond', series: [{ label: 'requests', field: 'requests_per_s' }] },
  {
    title: 'requestTime',
    unit: 'ms',
    series: [
      { label: 'p50', field: 'request_p50_ms' },
      { label: 'p99', field: 'request_p99_ms' },
    ],
  },
  {
    title: 'callTime',
    unit: 'ms',
    series: [
      { label: 'p50', field: 'call_p50_ms' },
      { label: 'p99', field: 'call_p99_ms' },
    ],
  },
  {
    title: 'loopDelay',
    unit: 'ms',
    series: [
      { label: 'p99', field: 'loop_p99_ms' },
      { label: 'max', field: 'loop_max_ms' },
    ],
  },
  {
    title: 'memory',
    unit: 'bytes',
    series: [
      { label: 'resident', field: 'memory_bytes' },
      { label: 'heap', field: 'heap_bytes' },
    ],
  },
  { title: 'limitHits', unit: 'count', series: [{ label: 'hits', field: 'limit_hits' }] },
]

/** Returns the largest and the mean value of a field; null without values. */
export function summary(samples: readonly Sample[], field: Series['field']): { max: number; mean: number } | null {
  const values = samples.map((sample) => sample[field]).filter((value) => value !== null)
  if (values.length === 0) return null
  return { max: Math.max(...values), mean: values.reduce((sum, value) => sum + value, 0) / values.length }
}
