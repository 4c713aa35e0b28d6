import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { language } from '../../shared/preferences.ts'
import type { Chart, Sample } from './figures.ts'
import { formatted, MB } from './format.ts'

const HEIGHT = 150
const AXIS_WIDTH = 58
const MINUTE_S = 60
/** The steps of an axis of whole numbers. */
const WHOLE_STEPS = Array.from({ length: 10 }, (_, i) => [1, 2, 5].map((step) => step * 10 ** i)).flat()
/** Time without samples after which a line is interrupted, seconds. */
const GAP_S = 10

/** The lines of a chart on a canvas. @param onHover receives the index of the sample under the pointer */
export function Plot({
  chart,
  samples,
  colours,
  onHover,
}: {
  chart: Chart
  samples: readonly Sample[]
  /** the colours of the lines, then that of the axes and that of the grid */
  colours: readonly string[]
  onHover: (index: number | undefined) => void
}) {
  const parent = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const hover = useRef(onHover)
  hover.current = onHover
  const data = dataOf(chart, samples)
  const latest = useRef(data)
  latest.current = data
  const palette = colours.join()
  const { value: locale } = language

  useEffect(() => {
    const target = parent.current
    if (target === null) return
    const all = palette.split(/,(?![^(]*\))/)
    const options = { chart, width: target.clientWidth, colours: all, locale }
    const created = new uPlot(
      optionsOf(options, (index) => hover.current(index)),
      latest.current,
      target,
    )
    plot.current = created
    const observer = new ResizeObserver(() => created.setSize({ width: target.clientWidth, height: HEIGHT }))
    observer.observe(target)
    return () => {
      observer.disconnect()
      created.destroy()
      plot.current = undefined
    }
  }, [chart, palette, locale])
  useEffect(() => plot.current?.setData(latest.current), [samples])
  return <div ref={parent} class="plot" />
}

/** Returns the times in seconds and the values of each line, with a gap where the gateway was away. */
function dataOf({ series, unit }: Chart, samples: readonly Sample[]): uPlot.AlignedData {
  const times: number[] = []
  const lines: (number | null)[][] = series.map(() => [])
  for (const sample of samples) {
    const time = sample.time / 1000
    const last = times.at(-1)
    if (last !== undefined && time - last > GAP_S) {
      times.push(last + 1)
      for (const line of lines) line.push(null)
    }
    times.push(time)
    for (const [i, { field }] of series.entries()) lines[i]?.push(scaled(sample[field], unit))
  }
  return [times, ...lines]
}

/** Returns bytes in megabytes, so that the marks of the axis are round numbers. */
function scaled(value: number | null, unit: Chart['unit']): number | null {
  return value !== null && unit === 'bytes' ? value / MB : value
}

interface PlotOptions {
  chart: Chart
  width: number
  colours: readonly string[]
  locale: string
}

function optionsOf(
  { chart: { series, unit }, width, colours, locale }: PlotOptions,
  onHover: (index: number | undefined) => void,
): uPlot.Options {
  const [ink = '#888', grid = '#ccc'] = colours.slice(series.length)
  const axis = {
    stroke: ink,
    font: '12px system-ui, sans-serif',
    grid: { stroke: grid, width: 1 },
    ticks: { show: false },
  }
  const minutes = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const
  const clock = new Intl.DateTimeFormat(locale, minutes)
  const exactClock = new Intl.DateTimeFormat(locale, { ...minutes, second: '2-digit' })
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, sync: { key: 'figures' } },
    scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] } },
    axes: [
      {
        ...axis,
        size: 28,
        space: 80,
        values: (_, splits, __, ___, step) =>
          splits.map((split) => (step < MINUTE_S ? exactClock : clock).format(split * 1000)),
      },
      {
        ...axis,
        size: AXIS_WIDTH,
        space: 30,
        ...(unit === 'count' && { incrs: WHOLE_STEPS }),
        values: (_, splits) => splits.map((split) => formatted(unit === 'bytes' ? split * MB : split, unit)),
      },
    ],
    series: [
      {},
      ...series.map((_, i) => ({ stroke: colours[i] ?? ink, width: 1.5, points: { show: false }, spanGaps: false })),
    ],
    hooks: {
      setCursor: [
        ({ cursor: { idx, left } }) => onHover(left === undefined || left < 0 ? undefined : (idx ?? undefined)),
      ],
    },
  }
}
