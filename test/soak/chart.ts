import { init } from 'echarts'
import type { FaultPeriod } from './observations.ts'
import type { Sample } from './samples.ts'

const MB = 2 ** 20
const WIDTH = 1200
const LEFT = 160
const PANEL = 150
const GAP = 60
const FAULT_ROW = 14
const TOP = 60

const PANELS: readonly [title: string, curves: Record<string, (sample: Sample) => number | undefined>][] = [
  ['sessions', { 'open sessions': ({ sessions }) => sessions }],
  [
    'latency, ms',
    {
      'p99 with faults': ({ faultyP99 }) => faultyP99,
      'p99 without faults': ({ stableP99 }) => stableP99,
      'p50 without faults': ({ stableP50 }) => stableP50,
    },
  ],
  ['memory, MB', { RSS: ({ rss }) => rss / MB, 'heap after collection': ({ heap }) => heap && heap / MB }],
  ['handles', { 'open files and sockets': ({ handles }) => handles }],
]

/** Draws a run as SVG: the faults, and below them sessions, latency, memory and open files over time. */
export function drawChart(
  title: string,
  samples: readonly Sample[],
  faults: readonly FaultPeriod[],
  start: number,
): string {
  const minutes = (at: number): number => (at - start) / 60_000
  const end = Math.max(0, ...samples.map(({ at }) => minutes(at)))
  const names = [...new Set(faults.map(({ name }) => name))].sort((a, b) => b.localeCompare(a))
  const strip = Math.max(1, names.length) * FAULT_ROW
  const top = (panel: number): number => TOP + strip + GAP + panel * (PANEL + GAP)
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: top(PANELS.length) })
  const axis = { min: 0, max: end, nameLocation: 'middle' }
  const line = { type: 'line', showSymbol: false }
  chart.setOption({
    animation: false,
    backgroundColor: '#fff',
    title: { text: title, left: LEFT },
    grid: [
      { left: LEFT, right: 20, top: TOP, height: strip },
      ...PANELS.map((_, i) => ({ left: LEFT, right: 20, top: top(i), height: PANEL })),
    ],
    legend: PANELS.map(([, curves], i) => ({ data: Object.keys(curves), top: top(i) - 30, left: 2 * LEFT })),
    xAxis: [axis, ...PANELS.map((_, i) => ({ ...axis, gridIndex: i + 1, name: 'minutes' }))],
    yAxis: [
      { type: 'category', data: names, axisLabel: { interval: 0, fontSize: 9 } },
      ...PANELS.map(([name], i) => ({ gridIndex: i + 1, name, type: name.startsWith('latency') ? 'log' : 'value' })),
    ],
    series: [
      ...faults.map(({ name, from, to }) => ({
        ...line,
        lineStyle: { width: FAULT_ROW - 4 },
        color: '#e15759',
        // A fault without duration is drawn as a mark.
        data: [minutes(from), Math.max(minutes(to), minutes(from) + end / 400)].map((at) => [Math.min(end, at), name]),
      })),
      ...PANELS.flatMap(([, curves], i) =>
        Object.entries(curves).map(([name, value]) => {
          const data = samples
            .map((sample) => [minutes(sample.at), value(sample)])
            .filter(([, known]) => known !== undefined)
          return { ...line, name, xAxisIndex: i + 1, yAxisIndex: i + 1, data }
        }),
      ),
    ],
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}
