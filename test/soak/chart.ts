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

type Panel = [title: string, curves: Record<string, (sample: Sample) => number | undefined>]

const PANELS: readonly Panel[] = [
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
  const height = top(PANELS.length)
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height })
  chart.setOption({
    animation: false,
    backgroundColor: '#fff',
    title: { text: title, left: LEFT },
    grid: [
      { left: LEFT, right: 20, top: TOP, height: strip },
      ...PANELS.map((_, i) => ({ left: LEFT, right: 20, top: top(i), height: PANEL })),
    ],
    legend: PANELS.map(([, curves], i) => ({
      data: Object.keys(curves),
      top: top(i) - 30,
      left: 2 * LEFT,
      itemGap: 30,
    })),
    xAxis: [-1, ...PANELS.keys()].map((i) => ({
      gridIndex: i + 1,
      min: 0,
      max: end,
      name: i < 0 ? '' : 'minutes',
      nameLocation: 'middle',
    })),
    yAxis: [
      { type: 'category', data: names, axisLabel: { interval: 0, fontSize: 9 } },
      ...PANELS.map(([name], i) => ({ gridIndex: i + 1, name, type: name.startsWith('latency') ? 'log' : 'value' })),
    ],
    series: [
      ...faults.map(({ name, from, to }) => ({
        type: 'line',
        showSymbol: false,
        lineStyle: { width: FAULT_ROW - 4 },
        color: '#e15759',
        // A fault without duration is drawn as a mark.
        data: [minutes(from), Math.max(minutes(to), minutes(from) + end / 400)].map((at) => [Math.min(end, at), name]),
      })),
      ...PANELS.flatMap(([, curves], i) =>
        Object.entries(curves).map(([name, value]) => ({
          type: 'line',
          name,
          showSymbol: false,
          xAxisIndex: i + 1,
          yAxisIndex: i + 1,
          data: samples.map((sample) => [minutes(sample.at), value(sample)]).filter(([, known]) => known !== undefined),
        })),
      ),
    ],
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}
