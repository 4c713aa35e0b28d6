import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { language } from '../../shared/preferences.ts'
import { type Chart, type Sample, withGaps } from './figures.ts'
import { formatted, MB } from './format.ts'

const HEIGHT = 150
const AXIS_WIDTH = 58
const MINUTE_S = 60
/** The steps of an axis of whole numbers. */
const WHOLE_STEPS = Array.from({ length: 10 }, (_, i) => [1, 2, 5].map((step) => step * 10 ** i)).flat()

/** The lines of a chart on a canvas. @param onHover receives the sample under the pointer */
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
  onHover: (sample: Sample | undefined) => void
}) {
  const parent = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const points = withGaps(samples)
  const data = dataOf(chart, points)
  const hover = useRef((_index: number | undefined): void => undefined)
  hover.current = (index) => onHover(index === undefined ? undefined : points[index])
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

/** Returns the times in seconds and the values of each line. A gap begins a second after the sample before it. */
function dataOf({ series, unit }: Chart, points: readonly (Sample | undefined)[]): uPlot.AlignedData {
  const times = points.map((sample, i) => (sample?.time ?? (points[i - 1] as Sample).time + 1000) / 1000)
  return [times, ...series.map(({ field }) => points.map((sample) => scaled(sample?.[field] ?? null, unit)))]
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
