import { Histogram, Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { DurationHistogram } from '../../src/ops/metrics/duration-histogram.ts'

const OPTIONS = { name: 'test_seconds', help: 'A test.', labelNames: ['route'] }
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

it('DurationHistogram has the same text format as a histogram of prom-client with the same observations', async () => {
  const [own, theirs] = [new Registry(), new Registry()]
  const measured = new DurationHistogram(own, OPTIONS)
  const expected = new Histogram({ ...OPTIONS, buckets: BUCKETS, registers: [theirs] })
  for (const [route, ms] of [
    ['/a', 0],
    ['/a', 0.5],
    ['/b "\\\n', 0.75],
    ['/a', 10_000],
    ['/a', 10_001],
  ] as const) {
    // A second call of bind returns the same durations.
    measured.bind({ route }).observe(ms)
    expected.labels({ route }).observe(ms / 1000)
  }
  measured.bind({ route: '/never' })
  expect(await own.metrics()).toBe(await theirs.metrics())
})
